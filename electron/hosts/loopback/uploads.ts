/** Uploads over HTTP: the items of one call, each a request of its own that is answered once the engine has taken it. */
import { StatePackError } from '#shared/domain/error.ts'
import { createItemInbox } from '#shared/rpc/itemFlow.ts'

export interface Uploads {
  /** Opens the upload `id` of a call. Throws `E_BAD_INPUT`, `E_CONFLICT`. */
  open(id: string): { readonly items: AsyncIterable<unknown>; close(): void }
  /** Hands on one frame. Throws `E_NOT_FOUND` when the call is over, `E_BAD_INPUT`. */
  take(id: string, frame: unknown): Promise<void>
}

interface Upload {
  readonly inbox: ReturnType<typeof createItemInbox>
  /** Requests whose item waits. */
  readonly waiting: PromiseWithResolvers<void>[]
}

const over = () => new StatePackError('E_NOT_FOUND', 'The call that this belongs to is over.')

export function createUploads(): Uploads {
  const open = new Map<string, Upload>()
  return {
    open(id) {
      if (!/^[\w-]{16,64}$/.test(id)) throw new StatePackError('E_BAD_INPUT', 'This is no name of an upload.')
      if (open.has(id)) throw new StatePackError('E_CONFLICT', 'An upload of this name is under way.')
      const waiting: Upload['waiting'] = []
      const inbox = createItemInbox(() => waiting.shift()?.resolve())
      open.set(id, { inbox, waiting })
      return {
        items: inbox,
        close() {
          open.delete(id)
          inbox.end()
          for (const request of waiting.splice(0)) request.reject(over())
        },
      }
    },
    async take(id, frame) {
      const upload = open.get(id)
      if (upload === undefined) throw over()
      if (typeof frame !== 'object' || frame === null) throw new StatePackError('E_BAD_INPUT', 'This is no item.')
      if ('end' in frame) return upload.inbox.end()
      if (!('item' in frame)) throw new StatePackError('E_BAD_INPUT', 'This is no item.')
      const taken = Promise.withResolvers<void>()
      upload.waiting.push(taken)
      upload.inbox.push(frame.item)
      await taken.promise
    },
  }
}
