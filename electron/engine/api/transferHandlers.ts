import type { Handlers } from '#shared/rpc/contract.ts'
import { exportPacket, importPacket, reviewPacket } from '../packets/transferPacket.ts'
import type { EngineState } from './engineState.ts'

export function transferHandlers(
  state: EngineState,
): Pick<Handlers, 'packets.export' | 'packets.review' | 'packets.import'> {
  return {
    'packets.export': ({ ref }, call) => exportPacket(state, ref, call),
    'packets.review': ({ bytes }) => reviewPacket(state, bytes),
    'packets.import': input => importPacket(state, input),
  }
}
