/** Every way in which a call travels here, each in front of the same handlers. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import { startIpcHost } from '../../../electron/shell/ipcHost.ts'
import type { Bridge, BridgeMessage } from '../../../renderer/client/bridge.ts'
import { createBridgeTransport } from '../../../renderer/client/bridgeTransport.ts'
import { startTestEngine } from '../engineProcess/startTestEngine.ts'
import { pageTransport } from '../loopback/pageTransport.ts'
import { startTestServer } from '../loopback/startTestServer.ts'
import { streamHandlers } from './streamHandlers.ts'

export interface OpenTransport {
  readonly transport: Transport
  /** What the handlers said, a line each. */
  notes(): string[]
  /** Calls that the host still holds; null where it holds none itself. */
  running(): number
  close(): Promise<void>
}

const notesIn = (folder: string) => () =>
  readFileSync(join(folder, 'notes'), { encoding: 'utf8', flag: 'a+' }).split('\n')

async function inProcess(): Promise<OpenTransport> {
  const folder = mkdtempSync(join(tmpdir(), 'statepack-streams-'))
  const transport = createInProcessTransport(dispatch(streamHandlers(join(folder, 'notes'))), createEventHub())
  return { transport, notes: notesIn(folder), running: () => 0, close: async () => {} }
}

async function engineProcess(): Promise<OpenTransport> {
  const { supervisor, folder } = startTestEngine()
  await supervisor.settled()
  return {
    ...{ transport: supervisor, notes: notesIn(folder), close: () => supervisor.dispose() },
    running: () => supervisor.health().inFlight,
  }
}

/** The window's transport, the preload's four functions and the shell's host, with Electron's channels played by clones. */
async function window(): Promise<OpenTransport> {
  const engine = await engineProcess()
  const contents = {
    mainFrame: { url: 'app://studio/index.html' },
    isDestroyed: () => false,
    send: (_channel: string, message: unknown) => later(() => told(message as BridgeMessage)),
  }
  const event = { sender: contents, senderFrame: contents.mainFrame }
  const handlers = new Map<string, (event: unknown, message: unknown) => unknown>()
  const listeners = new Set<(message: BridgeMessage) => void>()
  const told = (message: BridgeMessage) => {
    for (const listener of listeners) listener(message)
  }
  const later = (deliver: () => void) => void setImmediate(deliver)
  const register = (channel: string, handler: (event: unknown, message: unknown) => unknown) =>
    void handlers.set(channel, handler)
  startIpcHost({
    ipcMain: { handle: register, on: register } as never,
    transport: engine.transport,
    status: () => ({ state: 'ready' }),
    isOwnWindow: () => true,
  })
  const pass = (channel: string, message: unknown) => handlers.get(channel)?.(event, structuredClone(message))
  const bridge: Bridge = {
    // An answer may overtake the items before it.
    call: async (id, method, input, uploads) => pass('statepack:call', { id, method, input, uploads }) as never,
    post: message => later(() => pass('statepack:post', message)),
    pathOf: () => '',
    subscribe: (kind, listener) => {
      const own = (message: BridgeMessage) => {
        if (message.kind === kind) listener(message as never)
      }
      listeners.add(own)
      pass('statepack:listen', { kind })
      return () => void listeners.delete(own)
    },
  }
  return { ...engine, transport: createBridgeTransport(bridge) }
}

async function loopback(): Promise<OpenTransport> {
  // So often that it comes between any two frames.
  const test = await startTestServer({ aliveMs: 1 })
  await test.supervisor.settled()
  const transport = pageTransport(test.server)
  return {
    ...{ transport, notes: notesIn(test.folder), running: () => test.supervisor.health().inFlight },
    close: async () => {
      transport.close()
      await test.close()
    },
  }
}

export const transports = { 'in process': inProcess, 'engine process': engineProcess, window, loopback } as const
