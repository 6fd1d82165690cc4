/** Decodes files off the window's thread: large HTML takes seconds to parse. */
import { htmlToText } from './htmlToText.ts'

export interface Request {
  readonly bytes: ArrayBuffer
  readonly isHtml: boolean
}
export interface Answer {
  /** Null when the bytes are not UTF-8 text. */
  readonly text: string | null
}

function decode(bytes: ArrayBuffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? null : text
  } catch {
    return null
  }
}

self.onmessage = (event: MessageEvent<Request>) => {
  const text = decode(event.data.bytes)
  const answer: Answer = { text: text !== null && event.data.isHtml ? htmlToText(text) : text }
  self.postMessage(answer)
}
