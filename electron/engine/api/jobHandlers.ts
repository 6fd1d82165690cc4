import { stat } from 'node:fs/promises'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import type { Made } from '#shared/rpc/methods/jobs.ts'
import type { Created } from '#shared/rpc/methods/packets.ts'
import type { Copies } from '../jobs/copies.ts'
import type { JobQueue } from '../jobs/jobQueue.ts'
import { summaryOf } from '../packets/summaries.ts'
import type { EngineState } from './engineState.ts'

type Owned =
  | 'jobs.add'
  | 'jobs.import'
  | 'jobs.status'
  | 'jobs.list'
  | 'jobs.get'
  | 'jobs.pause'
  | 'jobs.cancel'
  | 'jobs.retry'
  | 'jobs.dismiss'

export function jobHandlers(state: EngineState, queue: JobQueue, copies: Copies): Pick<Handlers, Owned> {
  /** As it was made, with the cartridge as it is now; nothing where that was deleted. */
  async function created({ packetId, ...how }: Made): Promise<Created[]> {
    try {
      return [{ ...how, cartridge: await summaryOf(state, packetId) }]
    } catch (thrown) {
      if (toStatePackError(thrown).code === 'E_NOT_FOUND') return []
      throw thrown
    }
  }
  return {
    'jobs.add': async ({ jobs }) => ({ ids: queue.add(jobs) }),
    'jobs.import': async ({ title, path, ...how }, { signal, upload }) => {
      queue.require()
      const add = (file: { path: string; size: number }, isCopy: boolean) => ({
        ids: queue.add([{ title, size: file.size, task: { kind: 'import', path: file.path, isCopy, ...how } }]),
      })
      if (upload !== null && path === undefined)
        return copies.keep(upload, { signal, handOver: file => add(file, true) })
      if (upload !== null || path === undefined) {
        throw new StatePackError('E_BAD_INPUT', 'Give either the path of a file or its bytes.')
      }
      // One that is not there is said by its job.
      const size = await stat(path).then(
        found => found.size,
        () => 0,
      )
      return add({ path, size }, false)
    },
    'jobs.status': async () => queue.status(),
    'jobs.list': async query => queue.list(query),
    'jobs.get': async ({ id }) => {
      const { job, made } = queue.get(id)
      return { job, made: (await Promise.all(made.map(created))).flat() }
    },
    'jobs.pause': async ({ paused }) => {
      queue.pause(paused)
      return {}
    },
    'jobs.cancel': async selection => ({ jobs: queue.cancel(selection) }),
    'jobs.retry': async selection => ({ jobs: queue.retry(selection) }),
    'jobs.dismiss': async selection => ({ jobs: queue.dismiss(selection) }),
  }
}
