/** One round of what people do with a library, on both starters; it leaves nothing behind but receipts. */
import type { Engine } from '#engine/createEngine.ts'
import type { Digest } from '#shared/domain/digest.ts'
import type { Client } from '#shared/rpc/client.ts'
import { STARTERS } from './benchEngine.ts'

/** Rounds between two unloadings of all models and two emptyings of memory. */
const RELOAD_EVERY = 8

/** `number` makes each round's texts its own. Returns the operations done. */
export async function soakRound(
  { client, engine }: { client: Client; engine: Engine },
  number: number,
): Promise<number> {
  let operations = 0
  const call: Client['call'] = (method, input, options) => {
    operations++
    return client.call(method, input, options)
  }
  const created: Digest[] = []
  for (const model of STARTERS) {
    const text = Array.from({ length: 8 }, (_, i) => `The goat number ${number * 8 + i} lives in house ${i}.`).join(
      '\n',
    )
    const base = await call('packets.create', { model, sources: [{ name: 'herd', text }] })
    const ref = base.cartridge.packetId
    const asked = await call('ask.ask', {
      ref,
      question: 'Where does the goat live?',
      maxNewTokens: 12,
      trace: number % 2 === 0,
    })
    if (asked.step !== null)
      await call('ask.ask', { ref, parentId: asked.step.id, question: 'And then?', maxNewTokens: 12 })
    await call('packets.infer', { ref, delta: ' It likes', persist: 'memory', keepOutput: true, maxNewTokens: 8 })
    const merged = await call('packets.merge', { ref, delta: `\nGoat ${number} also likes pears.` })
    const grown = await call('packets.merge', { ref: merged.cartridge.packetId, delta: '\nIt drinks milk.' })
    const { created: folded } = await call('packets.compact', { ref: grown.cartridge.packetId })
    const tensor = model === 'starter-mamba' ? 'ssm' : 'key'
    await call('packets.inspect', { ref: folded.cartridge.packetId })
    await call('packets.heatmap', { ref: folded.cartridge.packetId, tensor })
    await call('packets.verify', { ref, level: 'recomputed' })
    const parts: Uint8Array<ArrayBuffer>[] = []
    await call('packets.export', { ref }, { onItem: part => parts.push(part) })
    await call('library.list', { query: `goat ${number}` })
    await call('library.lineage', { ref })
    await call('receipts.list', { limit: 20 })
    const all = [ref, merged.cartridge.packetId, grown.cartridge.packetId, folded.cartridge.packetId]
    await call('library.delete', { packetIds: [...new Set(all)] })
    await call('packets.import', { trust: true }, { upload: parts })
    created.push(ref)
  }
  const left = await call('library.list', { limit: 500 })
  await call('library.delete', { packetIds: [...new Set([...created, ...left.items.map(item => item.packetId)])] })
  await call('library.gc', { olderThanDays: 0 })
  if (number % RELOAD_EVERY === RELOAD_EVERY - 1) {
    await call('memory.purge', { tier: 'hot' })
    await call('memory.purge', { tier: 'warm' })
    await engine.state.models.unload()
  }
  return operations
}
