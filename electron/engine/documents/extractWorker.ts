/** Parses one document in a thread of its own: a hostile one can cost it its time and memory, and nobody else's. */
import { parentPort, workerData } from 'node:worker_threads'
import { type ErrorValue, toErrorValue } from '#shared/domain/error.ts'
import { htmlToText } from './htmlToText.ts'
import { pdfToText } from './pdfToText.ts'

export type Job =
  | { readonly kind: 'html'; readonly text: string }
  | { readonly kind: 'pdf'; readonly bytes: Uint8Array<ArrayBuffer> }
export type Outcome = { readonly text: string } | { readonly error: ErrorValue }

async function parse(job: Job): Promise<Outcome> {
  try {
    return { text: job.kind === 'html' ? htmlToText(job.text) : await pdfToText(job.bytes) }
  } catch (thrown) {
    return { error: toErrorValue(thrown) }
  }
}

parentPort?.postMessage(await parse(workerData satisfies unknown as Job))
