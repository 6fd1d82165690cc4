/** A streamed body of frames that a slow or vanished reader cannot make grow without bound. */
import { encodeFrame } from '#shared/rpc/codec.ts'

export interface FrameStream<F> {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  /** `droppable` frames are left out while the reader is far behind. */
  send(frame: F, droppable?: boolean): void
  close(): void
}

/** Frames a reader may lag behind before droppable ones are dropped. */
const MAX_LAG = 2000

export function createFrameStream<F>(onCancel: () => void): FrameStream<F> {
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
      if (droppable && (controller.desiredSize ?? 0) < -MAX_LAG) return
      controller.enqueue(encodeFrame(frame))
    },
    close() {
      if (open) controller?.close()
      open = false
    },
  }
}
