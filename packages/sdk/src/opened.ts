import type { EngineOptions } from './engineOptions.ts'
import type { StatePack } from './statePack.ts'

/** Where the work is done: a server that was connected to, or else an engine in this process. */
export interface Where extends EngineOptions {
  /** From `connect` or `openEngine`; whoever opened it closes it. */
  readonly server?: StatePack
}

/** What `where` names. The engine is loaded only when one is wanted here; `close` closes what was opened here. */
export async function opened({ server, ...engine }: Where): Promise<{ server: StatePack; close: () => Promise<void> }> {
  if (server !== undefined) return { server, close: async () => {} }
  const { openEngine } = await import('./openEngine.ts')
  const own = await openEngine(engine)
  return { server: own, close: () => own.close() }
}
