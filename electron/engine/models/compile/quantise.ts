/** Weights as 4- or 8-bit integers in blocks that share a scale: the layout ONNX Runtime's MatMulNBits reads. */

/** Consecutive inputs of one output row that share a scale. */
export const BLOCK = 32
/** Suffixes of the two tensors that take a weight's place: codes uint8 [outputs, blocks, bytes], scales float32 [outputs · blocks]. */
export const CODES = '.nbits'
export const SCALES = '.scales'

export type Bits = 4 | 8

export interface Quantised {
  readonly codes: Uint8Array
  readonly scales: Float32Array
}

/**
 * Symmetric: weight ≈ (code - 2^(bits-1)) · scale. With 8 bits the scale is max|w| / 127; with 4 bits it is chosen so that
 * the value of largest magnitude is hit exactly by code 0 or 16's end of the range (codes -8..7), which wastes no code.
 * `rows` is `[rows, inputs]`; a last short block is filled with zeros.
 */
export function quantiseRows(rows: Float32Array, inputs: number, bits: Bits): Quantised {
  const perRow = Math.ceil(inputs / BLOCK)
  const count = rows.length / inputs
  const bytes = (BLOCK * bits) / 8
  const codes = new Uint8Array(count * perRow * bytes)
  const scales = new Float32Array(count * perRow)
  const half = 2 ** (bits - 1)
  for (let row = 0; row < count; row++) {
    for (let block = 0; block < perRow; block++) {
      const from = row * inputs + block * BLOCK
      const to = Math.min(from + BLOCK, (row + 1) * inputs)
      const index = row * perRow + block
      const scale = Math.fround(scaleOf(rows, from, { to, bits }))
      scales[index] = scale
      const inverse = scale === 0 ? 0 : 1 / scale
      for (let i = 0; i < BLOCK; i++) {
        const value = from + i < to ? (rows[from + i] ?? 0) : 0
        const code = Math.min(Math.max(Math.round(value * inverse) + half, 0), 2 * half - 1)
        if (bits === 8) codes[index * bytes + i] = code
        else codes[index * bytes + (i >> 1)] = (codes[index * bytes + (i >> 1)] ?? 0) | (code << (4 * (i & 1)))
      }
    }
  }
  return { codes, scales }
}

function scaleOf(rows: Float32Array, from: number, { to, bits }: { to: number; bits: Bits }): number {
  let extreme = 0
  for (let i = from; i < to; i++) {
    const value = rows[i] ?? 0
    if (Math.abs(value) > Math.abs(extreme)) extreme = value
  }
  return bits === 8 ? Math.abs(extreme) / 127 : extreme / -8
}
