import { useStore } from 'zustand'
import { toStatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import { describeError } from '../ui/describeError.ts'
import type { EngineSaid } from './engineStore.ts'
import { useStudio } from './studio.ts'
import { useRead } from './useRead.ts'

export interface Engine extends Omit<EngineSaid, 'at'> {
  /** The engine answers, and not this window: it has no key, or one of an earlier start. */
  readonly signedOut: boolean
  readonly info: Output<'engine.status'> | undefined
  readonly check: () => void
}

/** How the engine stands: by what its parent says, and by its answers, whichever is newer. */
export function useEngine(): Engine {
  const said = useStore(useStudio().engine)
  const { data: info, dataUpdatedAt, error, refetch } = useRead('engine.status', {})
  const answers = dataUpdatedAt > said.at
  // Not reachable at first means still starting; after that the parent's own events say what is the matter.
  const unreached = info === undefined && error !== null ? describeError(error).line : null
  return {
    state: answers ? 'ready' : said.state,
    reason: answers ? null : (said.reason ?? unreached),
    signedOut: error !== null && toStatePackError(error).code === 'E_UNAUTHORIZED',
    info,
    check: () => void refetch(),
  }
}
