/**
 * Quantised rows of GGUF files, taken apart: whole-number codes, and a scale and an offset for each group of neighbours.
 * Every type read here is exactly `weight = scale · (code - half) + offset` (block layouts: ggml-common.h; half: 8 or 128).
 */

export interface UnpackedRows {
  /** One a weight: 0..15 with 4 bits, 0..255 with 8. */
  readonly codes: Uint8Array
  /** One a group. */
  readonly scales: Float32Array
  /** One a group; null where all are zero by the type's definition. */
  readonly offsets: Float32Array | null
}

export interface BlockLayout {
  /** The width that holds the codes: types of 5 and 6 bits take 8. */
  readonly bits: 4 | 8
  /** Weights that share a scale. */
  readonly group: 16 | 32
  readonly hasOffsets: boolean
  /** Weights, and bytes, of one block of the file. */
  readonly block: number
  readonly bytes: number
  /** Fills `codes` from weight `at` on, and the scales and offsets of the groups from `at / group` on. */
  unpack(bytes: DataView, from: number, out: Target, at: number): void
}

interface Target {
  readonly codes: Uint8Array
  readonly scales: Float32Array
  readonly offsets: Float32Array
}

/** Weights per block of the older types. */
const SMALL = 32
/** And of the K types. */
const LARGE = 256

const half = (view: DataView, at: number): number => view.getFloat16(at, true)

/** 4-bit codes: byte i holds weights i (low bits) and i + 16. */
function nibbles(view: DataView, from: number, codes: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++) {
    const byte = view.getUint8(from + i)
    codes[at + i] = byte & 15
    codes[at + 16 + i] = byte >> 4
  }
}

/** 5-bit codes: the same, with the fifth bits in one 32-bit word before them; `up` is added. */
function fiveBits(view: DataView, at: { high: number; low: number; to: number; up: number }, codes: Uint8Array): void {
  const high = view.getUint32(at.high, true)
  nibbles(view, at.low, codes, at.to)
  for (let i = 0; i < SMALL; i++) codes[at.to + i] = (codes[at.to + i] ?? 0) + (((high >>> i) & 1) << 4) + at.up
}

/** The eight 6-bit scales and minima of a K block, packed in 12 bytes. */
function sixBitScales(view: DataView, from: number, group: number): readonly [scale: number, least: number] {
  const byte = (index: number) => view.getUint8(from + index)
  if (group < 4) return [byte(group) & 63, byte(group + 4) & 63]
  return [(byte(group + 4) & 15) | ((byte(group - 4) >> 6) << 4), (byte(group + 4) >> 4) | ((byte(group) >> 6) << 4)]
}

/** d·scale and half·d·scale - dmin·least for the eight groups of a K block that begins with d and dmin. */
function kScales(
  view: DataView,
  from: number,
  { scales, offsets }: Target,
  [group, centre]: readonly [number, number],
): void {
  const [d, dmin] = [half(view, from), half(view, from + 2)]
  for (let i = 0; i < 8; i++) {
    const [scale, least] = sixBitScales(view, from + 4, i)
    const step = Math.fround(d * scale)
    scales[group + i] = step
    offsets[group + i] = centre * step - Math.fround(dmin * least)
  }
}

