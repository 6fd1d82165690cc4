/** `statepack/client`: a State Pack server over HTTP, for programs that run no model themselves. */
export { type ConnectOptions, connect } from './connect.ts'
export { isStatePackError, type StatePackError } from './error.ts'
export type * from './statePack.ts'
