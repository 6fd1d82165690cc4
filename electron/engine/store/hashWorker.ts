/** Reads and hashes files beside the engine's thread, one after the other; see readHashed.ts. */
import { parentPort } from 'node:worker_threads'
import { hashFile, type SizeBounds } from './hashFile.ts'
import type { HashAnswer, HashRequest } from './hashThread.ts'

parentPort?.on('message', ({ path, bounds }: HashRequest) => {
  const answer = answerTo(path, bounds)
  const bytes = 'file' in answer ? answer.file.content?.bytes : undefined
  parentPort?.postMessage(answer, bytes === undefined ? [] : [bytes.buffer])
})
parentPort?.postMessage('ready')

function answerTo(path: string, bounds: SizeBounds): HashAnswer {
  try {
    return { file: hashFile(path, bounds) }
  } catch (thrown) {
    // A message keeps no code.
    const { message, code } = thrown as NodeJS.ErrnoException
    return { error: { message, code } }
  }
}
