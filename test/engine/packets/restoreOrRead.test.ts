/** What is stored is brought back where that is faster than reading its tokens, by the speeds measured here, and else is read. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openMeter } from '#engine/meter/meter.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

const MODEL = 'starter-transformer'
const facts = (count: number) =>
  Array.from({ length: count }, (_, i) => `Goat ${i} of the north lives in house ${7 * i}.`).join('\n')

/** Seconds for a token read, and for a byte that comes from disk. */
const FAST_DISK = { read: 1, restore: 1e-9 }
const SLOW_DISK = { read: 1e-6, restore: 1 }

describe('a text that begins like what is stored', () => {
  let [home, base, longer] = ['', '', '']
  let studio: TestEngine
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'restore-or-read-'))
    studio = await openTestEngine({ folder: join(home, 'first') })
    base = (await create(facts(8))).cartridge.packetId
    longer = (await create(facts(16))).cartridge.packetId
    await studio.close()
  })
  afterEach(() => studio.close())
  afterAll(() => rm(home, { recursive: true, force: true }))

  let engines = 0
  /** An engine with the two in its store, nothing in memory, that has measured these speeds. */
  async function start({ read, restore }: typeof FAST_DISK): Promise<void> {
    const folder = join(home, `${engines++}`)
    await cp(join(home, 'first'), folder, { recursive: true })
    const meter = openMeter(join(folder, 'store', 'meter.sqlite'))
    for (let sample = 0; sample < 64; sample++) {
      meter.prefill({ model: MODEL, device: 'cpu', tokens: 1000, seconds: 1000 * read })
      meter.restored({ model: MODEL, device: 'cpu', bytes: 1e7, seconds: 1e7 * restore })
    }
    meter.close()
    studio = await openTestEngine({ folder })
  }
  async function create(text: string) {
    const made = await studio.client.call('packets.create', { model: MODEL, sources: [{ name: 'facts', text }] })
    return { ...made, ...(await studio.engine.state.receipts.get(made.receipt.receipt_id)) }
  }

  it('goes on from it where the disk is faster, and says what was expected and what it took', async () => {
    await start(FAST_DISK)
    const { reused, details, observed, tokensProcessed, cartridge } = await create(`${facts(16)}\nThe fast end.`)
    expect(reused?.packetId).toBe(longer)
    expect(tokensProcessed).toBe(cartridge.tokens - (reused?.tokens ?? 0))
    expect(details.prefix_packet_id).toBe(longer)
    expect(details.expected_read_seconds).toBeCloseTo(reused?.tokens ?? 0)
    expect(details.expected_restore_seconds).toBeLessThan(1)
    expect(observed.phases.restore).toBeGreaterThan(0)
  })

  it('is read where reading is faster, and says so with both figures', async () => {
    await start(SLOW_DISK)
    const { reused, reuseMissed, details, tokensProcessed, cartridge } = await create(`${facts(16)}\nThe slow end.`)
    expect(reused).toBeNull()
    expect(tokensProcessed).toBe(cartridge.tokens)
    expect(reuseMissed).toMatch(
      /^.+ begins alike for \d+ tokens, but bringing them from disk would take longer here than reading them: about \d[\d.]* (?:s|min|h) against <?1 ms\.$/,
    )
    expect(details).toMatchObject({ passed_over_packet_id: longer })
    expect(details).not.toHaveProperty('prefix_packet_id')
    expect(details.passed_over_restore_seconds).toBeGreaterThan(1000)
    expect(details.passed_over_read_seconds).toBeLessThan(0.001)
    // It is in memory now, and nobody waits for a disk.
    const again = await create(`${facts(16)}\nThe slow end. The very end.`)
    expect(again.reused?.packetId).toBe(cartridge.packetId)
    expect(again.details).toMatchObject({ expected_restore_seconds: 0 })
  })

  it('goes on from a shorter one in memory rather than from a longer one on a slow disk', async () => {
    await start(SLOW_DISK)
    await studio.client.call('memory.pin', { packetId: base as Digest, pinned: true })
    const { reused, reuseMissed, details } = await create(`${facts(16)}\nThe warm end.`)
    expect(reused?.packetId).toBe(base)
    expect(reuseMissed).toMatch(/begins alike for \d+ tokens, but bringing them from disk would take longer/)
    expect(details).toMatchObject({ prefix_packet_id: base, passed_over_packet_id: longer })
  })

  it.each([
    ['a fast disk', FAST_DISK],
    ['a slow disk', SLOW_DISK],
  ] as const)('that is appended to a cartridge weighs only what comes after it: %s', async (_disk, speeds) => {
    await start(speeds)
    const added = facts(16).slice(facts(8).length)
    const merged = await studio.client.call('packets.merge', { ref: base, delta: `${added}\nMerged on ${_disk}.` })
    const { details } = await studio.engine.state.receipts.get(merged.receipt.receipt_id)
    if (speeds === FAST_DISK) expect(details).toMatchObject({ prefix_packet_id: longer })
    else expect(details).toMatchObject({ passed_over_packet_id: longer })
    const beyondBase = merged.cartridge.tokens - (merged.reused?.tokens ?? 0)
    expect(merged.tokensProcessed).toBeLessThanOrEqual(beyondBase)
  })
})
