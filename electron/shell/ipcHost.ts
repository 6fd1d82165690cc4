/** The contract over Electron's IPC: three fixed channels, a checked sender, and a value back whatever comes in. */
import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent, WebContents } from 'electron'
import { z } from 'zod'
import { StatePackError, toErrorValue } from '#shared/domain/error.ts'
import { type Callee, createCallee } from '#shared/rpc/callee.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import type { Answer } from '#shared/rpc/wire.ts'
import { isOwnPage } from './appScheme.ts'
import type { OpenRequest } from './openRequest.ts'

const callSchema = z.strictObject({
  id: z.number().int().nonnegative(),
  method: z.string().max(100),
  input: z.unknown(),
  /** Items follow. */
  uploads: z.boolean().default(false),
})
const id = z.number().int().nonnegative()
const postSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['cancel', 'end', 'taken']), id }),
  z.strictObject({ kind: z.literal('item'), id, item: z.unknown() }),
])
const listenSchema = z.strictObject({ kind: z.enum(['progress', 'item', 'taken', 'event', 'open']) })

export interface IpcHostOptions {
  readonly ipcMain: Pick<IpcMain, 'handle' | 'on'>
  readonly transport: Transport
  /** The engine's state as an event, told to a window that starts to listen. */
  readonly status: () => unknown
  /** Windows the Studio opened itself. */
  readonly isOwnWindow: (contents: WebContents) => boolean
}

export interface IpcHost {
  /** Asks this window to open something, as soon as it listens. */
  open(contents: WebContents, request: OpenRequest): void
  /** The page is gone (reload, crash): its calls are cancelled, it no longer listens; what it was to open still waits. */
  pageGone(contents: WebContents): void
  windowGone(contents: WebContents): void
}

const refuse = (code: 'E_FORBIDDEN' | 'E_BAD_INPUT', message: string): Answer => ({
  ok: false,
  items: 0,
  error: toErrorValue(new StatePackError(code, message)),
})

interface WindowCalls {
  readonly callee: Callee
  readonly pending: OpenRequest[]
  readonly listensTo: Set<string>
}

export function startIpcHost({ ipcMain, transport, status, isOwnWindow }: IpcHostOptions): IpcHost {
  const windows = new Map<WebContents, WindowCalls>()

  function callsOf(contents: WebContents): WindowCalls {
    const known = windows.get(contents)
    if (known !== undefined) return known
    return newPage(contents, [])
  }

  function newPage(contents: WebContents, pending: OpenRequest[]): WindowCalls {
    const callee = createCallee(transport.call, message => tell(contents, message))
    const calls = { callee, pending, listensTo: new Set<string>() }
    windows.set(contents, calls)
    return calls
  }

  /** Only the top page of our own window, while it shows our own page. */
  function isAllowed(event: IpcMainInvokeEvent | IpcMainEvent): boolean {
    const frame = event.senderFrame
    return frame !== null && frame === event.sender.mainFrame && isOwnPage(frame.url) && isOwnWindow(event.sender)
  }

  const tell = (contents: WebContents, message: unknown) => {
    if (!contents.isDestroyed()) contents.send('statepack:message', message)
  }

  ipcMain.handle('statepack:call', async (event, message: unknown): Promise<Answer> => {
    if (!isAllowed(event)) return refuse('E_FORBIDDEN', 'Only the Studio’s own page may ask this.')
    const parsed = callSchema.safeParse(message)
    if (!parsed.success) return refuse('E_BAD_INPUT', 'This is not a call.')
    return callsOf(event.sender).callee.run({ ...parsed.data, hears: { progress: true, items: true } })
  })

  ipcMain.on('statepack:post', (event, message: unknown) => {
    const parsed = postSchema.safeParse(message)
    if (isAllowed(event) && parsed.success) windows.get(event.sender)?.callee.receive(parsed.data)
  })

  ipcMain.on('statepack:listen', (event, message: unknown) => {
    const parsed = listenSchema.safeParse(message)
    if (!isAllowed(event) || !parsed.success) return
    const { listensTo, pending } = callsOf(event.sender)
    listensTo.add(parsed.data.kind)
    if (parsed.data.kind === 'event') tell(event.sender, { kind: 'event', name: 'engine.status', data: status() })
    if (parsed.data.kind === 'open')
      for (const request of pending.splice(0)) tell(event.sender, { kind: 'open', request })
  })

  transport.subscribe((name, data) => {
    for (const [contents, { listensTo }] of windows) {
      if (listensTo.has('event')) tell(contents, { kind: 'event', name, data })
    }
  })

  return {
    open(contents, request) {
      const { listensTo, pending } = callsOf(contents)
      if (listensTo.has('open')) tell(contents, { kind: 'open', request })
      else pending.push(request)
    },
    pageGone(contents) {
      const gone = windows.get(contents)
      if (gone === undefined) return
      gone.callee.cancelAll()
      newPage(contents, gone.pending)
    },
    windowGone(contents) {
      windows.get(contents)?.callee.cancelAll()
      windows.delete(contents)
    },
  }
}
