/** The HTTP API inside the Studio: started and stopped from its window, on the window's own engine and queue. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import type { HostHandlers } from '#shared/rpc/contract.ts'
import { type ServerStatus, serverMethods } from '#shared/rpc/methods/server.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import { dispatch } from '../dispatch/dispatch.ts'
import type { Supervisor } from '../engineProcess/supervisor.ts'
import { createEventHub } from '../eventHub.ts'
import { type ApiServer, startApiServer } from './apiServer.ts'
import { createRequestJournal } from './requestJournal.ts'

export interface StudioApi {
  /** The engine's, and the host's own methods in front of it. */
  readonly transport: Transport
  close(): Promise<void>
}

const choicesSchema = z.strictObject({
  port: z.number().int().min(1).max(65535),
  network: z.boolean(),
  token: z.string().min(16),
})
type Choices = z.infer<typeof choicesSchema>

const PORT = 8321
const TELL_MS = 500
/** From the sources, and from what is built of them. */
const CLI =
  ['../..', '../../..']
    .map(up => resolve(import.meta.dirname, up, 'bin', 'statepack.mjs'))
    .find(file => existsSync(file)) ?? null

/** Nothing listens until it is started. Port and token are kept in `folder`, so that programs find it again. */
export function createStudioApi(engine: Supervisor, folder: string): StudioApi {
  const file = join(folder, 'server.json')
  const hub = createEventHub()
  let choices = readChoices(file)
  let server: ApiServer | null = null
  let journal = createRequestJournal(tell)
  let telling: NodeJS.Timeout | undefined
  /** One change at a time: a second start waits for the first. */
  let changing: Promise<unknown> = Promise.resolve()

  function tell(): void {
    telling ??= setTimeout(() => {
      telling = undefined
      hub.emit('server.changed', {})
    }, TELL_MS).unref()
  }
  const status = (): ServerStatus => {
    const { port, network, token } = choices
    const address = server === null ? null : `http://${network ? ownAddress() : '127.0.0.1'}:${server.port}`
    return { address, port, network, token, cli: CLI, ...journal.read() }
  }
  async function choose(changed: Partial<Choices>): Promise<void> {
    choices = { ...choices, ...changed }
    await mkdir(folder, { recursive: true })
    await writeFile(`${file}.tmp`, JSON.stringify(choices), { mode: 0o600 })
    await rename(`${file}.tmp`, file)
  }
  async function stop(): Promise<void> {
    const running = server
    server = null
    await running?.close()
  }
  async function start(wanted: Partial<Choices>): Promise<void> {
    await stop()
    const { port, network, token } = { ...choices, ...wanted }
    journal = createRequestJournal(tell)
    const host = network ? '0.0.0.0' : '127.0.0.1'
    try {
      server = await startApiServer({
        ...{ transport: engine, health: () => engine.health(), host, port, token, journal, drainMs: 2000 },
      })
    } catch (thrown) {
      if ((thrown as { code?: unknown }).code !== 'EADDRINUSE') throw thrown
      throw new StatePackError('E_CONFLICT', `Another program listens on port ${port}. Choose another one.`, { port })
    }
    await choose({ port, network })
  }
  const after = (change: () => Promise<void>) => async () => {
    const done = changing.then(change)
    changing = done.catch(() => {})
    await done
    hub.emit('server.changed', {})
    return status()
  }

  const handlers: HostHandlers = {
    'server.status': async () => status(),
    'server.start': wanted => after(() => start(wanted))(),
    'server.stop': after(stop),
    'server.rotateToken': after(async () => {
      await choose({ token: newToken() })
      server?.setToken(choices.token)
    }),
  }
  const host = dispatch(handlers)
  return {
    transport: {
      call: (method, input, options) =>
        Object.hasOwn(serverMethods, method) ? host.call(method, input, options) : engine.call(method, input, options),
      subscribe(listener) {
        const stops = [hub.subscribe(listener), engine.subscribe(listener)]
        return () => {
          for (const stop of stops) stop()
        }
      },
    },
    async close() {
      clearTimeout(telling)
      await changing
      await stop()
    },
  }
}

const newToken = () => randomBytes(32).toString('base64url')

/** What was chosen last; what cannot be read counts as nothing chosen. */
function readChoices(file: string): Choices {
  try {
    return choicesSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return { port: PORT, network: false, token: newToken() }
  }
}

/** The address under which other machines find this one. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces()).flatMap(entries => entries ?? [])
  return found.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}
