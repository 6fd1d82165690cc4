import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMcpServer } from '#hosts/mcp/mcpServer.ts'
import { bundledText, exported, openTestEngine, type TestEngine } from '../../engine/testEngine.ts'

let test: TestEngine
let client: Client
let text = ''
let questions: readonly (readonly [string, string])[] = []

/** What a tool says, and whether it failed. */
async function call(name: string, args: Record<string, unknown>) {
  const { content, isError = false } = await client.callTool({ name, arguments: args })
  const [first] = content as { text: string }[]
  return { isError, ...JSON.parse(first?.text ?? '{}') }
}

beforeAll(async () => {
  test = await openTestEngine()
  ;({ text, questions } = await bundledText('contract'))
  const [near, far] = InMemoryTransport.createLinkedPair()
  client = new Client({ name: 'test', version: '1' })
  await Promise.all([createMcpServer(test.client).connect(far), client.connect(near)])
})
afterAll(async () => {
  await client.close()
  await test.close()
})

describe('an assistant', () => {
  it('makes a cartridge, finds it, asks it, goes on asking, and checks it', async () => {
    const made = await call('create_cartridge', { text, name: 'lease', model: 'starter-transformer' })
    expect(made).toMatchObject({ isError: false, name: 'lease', trust: 'own' })
    expect((await call('list_cartridges', { query: 'lease' })).cartridges).toMatchObject([{ name: 'lease' }])
    const [[question = '', expected = ''] = [], [second = ''] = []] = questions
    const first = await call('ask_cartridge', { cartridge: 'lease', question, max_tokens: 24 })
    expect(first.answer).toContain(expected.replace(/\.$/, ''))
    expect(first.tokens_spared).toBeGreaterThan(first.tokens_read)
    const next = await call('ask_cartridge', { cartridge: first.state, question: second, max_tokens: 8 })
    expect(next.tokens_spared).toBeGreaterThan(first.tokens_spared)
    expect(await call('verify_cartridge', { cartridge: 'lease', level: 'recomputed' })).toMatchObject({ ok: true })
    const { resources } = await client.listResources()
    const found = await client.readResource({ uri: resources[0]?.uri ?? '' })
    expect(JSON.stringify(found.contents)).toContain(text.slice(0, 30))
  })

  it('is told why not: nothing of that name, an import that nobody trusts', async () => {
    expect(await call('ask_cartridge', { cartridge: 'none', question: 'Who?' })).toMatchObject({
      isError: true,
      error: { code: 'E_NOT_FOUND' },
    })
    const file = await exported(test.client, { ref: 'lease' })
    const other = await openTestEngine()
    const stranger = await other.client.call('packets.import', {}, { upload: [file] })
    expect(stranger.cartridge.trust).toBe('restricted')
    const [near, far] = InMemoryTransport.createLinkedPair()
    const own = client
    client = new Client({ name: 'test', version: '1' })
    await Promise.all([createMcpServer(other.client).connect(far), client.connect(near)])
    const ref = stranger.cartridge.packetId
    expect(await call('ask_cartridge', { cartridge: ref, question: 'Who?' })).toMatchObject({
      isError: true,
      error: { code: 'E_RESTRICTED' },
    })
    const { contents } = await client.readResource({ uri: `statepack://cartridges/${ref}` })
    expect(JSON.stringify(contents)).not.toContain(text.slice(0, 30))
    await client.close()
    client = own
    await other.close()
  })

  it('reaches it over stdin and stdout of the program', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'statepack-mcp-'))
    const stdio = new Client({ name: 'test', version: '1' })
    const main = join(import.meta.dirname, '../../../electron/hosts/cli/main.ts')
    const env = { ...process.env, STATEPACK_HOME: folder } as Record<string, string>
    await stdio.connect(new StdioClientTransport({ command: process.execPath, args: [main, 'mcp'], env }))
    expect((await stdio.listTools()).tools.map(({ name }) => name).sort()).toEqual([
      ...['ask_cartridge', 'create_cartridge', 'list_cartridges', 'verify_cartridge'],
    ])
    const listed = await stdio.callTool({ name: 'list_cartridges', arguments: {} })
    expect(listed.isError ?? false).toBe(false)
    await stdio.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  })
})
