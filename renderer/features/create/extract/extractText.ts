import { StatePackError } from '#shared/domain/error.ts'
import { formatBytes } from '../../../ui/format.ts'
import type { Answer, Request } from './extract.worker.ts'
import { extractPdf } from './extractPdf.ts'

/** What the file dialog offers. Dropping takes any file whose bytes are text. */
export const ACCEPTED = '.txt,.md,.markdown,.json,.jsonl,.csv,.tsv,.html,.htm,.pdf,.log,.xml,.yaml,.yml,.rst,.tex'

const MAX_TEXT_BYTES = 40e6
const MAX_PDF_BYTES = 300e6

/**
 * The text of a dropped file: PDF page by page, HTML without markup, everything else as UTF-8. Runs off the window's
 * thread. Throws `E_TOO_LARGE`, `E_NOT_TEXT`, `E_EMPTY_TEXT`, `E_CANCELLED`.
 */
export async function extractText(file: File, signal: AbortSignal): Promise<string> {
  const isPdf = file.type === 'application/pdf' || /\.pdf$/i.test(file.name)
  const limit = isPdf ? MAX_PDF_BYTES : MAX_TEXT_BYTES
  if (file.size > limit) {
    throw new StatePackError(
      'E_TOO_LARGE',
      `${file.name} has ${formatBytes(file.size)}; up to ${formatBytes(limit)} can be read here.`,
    )
  }
  const text = isPdf ? await extractPdf(file, signal) : await inWorker(file, signal)
  if (text.trim() === '') throw new StatePackError('E_EMPTY_TEXT', `There is no text in ${file.name}.`)
  return text
}

async function inWorker(file: File, signal: AbortSignal): Promise<string> {
  const bytes = await file.arrayBuffer()
  const worker = new Worker(new URL('./extract.worker.ts', import.meta.url), { type: 'module' })
  try {
    return await new Promise<string>((resolve, reject) => {
      const cancelled = () => reject(new StatePackError('E_CANCELLED', 'Cancelled.'))
      signal.addEventListener('abort', cancelled)
      if (signal.aborted) cancelled()
      worker.onerror = () => reject(new StatePackError('E_NOT_TEXT', `${file.name} could not be read as text.`))
      worker.onmessage = (event: MessageEvent<Answer>) => {
        if (event.data.text !== null) resolve(event.data.text)
        else reject(new StatePackError('E_NOT_TEXT', `${file.name} is not UTF-8 text.`))
      }
      const request: Request = { bytes, isHtml: file.type === 'text/html' || /\.html?$/i.test(file.name) }
      worker.postMessage(request, [bytes])
    })
  } finally {
    worker.terminate()
  }
}