export const BLOCK_LAYOUTS: Readonly<Record<string, BlockLayout>> = {
  Q4_0: {
    ...{ bits: 4, group: 32, hasOffsets: false, block: SMALL, bytes: 18 },
    unpack(view, from, { codes, scales }, at) {
      scales[at / SMALL] = half(view, from)
      nibbles(view, from + 2, codes, at)
    },
  },
  Q4_1: {
    ...{ bits: 4, group: 32, hasOffsets: true, block: SMALL, bytes: 20 },
    unpack(view, from, { codes, scales, offsets }, at) {
      const scale = half(view, from)
      scales[at / SMALL] = scale
      offsets[at / SMALL] = half(view, from + 2) + 8 * scale
      nibbles(view, from + 4, codes, at)
    },
  },
  Q5_0: {
    ...{ bits: 8, group: 32, hasOffsets: false, block: SMALL, bytes: 22 },
    unpack(view, from, { codes, scales }, at) {
      scales[at / SMALL] = half(view, from)
      fiveBits(view, { high: from + 2, low: from + 6, to: at, up: 112 }, codes) // -16 + 128
    },
  },
  Q5_1: {
    ...{ bits: 8, group: 32, hasOffsets: true, block: SMALL, bytes: 24 },
    unpack(view, from, { codes, scales, offsets }, at) {
      scales[at / SMALL] = half(view, from)
      offsets[at / SMALL] = half(view, from + 2)
      fiveBits(view, { high: from + 4, low: from + 8, to: at, up: 128 }, codes)
    },
  },
  Q8_0: {
    ...{ bits: 8, group: 32, hasOffsets: false, block: SMALL, bytes: 34 },
    unpack(view, from, { codes, scales }, at) {
      scales[at / SMALL] = half(view, from)
      for (let i = 0; i < SMALL; i++) codes[at + i] = view.getInt8(from + 2 + i) + 128
    },
  },
  Q4_K: {
    ...{ bits: 4, group: 32, hasOffsets: true, block: LARGE, bytes: 144 },
    unpack(view, from, out, at) {
      kScales(view, from, out, [at / 32, 8])
      // Each 32 bytes hold two groups: the low bits of all, then the high bits of all.
      for (let i = 0; i < 128; i++) {
        const byte = view.getUint8(from + 16 + i)
        const to = at + (i >> 5) * 64 + (i & 31)
        out.codes[to] = byte & 15
        out.codes[to + 32] = byte >> 4
      }
    },
  },
  Q5_K: {
    ...{ bits: 8, group: 32, hasOffsets: true, block: LARGE, bytes: 176 },
    unpack(view, from, out, at) {
      kScales(view, from, out, [at / 32, 0])
      for (let i = 0; i < 128; i++) {
        const [byte, high] = [view.getUint8(from + 48 + i), view.getUint8(from + 16 + (i & 31))]
        const pair = i >> 5
        const to = at + pair * 64 + (i & 31)
        out.codes[to] = 128 + (byte & 15) + (((high >> (2 * pair)) & 1) << 4)
        out.codes[to + 32] = 128 + (byte >> 4) + (((high >> (2 * pair + 1)) & 1) << 4)
      }
    },
  },
  Q6_K: {
    ...{ bits: 8, group: 16, hasOffsets: false, block: LARGE, bytes: 210 },
    unpack(view, from, { codes, scales }, at) {
      const d = half(view, from + 208)
      for (let i = 0; i < 16; i++) scales[at / 16 + i] = d * view.getInt8(from + 192 + i)
      // Two halves of 128 weights: 64 bytes of low 4 bits and 32 bytes of high 2 bits each; codes are -32..31.
      for (let part = 0; part < 2; part++) {
        for (let i = 0; i < 32; i++) {
          const [a, b] = [view.getUint8(from + part * 64 + i), view.getUint8(from + part * 64 + 32 + i)]
          const high = view.getUint8(from + 128 + part * 32 + i)
          const to = at + part * 128 + i
          codes[to] = 96 + (a & 15) + ((high & 3) << 4)
          codes[to + 32] = 96 + (b & 15) + (((high >> 2) & 3) << 4)
          codes[to + 64] = 96 + (a >> 4) + (((high >> 4) & 3) << 4)
          codes[to + 96] = 96 + (b >> 4) + ((high >> 6) << 4)
        }
      }
    },
  },
}

export function isQuantised(dtype: string): boolean {
  return Object.hasOwn(BLOCK_LAYOUTS, dtype)
}

/** Takes whole blocks of `layout` apart. */
export function unpackRows(layout: BlockLayout, bytes: Uint8Array): UnpackedRows {
  const blocks = bytes.byteLength / layout.bytes
  const groups = (blocks * layout.block) / layout.group
  const target = {
    codes: new Uint8Array(blocks * layout.block),
    scales: new Float32Array(groups),
    offsets: new Float32Array(layout.hasOffsets ? groups : 0),
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let block = 0; block < blocks; block++) layout.unpack(view, block * layout.bytes, target, block * layout.block)
  return { ...target, offsets: layout.hasOffsets ? target.offsets : null }
}

/** The weights of unpacked rows. */
export function weightsOf({ bits, group }: BlockLayout, { codes, scales, offsets }: UnpackedRows): Float32Array {
  const centre = 2 ** (bits - 1)
  const weights = new Float32Array(codes.length)
  for (let at = 0; at < scales.length; at++) {
    const [scale, offset] = [scales[at] ?? 0, offsets?.[at] ?? 0]
    for (let i = at * group; i < (at + 1) * group; i++) weights[i] = scale * ((codes[i] ?? 0) - centre) + offset
  }
  return weights
}
