/** Weights as 4- or 8-bit integers in blocks that share a scale: the layout ONNX Runtime's MatMulNBits reads. */

/**
 * Consecutive inputs of one output row that share a scale, by bits. ONNX Runtime multiplies a prompt with 8-bit blocks of 64 a
 * quarter faster than with such of 32, and eight bits bear it; with four, a smaller block matters more.
 */
export const BLOCKS = { 4: 32, 8: 64 } as const
/**
 * Suffixes of the tensors that take a weight's place: codes uint8 [outputs, blocks, bytes], scales float32 [outputs · blocks],
 * and with 4 bits zero points uint8 [outputs, ⌈blocks / 2⌉], the first of two in the lower bits.
 */
export const CODES = '.nbits'
export const SCALES = '.scales'
export const ZEROS = '.zeros'

export type Bits = keyof typeof BLOCKS

export interface Quantised {
  readonly codes: Uint8Array
  readonly scales: Float32Array
  /** null with 8 bits: 128 everywhere. */
  readonly zeros: Uint8Array | null
}

/** A block's weight ≈ (code - zero) · scale. */
interface Grid {
  readonly scale: number
  readonly zero: number
}

/** Bytes of a row's zero points. */
export function zeroBytes(blocks: number): number {
  return Math.ceil(blocks / 2)
}

/**
 * `rows` is `[rows, inputs]`; a last short block is filled with zeros. With 8 bits the scale is max|w| / 127 around 128; with
 * 4 bits scale and zero point are those with the least squared error among {@link SPANS} of the block's range.
 */
export function quantiseRows(rows: Float32Array, inputs: number, bits: Bits): Quantised {
  const size = BLOCKS[bits]
  const perRow = Math.ceil(inputs / size)
  const count = rows.length / inputs
  const bytes = (size * bits) / 8
  const codes = new Uint8Array(count * perRow * bytes)
  const scales = new Float32Array(count * perRow)
  const zeros = bits === 4 ? new Uint8Array(count * zeroBytes(perRow)) : null
  const values = new Float32Array(size)
  for (let row = 0; row < count; row++) {
    for (let block = 0; block < perRow; block++) {
      const from = row * inputs + block * size
      values.fill(0)
      values.set(rows.subarray(from, Math.min(from + size, (row + 1) * inputs)))
      const index = row * perRow + block
      const { scale, zero } = zeros === null ? widestGrid(values) : closestGrid(values)
      scales[index] = scale
      if (zeros !== null) {
        const at = row * zeroBytes(perRow) + (block >> 1)
        zeros[at] = (zeros[at] ?? 0) | (zero << (4 * (block & 1)))
      }
      const inverse = scale === 0 ? 0 : 1 / scale
      const most = 2 ** bits - 1
      for (let i = 0; i < size; i++) {
        const code = codeOf(values[i] ?? 0, { inverse, zero, most })
        if (bits === 8) codes[index * bytes + i] = code
        else codes[index * bytes + (i >> 1)] = (codes[index * bytes + (i >> 1)] ?? 0) | (code << (4 * (i & 1)))
      }
    }
  }
  return { codes, scales, zeros }
}

function codeOf(value: number, { inverse, zero, most }: { inverse: number; zero: number; most: number }): number {
  return Math.min(Math.max(Math.round(value * inverse) + zero, 0), most)
}

function widestGrid(values: Float32Array): Grid {
  let extreme = 0
  for (const value of values) extreme = Math.max(extreme, Math.abs(value))
  return { scale: Math.fround(extreme / 127), zero: 128 }
}

/** Shares of a block's range that the 16 codes are laid over: beyond its end the largest weights are cut, which is often worth it. */
const SPANS = [1, 0.94, 0.88, 0.82, 0.75]
const MOST = 15

/**
 * For each span the codes are found first and the scale after them: with q = code - zero, the scale Σwq / Σq² has the least
 * error, Σw² - (Σwq)² / Σq². Of the whole range the neighbouring zero points are tried, too.
 */
function closestGrid(values: Float32Array): Grid {
  let [low, high] = [0, 0]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  let best: Grid = { scale: 0, zero: 8 }
  let explained = 0
  for (const span of SPANS) {
    const inverse = MOST / ((high - low) * span)
    if (!Number.isFinite(inverse)) continue
    const nearest = Math.round(-low * span * inverse)
    const around = span === 1 ? 1 : 0
    for (let zero = Math.max(0, nearest - around); zero <= Math.min(MOST, nearest + around); zero++) {
      let wq = 0
      let qq = 0
      // By far most of the time of a conversion is spent here: nothing is allocated or called.
      for (let i = 0; i < values.length; i++) {
        const value = values[i] ?? 0
        const place = value * inverse + zero
        const q = (place <= 0 ? 0 : place >= MOST ? MOST : (place + 0.5) | 0) - zero
        wq += value * q
        qq += q * q
      }
      if (qq > 0 && (wq * wq) / qq > explained) {
        explained = (wq * wq) / qq
        best = { scale: Math.fround(wq / qq), zero }
      }
    }
  }
  return best
}
