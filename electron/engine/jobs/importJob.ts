import type { ImportTask } from '#shared/rpc/methods/jobs.ts'
import { admitCartridge } from '../admission/admitCartridge.ts'
import { type CartridgeSource, openSource } from '../admission/cartridgeSource.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import type { JobWork } from './performJob.ts'

/** Takes a `.cartridge` file in, whole or not at all. Throws what {@link openSource} and {@link admitCartridge} throw. */
export async function importJob(
  context: PacketContext,
  { path, lenient, trust, name }: ImportTask,
  { call, size, made }: JobWork,
): Promise<void> {
  const began = performance.now()
  const source = watched(await openSource({ path, lenient, upload: null }), { call, size })
  const { cartridge, receipt, duplicate } = await admitCartridge(context, { source, trust, name })
  const kept = {
    ...{ packetId: cartridge.packetId, receipt, cacheHit: duplicate, tokensProcessed: 0, notes: [] },
    ...{ reused: null, reuseMissed: null, bytesWritten: source.bytes },
    seconds: (performance.now() - began) / 1000,
    secondsReading: 0,
  }
  made([kept], { wasRead: true })
}

/** The same bytes: each piece says how far it is, and none comes once it is stopped. */
function watched(
  source: CartridgeSource,
  { call, size }: { readonly call: Call; readonly size: number },
): CartridgeSource {
  return {
    lenient: source.lenient,
    get bytes() {
      return source.bytes
    },
    async *chunks() {
      for await (const chunk of source.chunks()) {
        call.signal?.throwIfAborted()
        call.progress?.({ phase: 'importing', done: source.bytes, total: size, unit: 'bytes' })
        yield chunk
      }
    },
  }
}
