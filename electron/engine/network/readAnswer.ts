import { setTimeout as sleep } from 'node:timers/promises'
import { StatePackError } from '#shared/domain/error.ts'
import { arriving, Interrupted } from './arriving.ts'
import { type FetchOptions, networkError, patientFetch } from './patientFetch.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

/** A whole small answer, asked for again when it breaks off. Throws `E_NETWORK`, `E_TOO_LARGE`, `E_CANCELLED`. */
export async function readAnswer(
  url: string,
  { mostBytes, ...options }: FetchOptions & { readonly mostBytes: number },
): Promise<Answer> {
  const { patience, signal } = options
  for (let failed = 1; ; failed++) {
    const connection = await patientFetch(url, options)
    const { status, headers } = connection.response
    try {
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of arriving(connection, options)) {
        chunks.push(chunk)
        size += chunk.length
        if (size > mostBytes)
          throw new StatePackError('E_TOO_LARGE', `${options.server} answers with far too much.`, { size })
      }
      return { status, headers, body: Buffer.concat(chunks) }
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error
      if (failed >= patience.attempts) throw networkError(url, error.message, error)
      await sleep(Math.min(patience.pauseMs * 2 ** (failed - 1), patience.longestMs), undefined, { signal })
    } finally {
      connection.stop()
    }
  }
}
