/** A streamed body of frames that a slow or vanished reader cannot make grow without bound. */
import { encodeFrame } from '#shared/rpc/codec.ts'

export interface FrameStream<F> {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  /** `droppable` frames are left out while the reader is far behind. */
  send(frame: F, droppable?: boolean): void
  close(): void
}

/** Frames a reader may lag behind before droppable ones are dropped; at twice as many the stream ends. */
const MAX_LAG = 2000

/** `encode`: how a frame is written; default the Studio's own framing. */
export function createFrameStream<F>(
  onCancel: () => void,
  encode: (frame: F) => Uint8Array<ArrayBuffer> = encodeFrame,
): FrameStream<F> {
  let open = true
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(given) {
      controller = given
    },
    cancel() {
      open = false
      onCancel()
    },
  })
  return {
    body,
    send(frame, droppable = false) {
      if (!open || controller === null) return
      const lag = -(controller.desiredSize ?? 0)
      if (droppable && lag > MAX_LAG) return
      // What may not be dropped would pile up: a reader this far behind is cut off, and comes again.
      if (lag > 2 * MAX_LAG) {
        open = false
        controller.error(new Error('The reader does not keep up.'))
        onCancel()
        return
      }
      controller.enqueue(encode(frame))
    },
    close() {
      if (open) controller?.close()
      open = false
    },
  }
}
