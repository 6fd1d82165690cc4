/** Two engines with one library: what one of them works with, the other does not sweep. */
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Digest } from '#shared/domain/digest.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

let folder = ''
let user: TestEngine
let other: TestEngine
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-held-'))
  user = await openTestEngine({ folder })
  other = await openTestEngine({ folder })
})
afterEach(async () => {
  await user.close()
  await other.close()
  await rm(folder, { recursive: true, force: true })
})

/** A state that nobody has named, as old as nothing is that somebody is about to publish. */
async function unnamed(model: string): Promise<Digest> {
  const { text } = await bundledText('contract')
  const base = await user.client.call('packets.create', { model, sources: [{ text }], name: 'base' })
  const ask = { ref: base.cartridge.packetId, delta: 'Who pays?', maxNewTokens: 2, keepOutput: true }
  const { newPacketId } = await user.client.call('packets.infer', ask)
  const blobs = join(folder, 'store', 'blobs', 'sha256')
  const then = new Date(Date.now() - 2 * 3600_000)
  for (const name of await readdir(blobs)) await utimes(join(blobs, name), then, then)
  // What was made is no longer at hand, in any buffers or in memory, and its making is over for every process.
  await user.client.call('library.delete', { packetIds: [base.cartridge.packetId] })
  await user.close()
  user = await openTestEngine({ folder })
  return mustBe(newPacketId)
}
function mustBe(packetId: Digest | null): Digest {
  if (packetId === null) throw new Error('It was not stored.')
  return packetId
}
const collect = () => other.client.call('library.gc', { olderThanDays: 0 })

describe.each(['starter-transformer', 'starter-mamba'])('a state of %s', model => {
  it('stays while another process answers from it, and the answer can be stored', async () => {
    const ref = await unnamed(model)
    let collected = 0
    const during = async () => {
      if (collected++ > 0) return
      expect(await collect()).toMatchObject({ packets: 0, blobs: 0 })
      // Deleted, too: whoever is at it comes to an end.
      await other.client.call('library.delete', { packetIds: [ref] })
      expect(await collect()).toMatchObject({ packets: 0, blobs: 0 })
    }
    // Hot enough that it does not end at once.
    const ask = { ref, delta: 'And when?', maxNewTokens: 20, keepOutput: true, sampling: { temperature: 5, seed: 1 } }
    const made = mustBe((await user.client.call('packets.infer', ask, { onItem: during })).newPacketId)
    expect(collected).toBeGreaterThan(0)
    await user.client.call('library.update', { packetId: made, name: 'answered' })
    user.engine.state.store.parts.holds.renew()
    await collect()
    const verified = await other.client.call('packets.verify', { ref: made, level: 'recomputed' })
    expect(verified).toMatchObject({ ok: true })
  })

  it('stays while another process has a state in memory that goes on from it', async () => {
    const ref = await unnamed(model)
    const inMemory = { maxNewTokens: 4, keepOutput: true, persist: 'memory' as const }
    const first = await user.client.call('packets.infer', { ref, delta: 'And when?', ...inMemory })
    const second = await user.client.call('packets.infer', { ref: first.newContextId, delta: 'Where?', ...inMemory })
    expect(await collect()).toMatchObject({ packets: 0 })
    const third = await user.client.call('packets.infer', { ref: second.newContextId, delta: 'Why?', ...inMemory })
    expect(third.newPacketId).toBeNull()
    await user.close()
    expect(await collect()).toMatchObject({ packets: 1 })
    user = await openTestEngine({ folder })
  })
})
