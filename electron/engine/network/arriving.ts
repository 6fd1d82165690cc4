import type { Connection, FetchOptions } from './patientFetch.ts'

/** What ended a connection before everything was there: another try may help. */
export class Interrupted extends Error {}

/** The body's chunks. Silence is reported, then ends the connection. Throws {@link Interrupted}, `E_CANCELLED`. */
export async function* arriving(
  { response, finish, stop }: Connection,
  { patience, signal, onWait }: Pick<FetchOptions, 'patience' | 'signal' | 'onWait'>,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  const next = async () => {
    let silent = false
    const notice = setTimeout(() => onWait?.({ why: 'Nothing arrives', seconds: null }), patience.noticeMs)
    const timeout = setTimeout(() => {
      silent = true
      stop()
    }, patience.stallMs)
    try {
      return await reader.read()
    } catch (error) {
      signal?.throwIfAborted()
      throw new Interrupted(silent ? 'Nothing arrived for too long' : 'The connection broke', { cause: error })
    } finally {
      clearTimeout(notice)
      clearTimeout(timeout)
    }
  }
  for (let chunk = await next(); !chunk.done; chunk = await next()) yield chunk.value
  finish()
}
