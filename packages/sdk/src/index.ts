/** `statepack`: states of language models, in this process or on a server. */
export { AgentLoop, type AgentLoopOptions, type LoopResult, type LoopStep, type RunOptions } from './AgentLoop.ts'
export type { LoopStats } from './chain.ts'
export { type ConnectOptions, connect } from './connect.ts'
export type { EngineOptions } from './engineOptions.ts'
export { isStatePackError, type StatePackError } from './error.ts'
export { FOLD_LIMITS, type FoldPolicy } from './foldPolicy.ts'
export { StatefulModel, type StatefulModelOptions } from './StatefulModel.ts'
export { StatePackLLM, type StatePackLLMOptions } from './StatePackLLM.ts'
export type * from './statePack.ts'

import type { EngineOptions } from './engineOptions.ts'
import type { StatePack } from './statePack.ts'

/** An engine in this very process, behind the routes of the HTTP API. Close it: it holds the store. */
export async function openEngine(options: EngineOptions = {}): Promise<StatePack> {
  // Whoever only talks to a server never loads it.
  return (await import('./openEngine.ts')).openEngine(options)
}
