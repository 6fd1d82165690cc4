import type { Handlers } from '#shared/rpc/contract.ts'
import { admitCartridge } from '../admission/admitCartridge.ts'
import { openSource } from '../admission/cartridgeSource.ts'
import { reviewCartridge } from '../admission/reviewCartridge.ts'
import { tryCartridge } from '../admission/tryCartridge.ts'
import { exportPacket } from '../packets/exportPacket.ts'
import { givesAway } from '../packets/givesAway.ts'
import type { EngineState } from './engineState.ts'

export function transferHandlers(
  state: EngineState,
): Pick<Handlers, 'packets.exportReview' | 'packets.export' | 'packets.review' | 'packets.try' | 'packets.import'> {
  return {
    'packets.exportReview': ({ ref }) => givesAway(state, ref),
    'packets.export': ({ ref }, call) => exportPacket(state, ref, call),
    'packets.review': async (file, { upload }) => reviewCartridge(state, await openSource({ ...file, upload })),
    'packets.try': async ({ question, ...file }, { upload, ...call }) =>
      tryCartridge(state, { source: await openSource({ ...file, upload }), question }, call),
    'packets.import': async ({ trust, name, ...file }, { upload }) =>
      admitCartridge(state, { source: await openSource({ ...file, upload }), trust, name }),
  }
}
