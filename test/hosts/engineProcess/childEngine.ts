/** A small engine in a real child process, for tests of what stands around an engine. */
import { appendFileSync } from 'node:fs'
import { openParentPort } from '#hosts/engineProcess/parentPort.ts'
import { type OpenEngine, serveEngine } from '#hosts/engineProcess/serveEngine.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { streamHandlers } from '../streams/streamHandlers.ts'

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

const openEngine: OpenEngine = async ({ dataFolder, assetsFolder, secretKey, onEvent }) => {
  if (assetsFolder === 'refuse') throw new StatePackError('E_STORE_UNREADABLE', 'The store cannot be read.')
  if (assetsFolder === 'crash-at-start') process.exit(7)
  return {
    handlers: {
      'library.gc': async ({ dryRun }) => ({ blobs: process.pid, bytes: 0, packets: 0, dryRun }),
      /** `ref` says what the engine does. */
      'packets.tensor': async ({ ref, layer }, { signal, progress }) => {
        if (ref === 'crash') process.exit(3)
        if (ref === 'block') {
          const until = Date.now() + layer
          while (Date.now() < until);
        }
        if (ref === 'until-cancelled') {
          progress({ phase: 'waiting' })
          while (!signal.aborted) await sleep(5)
          appendFileSync(`${dataFolder}/cancelled`, 'x')
          signal.throwIfAborted()
        }
        if (ref === 'progress') {
          for (let done = 1; done <= layer; done++) {
            progress({ phase: 'counting', done, total: layer, unit: 'tokens' })
            if (done % 50 === 0) await sleep(1)
          }
        }
        return { shape: [layer], values: Float32Array.from({ length: layer }, (_, i) => i / 3) }
      },
      /** What it says and tells cannot be sent. */
      'answers.get': async () => {
        const nested = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))
        onEvent('library.changed', { packetIds: nested })
        return { response: { nested } }
      },
      ...streamHandlers(`${dataFolder}/notes`),
      'packets.review': async () => {
        throw new StatePackError('E_CORRUPT', 'This file is damaged.')
      },
      'documents.extract': async ({ bytes }) => {
        throw new StatePackError('E_CONFLICT', `${bytes.byteLength} bytes, first ${bytes[0]}`)
      },
      'savings.providerKey': async () => ({ saved: false, where: secretKey ? 'os-key-store' : 'memory' }),
      'savings.reset': async () => {
        onEvent('savings.changed', {})
        onEvent('library.changed', { packetIds: ['a'] })
        return { removed: 0 }
      },
    },
    dispose: async () => appendFileSync(`${dataFolder}/disposed`, 'x'),
  }
}

serveEngine(openParentPort(), openEngine)
