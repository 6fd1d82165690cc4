/** A `.cartridge` file on its way in: a stream of bytes, wherever they come from. */
export interface CartridgeSource {
  /** Bytes it is said to have. */
  readonly size: number
  /** From the first byte on, each time. */
  chunks(): AsyncIterable<Uint8Array>
}

/** A file whose bytes are here already: what a browser window uploads. */
export function sourceOfBytes(bytes: Uint8Array): CartridgeSource {
  return {
    size: bytes.byteLength,
    async *chunks() {
      yield bytes
    },
  }
}
