/**
 * Memory that nobody has written yet, with whatever lies in it. Zeroing a large piece takes about as long as filling it, so this is for
 * who writes before anything is read. Throws Node's `RangeError` where there is no such piece.
 */
export function unwritten(bytes: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(bytes).buffer
}

/** The same as float32 numbers. */
export function unwrittenFloats(length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(unwritten(length * Float32Array.BYTES_PER_ELEMENT))
}
