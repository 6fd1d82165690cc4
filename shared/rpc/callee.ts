/** The answering side of a transport that passes messages: the calls that run, and what comes in about them. */
import { StatePackError, toErrorValue } from '../domain/error.ts'
import { createItemInbox, createItemSender, type ItemInbox, type ItemSender } from './itemFlow.ts'
import { type Abort, realm } from './realm.ts'
import type { Transport } from './transport.ts'
import type { Answer, CalleeMessage, CallerMessage, Hears } from './wire.ts'

export interface Callee {
  /** Runs a call whose `id` nobody else has. Never throws; `E_CONFLICT` for an id that runs already. */
  run(call: {
    readonly id: number
    readonly method: string
    readonly input: unknown
    readonly uploads: boolean
    readonly hears: Hears
  }): Promise<Answer>
  receive(message: CallerMessage): void
  /** Nobody waits for any of them any more. */
  cancelAll(): void
}

interface Running {
  readonly cancel: Abort
  readonly sender: ItemSender
  readonly inbox: ItemInbox | undefined
}

export function createCallee(call: Transport['call'], post: (message: CalleeMessage) => void): Callee {
  const running = new Map<number, Running>()

  function stop({ cancel, sender, inbox }: Running): void {
    cancel.abort()
    sender.close()
    inbox?.end()
  }

  return {
    async run({ id, method, input, uploads, hears }) {
      if (running.has(id)) {
        const error = new StatePackError('E_CONFLICT', 'A call with this number is already running.')
        return { ok: false, error: toErrorValue(error), items: 0 }
      }
      const sender = createItemSender(item => post({ kind: 'item', id, item }))
      const inbox = uploads ? createItemInbox(() => post({ kind: 'taken', id })) : undefined
      const cancel = new realm.AbortController()
      running.set(id, { cancel, sender, inbox })
      const result = await call(method, input, {
        signal: cancel.signal,
        onProgress: hears.progress ? progress => post({ kind: 'progress', id, progress }) : undefined,
        onItem: hears.items ? item => sender.send(item) : undefined,
        upload: inbox,
      })
      running.delete(id)
      sender.close()
      return { ...result, items: sender.sent }
    },
    receive(message) {
      const found = running.get(message.id)
      if (found === undefined) return
      if (message.kind === 'cancel') stop(found)
      else if (message.kind === 'taken') found.sender.taken()
      else if (message.kind === 'end') found.inbox?.end()
      else found.inbox?.push(message.item)
    },
    cancelAll() {
      for (const one of running.values()) stop(one)
    },
  }
}
