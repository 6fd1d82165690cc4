/** A streamed body of frames that a slow or vanished reader cannot make grow without bound. */
import { StatePackError } from '#shared/domain/error.ts'
import { encodeFrame } from '#shared/rpc/codec.ts'

export interface FrameStream<F> {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  /** `droppable` frames are left out while the reader is far behind. */
  send(frame: F, droppable?: boolean): void
  /** For content: resolves when the reader has room for more, throws when it is gone. Nothing is dropped. */
  sendAll(frame: F): Promise<void>
  close(): void
}

/** Bytes that wait for the reader before content waits, too, and droppable frames are dropped. */
const ROOM = 2 ** 20
/** Frames that may wait before a reader who gets what may be neither dropped nor held up is cut off. */
const MAX_LAG = 4000

/** `encode`: how a frame is written; default the Studio's own framing. */
export function createFrameStream<F>(
  onCancel: () => void,
  encode: (frame: F) => Uint8Array<ArrayBuffer> = encodeFrame,
): FrameStream<F> {
  let open = true
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null
  let room: PromiseWithResolvers<void> | null = null
  let unawaited = 0
  function leave(): void {
    open = false
    room?.reject(gone())
    onCancel()
  }
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(given) {
        controller = given
      },
      pull() {
        unawaited = 0
        room?.resolve()
        room = null
      },
      cancel: leave,
    },
    { highWaterMark: ROOM, size: chunk => chunk.byteLength },
  )
  const isFull = () => (controller?.desiredSize ?? 0) <= 0
  return {
    body,
    send(frame, droppable = false) {
      if (!open || controller === null || (droppable && isFull())) return
      unawaited = isFull() ? unawaited + 1 : 0
      // What may not be dropped would pile up: a reader this far behind is cut off, and comes again.
      if (unawaited > MAX_LAG) {
        controller.error(new Error('The reader does not keep up.'))
        leave()
        return
      }
      controller.enqueue(encode(frame))
    },
    async sendAll(frame) {
      if (!open || controller === null) throw gone()
      controller.enqueue(encodeFrame(frame))
      while (open && isFull()) {
        room ??= Promise.withResolvers()
        await room.promise
      }
    },
    close() {
      if (open) controller?.close()
      open = false
    },
  }
}

function gone(): StatePackError {
  return new StatePackError('E_CANCELLED', 'Nobody reads this stream any more.')
}
