/** Verbs x trust levels x ways in: each verb of each way in does what the one policy allows, and nothing else. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { apiRoutes } from '#hosts/api/routes/apiRoutes.ts'
import { stateCounts } from '#hosts/api/stateCounts.ts'
import { createProgram, leaves } from '#hosts/cli/program.ts'
import { createMcpServer } from '#hosts/mcp/mcpServer.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { type ErrorCode, toErrorValue } from '#shared/domain/error.ts'
import { allows, TRUST_LEVELS, type Trust } from '#shared/domain/trust.ts'
import { contract, type MethodName } from '#shared/rpc/contract.ts'
import { openEngine } from '../../../packages/sdk/src/openEngine.ts'
import type { StatePack } from '../../../packages/sdk/src/statePack.ts'
import { startTestApi, type TestApi } from '../api/startTestApi.ts'
import { COMMANDS, METHODS, type Refs, ROUTES, SDK_CALLS, TOOLS, type Verb, type Verbs } from './methodTable.ts'
import { viaCommandLine } from './viaCommandLine.ts'

/** How a call ended: null for well. */
type Ended = ErrorCode | null

let test: TestApi
let sdk: StatePack
let mcp: McpClient
const refs = { it: '', other: '', text: '', place: '' }
/** A registry that takes nothing. */
const registry = createServer((_, answer) => answer.writeHead(403).end())

beforeAll(async () => {
  test = await startTestApi()
  vi.stubEnv('STATEPACK_HOME', join(test.folder, 'data'))
  const create = (text: string) => test.client.call('packets.create', { model: 'starter-mamba', sources: [{ text }] })
  refs.it = (await create('Facts:\nThe tea of Tolan is green.\n')).cartridge.packetId
  refs.other = (await create('Facts:\nThe boat of Mira is blue.\n')).cartridge.packetId
  refs.text = join(test.folder, 'question.txt')
  await writeFile(refs.text, 'Who?')
  await once(registry.listen(0, '127.0.0.1'), 'listening')
  refs.place = `127.0.0.1:${(registry.address() as AddressInfo).port}/team/notes`
  sdk = await openEngine({ store: join(test.folder, 'store'), device: 'cpu', threads: 1 })
  const [near, far] = InMemoryTransport.createLinkedPair()
  mcp = new McpClient({ name: 'test', version: '1' })
  await Promise.all([createMcpServer(test.client).connect(far), mcp.connect(near)])
})
afterAll(async () => {
  await mcp.close()
  registry.close()
  registry.closeAllConnections()
  await sdk.close()
  await test.close()
  vi.unstubAllEnvs()
})

const endOf = (work: Promise<unknown>): Promise<Ended> =>
  work.then(
    () => null,
    thrown => toErrorValue(thrown).code,
  )

const viaWindow = (name: string, input: object) => endOf(test.client.call(name as MethodName, input as never))

async function viaHttp(route: string, fields: object): Promise<Ended> {
  const [method, path = ''] = route.split(' ')
  const { hash = '', ...body } = fields as { hash?: string }
  const response = await test.send(path.replace('{hash}', hash), method === 'GET' ? undefined : body)
  const text = await response.text()
  if (!response.ok) return JSON.parse(text).error.code
  return (/"code":\s*"(E_\w+)"/.exec(text)?.[1] as ErrorCode | undefined) ?? null
}

const viaSdk = (name: string, args: readonly unknown[]) =>
  endOf((sdk[name as keyof StatePack] as (...given: readonly unknown[]) => Promise<unknown>)(...args))

async function viaAssistant(name: string, args: Record<string, unknown>): Promise<Ended> {
  const { content, isError } = await mcp.callTool({ name, arguments: args })
  return isError === true ? JSON.parse((content as { text: string }[])[0]?.text ?? '').error.code : null
}

const verbsOf = <Call>(verbs: Verbs<Call>): readonly Verb<Call>[] =>
  verbs === 'none' ? [] : 'act' in verbs ? [verbs] : verbs

/** Each verb of a table at each level of trust. */
function matrix<Call>(
  table: Readonly<Record<string, Verbs<Call>>>,
  send: (name: string, call: Call) => Promise<Ended>,
): void {
  const cases = Object.entries(table).flatMap(([name, verbs]) => verbsOf(verbs).map(verb => ({ name, verb })))
  it.each(cases)('$name ($verb.act)', async ({ name, verb }) => {
    const ended: Partial<Record<Trust, Ended>> = {}
    const expected: Partial<Record<Trust, Ended>> = {}
    // The trusted ones first: what they leave in memory must not open a door.
    for (const trust of TRUST_LEVELS) {
      test.engine.state.store.library.packets.setTrust(refs.it as Digest, trust)
      ended[trust] = await send(name, verb.call(refs satisfies Refs))
      expected[trust] = allows(trust, verb.act) ? (verb.ends ?? null) : 'E_RESTRICTED'
    }
    expect(ended).toEqual(expected)
  })
}

describe('the table', () => {
  it('has every verb of every way in', async () => {
    expect(Object.keys(METHODS).sort()).toEqual(Object.keys(contract).sort())
    const idle = { inFlight: 0, waiting: 0, maxWaiting: null, restarts: 0 }
    const health = () => ({ state: 'ready' as const, reason: null, ...idle })
    const routes = apiRoutes({ health, counts: stateCounts(test.client), metrics: null })
    expect(Object.keys(ROUTES).sort()).toEqual(
      routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort(),
    )
    expect(Object.keys(COMMANDS).sort()).toEqual([...leaves(createProgram())].map(({ path }) => path).sort())
    expect(Object.keys(SDK_CALLS).sort()).toEqual(Object.keys(sdk).sort())
    expect(Object.keys(TOOLS).sort()).toEqual((await mcp.listTools()).tools.map(({ name }) => name).sort())
  })

  it('knows what is refused: a policy that allows everything would be seen', () => {
    const acts = [METHODS, ROUTES, COMMANDS, SDK_CALLS, TOOLS].map(table =>
      Object.values<Verbs<unknown>>(table).flatMap(verbs => verbsOf(verbs).map(({ act }) => act)),
    )
    for (const way of acts) expect(way).toContain('run')
    expect(allows('restricted', 'look')).toBe(true)
    for (const act of ['run', 'share', 'quote'] as const) expect(allows('restricted', act)).toBe(false)
  })
})

describe('the window', () => matrix(METHODS, viaWindow))
describe('HTTP', () => matrix(ROUTES, viaHttp))
describe('the command line', () =>
  matrix(COMMANDS, (path, args) => viaCommandLine(path, args, join(test.folder, 'store'))))
describe('the SDK', () => matrix(SDK_CALLS, viaSdk))
describe('MCP', () => {
  matrix(TOOLS, viaAssistant)

  it('hands out texts only of what is trusted', async () => {
    for (const trust of TRUST_LEVELS) {
      test.engine.state.store.library.packets.setTrust(refs.it as Digest, trust)
      const { contents } = await mcp.readResource({ uri: `statepack://cartridges/${refs.it}` })
      expect(JSON.stringify(contents).includes('tea of Tolan')).toBe(allows(trust, 'quote'))
    }
  })
})
