import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readManifest } from '#engine/store/manifests.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { openTestEngine, questionDelta, type TestEngine } from '../testEngine.ts'

const text = Array.from({ length: 20 }, (_, i) => `Fact ${i}: goat ${i} lives in house ${i * 7}.`).join('\n')

describe.each(['starter-transformer', 'starter-mamba'])('a stored state of %s with a changed byte', model => {
  let maker: TestEngine
  let ref: string
  let files: string[]
  beforeAll(async () => {
    maker = await openTestEngine()
    const made = await maker.client.call('packets.create', { model, sources: [{ name: 'facts', text }] })
    ref = made.cartridge.packetId
    const { layers } = await readManifest(maker.engine.state.store.blobs, made.cartridge.packetId)
    files = layers
      .filter(({ mediaType }) => mediaType === LAYER_TYPES.kv || mediaType === LAYER_TYPES.ssm)
      .map(({ digest }) => join(maker.folder, 'store/blobs/sha256', digest.slice(7)))
  })
  afterAll(() => maker.close())

  const uses = {
    'is asked': ['packets.infer', { delta: questionDelta('Where does goat 3 live?'), maxNewTokens: 4 }],
    'is asked nothing': ['packets.infer', { delta: '', maxNewTokens: 4 }],
    'is asked nothing, and the answer kept': ['packets.infer', { delta: '', maxNewTokens: 4, keepOutput: true }],
    'is merged': ['packets.merge', { delta: 'Goat 20 lives in house 140.\n' }],
  } as const

  it.each(Object.entries(uses))('%s: no token, no state and no receipt leaves', async (_, [method, input]) => {
    const { client, engine, close } = await openTestEngine({ folder: maker.folder })
    try {
      const { receipts, store, live } = engine.state
      const before = [receipts.count, store.library.packets.all().length]
      const pieces: unknown[] = []
      const ask = () => client.call(method, { ref, ...input }, { onItem: item => pieces.push(item) })
      for (const file of files) {
        // A number: the header stays as it was.
        const good = readFileSync(file)
        const bad = Buffer.from(good)
        bad.writeUInt8(bad.readUInt8(bad.length - 3) ^ 1, bad.length - 3)
        writeFileSync(file, bad)
        await expect(ask()).rejects.toMatchObject({ code: 'E_CORRUPT' })
        await expect(ask()).rejects.toMatchObject({ code: 'E_CORRUPT' })
        expect(pieces).toEqual([])
        expect([receipts.count, store.library.packets.all().length]).toEqual(before)
        expect(live.blocks.has(`sha256:${file.slice(-64)}`)).toBe(false)
        // Nothing of it stands in a session's buffers either.
        expect(live.hot.bytes).toBe(0)
        writeFileSync(file, good)
        live.warm.purge()
      }
      await ask()
      expect(receipts.count).toBe((before[0] ?? 0) + 1)
    } finally {
      await close()
    }
  })
})
