/** `statepack/langchain`: models of LangChain on a State Pack engine or server. `@langchain/core` is a peer dependency. */

export type { StatePackModelFields } from './langchain/fields.ts'
export { StatePackChat } from './langchain/StatePackChat.ts'
export { StatePackCompletion } from './langchain/StatePackCompletion.ts'
