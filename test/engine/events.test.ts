/** Every event that the contract declares is sent, by the real engine in its own process, as the contract spells it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forkEngine } from '#hosts/engineProcess/engineChild.ts'
import { type Supervisor, superviseEngine } from '#hosts/engineProcess/supervisor.ts'
import { createClient } from '#shared/rpc/client.ts'
import { type EventData, type EventName, events } from '#shared/rpc/events.ts'
import { ASSETS, exported } from './testEngine.ts'

const ENTRY = join(import.meta.dirname, '../../electron/hosts/engineProcess/main.ts')
/** Sent by a host: studioApi.test.ts hears it. */
const OF_HOSTS: readonly EventName[] = ['server.changed']
const names = (Object.keys(events) as EventName[]).filter(name => !OF_HOSTS.includes(name))

let folder = ''
let supervisor: Supervisor
const heard: { name: EventName; data: unknown }[] = []
const heardOf = <N extends EventName>(name: N) =>
  heard.filter(event => event.name === name).map(event => event.data as EventData<N>)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-events-'))
  supervisor = superviseEngine({
    start: () => forkEngine(ENTRY),
    engine: {
      ...{ storeFolder: join(folder, 'store'), dataFolder: join(folder, 'data'), modelFolders: [] },
      ...{ assetsFolder: ASSETS, device: 'cpu', threads: 1, starters: false },
    },
  })
  supervisor.subscribe((name, data) => heard.push({ name, data }))
})
afterAll(async () => {
  await supervisor.dispose()
  await rm(folder, { recursive: true, force: true })
})

describe('the events of the contract', () => {
  it('are all sent, and what they carry is what the contract says', async () => {
    const client = createClient(supervisor)
    const { cartridge, receipt } = await client.call('packets.create', {
      model: 'starter-transformer',
      sources: [{ name: 'goat', text: 'Facts about the red goat. The goat lives in Oslo.\n' }],
    })
    await client.call('packets.infer', { ref: cartridge.packetId, delta: 'Where?', maxNewTokens: 1 })
    await client.call('conversations.save', { id: crypto.randomUUID(), draft: 'Where' })
    await client.call('settings.set', { modelFolders: [folder] })
    await client.call('jobs.pause', { paused: true })
    const task = { kind: 'read', model: 'starter-transformer' } as const
    await client.call('jobs.add', { jobs: [{ title: 'waits', task, sources: [{ name: 'waits', text: 'The goat.' }] }] })
    for (const name of ['memory.changed', 'jobs.changed'] as const)
      await expect.poll(() => heardOf(name).length).toBeGreaterThan(0)
    expect(names.filter(name => heardOf(name).length === 0)).toEqual([])
    for (const { name, data } of heard) expect(events[name].safeParse(data).error).toBeUndefined()
    expect(heardOf('receipts.appended').map(({ op }) => op)).toEqual(['create', 'infer'])
    expect(heardOf('receipts.appended')[0]?.receiptId).toBe(receipt.receipt_id)
    expect(heardOf('library.changed')[0]?.packetIds).toEqual([cartridge.packetId])
  })

  it('say that other cartridges are offered once a publisher is blocked or not any more', async () => {
    const client = createClient(supervisor)
    for (const blocked of [true, false]) {
      const before = heardOf('settings.changed').length
      await client.call('share.block', { keyid: 'a'.repeat(64), name: 'ada', blocked })
      await expect.poll(() => heardOf('settings.changed').length).toBeGreaterThan(before)
    }
  })

  it('come for every operation that leaves a receipt', async () => {
    const client = createClient(supervisor)
    const { receipts } = await client.call('receipts.list', { limit: 100 })
    const [first] = receipts
    if (first?.packet_id == null) throw new Error('no packet to work with')
    const ref = first.packet_id
    heard.length = 0
    await client.call('packets.verify', { ref })
    await client.call('packets.delta', { ref, delta: 'And more.' })
    await client.call('packets.merge', { ref, delta: 'The goat likes pears.\n' })
    const bytes = await exported(client, { ref })
    await client.call('packets.import', {}, { upload: [bytes] })
    const after = await client.call('receipts.list', { limit: 100 })
    const made = after.receipts.slice(0, after.total - receipts.length).map(({ receipt_id }) => receipt_id)
    // They come behind the answer.
    await expect.poll(() => heardOf('receipts.appended').map(({ receiptId }) => receiptId)).toEqual(made.toReversed())
    expect(new Set(heardOf('receipts.appended').map(({ op }) => op))).toEqual(
      new Set(['verify', 'delta', 'merge', 'export', 'import']),
    )
  })
})
