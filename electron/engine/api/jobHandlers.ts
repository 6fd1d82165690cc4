import { toStatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import type { Made } from '#shared/rpc/methods/jobs.ts'
import type { Created } from '#shared/rpc/methods/packets.ts'
import type { JobQueue } from '../jobs/jobQueue.ts'
import { summaryOf } from '../packets/summaries.ts'
import type { EngineState } from './engineState.ts'

type Owned =
  | 'jobs.add'
  | 'jobs.status'
  | 'jobs.list'
  | 'jobs.get'
  | 'jobs.pause'
  | 'jobs.cancel'
  | 'jobs.retry'
  | 'jobs.dismiss'

export function jobHandlers(state: EngineState, queue: JobQueue): Pick<Handlers, Owned> {
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
