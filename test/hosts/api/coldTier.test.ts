/** Servers that share states through a registry: what one has read, the others do not read again. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publicPem, trustKey } from '#engine/receipts/keys.ts'
import { noRegistry, type StockRegistry, startStockRegistry } from '../../engine/registry/stockRegistry.ts'
import { startTestRegistry, type TestRegistry } from '../../engine/registry/testRegistry.ts'
import { openTestEngine } from '../../engine/testEngine.ts'
import { startTestApi, type TestApi } from './startTestApi.ts'

const QUESTION = 'Question: Who is the captain of Halcyon?\nAnswer:'
const CHILD = join(import.meta.dirname, 'coldTierChild.ts')

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'statepack-cold-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const server = (name: string, host: string) =>
  startTestApi({}, { folder: join(root, name), coldTier: { place: `${host}/team/states` } })

/** Both take what the other has signed as their own, as `statepack keys trust` does. */
async function befriend(names: readonly string[]): Promise<void> {
  const pems = new Map<string, string>()
  for (const name of names) {
    const engine = await openTestEngine({ folder: join(root, name) })
    pems.set(name, publicPem(engine.engine.state.keys.current))
    await engine.close()
  }
  for (const name of names)
    for (const [other, pem] of pems) if (other !== name) await trustKey(join(root, name, 'data', 'keys'), pem)
}

/** States of a server that have not got to the registry yet. */
const waiting = ({ engine }: TestApi, host: string) =>
  engine.state.store.library.remotes.pushes({ registry: host, repository: 'team/states' })

const settled = (api: TestApi, host: string) => expect.poll(() => waiting(api, host)).toBe(0)

const make = async (api: TestApi, text: string) => {
  const { status, json } = await api.ask('/states', { base_text: `${text} The captain of Halcyon is Oskar.\n` })
  expect(status, JSON.stringify(json)).toBe(200)
  return json
}
const infer = ({ ask }: TestApi, state_hash: string) =>
  ask('/infer', { state_hash, delta_text: QUESTION, max_new_tokens: 8 })

describe.skipIf(noRegistry !== null)(
  `two servers and a stock registry${noRegistry === null ? '' : ` (${noRegistry})`}`,
  () => {
    let registry: StockRegistry
    let one: TestApi
    let two: TestApi
    beforeAll(async () => {
      registry = await startStockRegistry()
      await befriend(['one', 'two'])
      one = await server('one', registry.host)
      two = await server('two', registry.host)
    })
    afterAll(async () => {
      await one?.close()
      await two?.close()
      await registry?.remove()
    })

    it('a state made on one answers on the other, and no token of it is read again', async () => {
      const state = await make(one, 'First.')
      const here = await infer(one, state.state_hash)
      await settled(one, registry.host)
      const there = await infer(two, state.state_hash)
      expect(there.status, JSON.stringify(there.json)).toBe(200)
      expect(there.json.output_token_ids).toEqual(here.json.output_token_ids)
      // The sessions themselves count: the tail, the question and the answer, and nothing of the text.
      expect(there.json.tokens.processed).toBe(here.json.tokens.processed)
      expect(there.json.tokens.processed).toBeLessThan(there.json.tokens.naive)
      expect(there.json.new_state_hash).toBe(here.json.new_state_hash)
      // Goes both ways, and by the id of the packet too.
      const merged = await two.ask('/merge', { state_hash: state.state_hash, delta_text: 'And salt is dear.\n' })
      await settled(two, registry.host)
      const back = await infer(one, merged.json.receipt.packet_id)
      expect(back.status, JSON.stringify(back.json)).toBe(200)
      // What came from there is not sent there.
      const { receipts } = await two.client.call('receipts.list', { op: 'publish', limit: 100 })
      expect(receipts.map(({ packet_id }) => packet_id)).not.toContain(state.packet_id)
      expect(receipts).toHaveLength(2)
    })

    it('while the registry is away each goes on with what it has; when it is back, the rest follows', async () => {
      await registry.stop()
      const state = await make(one, 'Second.')
      expect((await infer(one, state.state_hash)).status).toBe(200)
      const there = await infer(two, state.state_hash)
      expect([there.status, there.json.error.code]).toEqual([502, 'E_NETWORK'])
      expect(there.json.error.message).toContain('cold tier')
      expect(waiting(one, registry.host)).toBeGreaterThan(0)
      await registry.start()
      await settled(one, registry.host)
      expect((await infer(two, state.state_hash)).status).toBe(200)
      const unknown = await infer(two, `sha256:${'0'.repeat(64)}`)
      expect([unknown.status, unknown.json.error.code]).toEqual([404, 'E_NOT_FOUND'])
    })
  },
)

describe('a registry in the test', () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startTestRegistry()
  })
  afterAll(() => registry.close())

  it('a server that is killed in mid-push goes on when it is started again; many who ask at once fetch once', async () => {
    await befriend(['killed', 'reader'])
    const child = spawn(process.execPath, [CHILD, join(root, 'killed'), `${registry.host}/team/states`], {
      env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'statepack-compile-cache') },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', chunk => {
      said += chunk
    })
    let bytes = 0
    registry.onBytes = more => {
      bytes += more
      // Some of it is there, not all, and no manifest yet.
      if (bytes > 20_000) child.kill('SIGKILL')
    }
    const signal = await new Promise(resolve => child.on('close', (_, how) => resolve(how)))
    registry.onBytes = () => {}
    expect(signal).toBe('SIGKILL')
    const hash = JSON.parse(said).state_hash
    expect(registry.tags.size).toBe(0)
    const reader = await server('reader', registry.host)
    const killed = await server('killed', registry.host)
    try {
      await settled(killed, registry.host)
      registry.requests.length = 0
      const answers = await Promise.all(Array.from({ length: 8 }, () => infer(reader, hash)))
      const here = await infer(killed, hash)
      for (const { status, json } of answers) {
        expect(status, JSON.stringify(json)).toBe(200)
        expect(json.output_token_ids).toEqual(here.json.output_token_ids)
      }
      const fetched = registry.requests.filter(
        ({ path, method }) => method === 'GET' && path.includes('/blobs/sha256:'),
      )
      expect(new Set(fetched.map(({ path }) => path)).size).toBe(fetched.length)
      // Nobody calls it by a name, so that gc may give it up again.
      expect((await reader.client.call('packets.resolve', { ref: hash })).names).toEqual([])
    } finally {
      await reader.close()
      await killed.close()
    }
  })

  it('what a stranger has put there is taken in restricted, and does not answer', async () => {
    const stranger = await server('stranger', registry.host)
    const careful = await server('careful', registry.host)
    try {
      const { state_hash } = await make(stranger, 'Third.')
      await settled(stranger, registry.host)
      const answer = await infer(careful, state_hash)
      expect([answer.status, answer.json.error.code]).toEqual([403, 'E_RESTRICTED'])
    } finally {
      await stranger.close()
      await careful.close()
    }
  })
})
