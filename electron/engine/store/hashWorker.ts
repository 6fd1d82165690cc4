/** Hashes beside the engine's thread, one request after the other; see readHashed.ts. */
import { parentPort } from 'node:worker_threads'
import { type HashRequest, hashed } from './hashFile.ts'
import type { HashAnswer } from './hashThread.ts'

parentPort?.on('message', (request: HashRequest) => {
  const answer = answerTo(request)
  const bytes = 'file' in answer ? answer.file.content?.bytes : undefined
  parentPort?.postMessage(answer, bytes === undefined ? [] : [bytes.buffer])
})
parentPort?.postMessage('ready')

function answerTo(request: HashRequest): HashAnswer {
  try {
    return { file: hashed(request) }
  } catch (thrown) {
    // A message keeps no code.
    const { message, code } = thrown as NodeJS.ErrnoException
    return { error: { message, code } }
  }
}
