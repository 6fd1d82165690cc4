/** The types of tensors in GGUF files, by their number there (ggml's `ggml_type`). */

export interface GgufType {
  readonly name: string
  /** Consecutive numbers of a row that are stored together, and the bytes they take. */
  readonly block: number
  readonly bytes: number
}

const type = (name: string, block: number, bytes: number): GgufType => ({ name, block, bytes })

/** What is read; quantised ones in blocks along the innermost dimension. */
export const GGUF_TYPES: ReadonlyMap<number, GgufType> = new Map([
  [0, type('F32', 1, 4)],
  [1, type('F16', 1, 2)],
  [2, type('Q4_0', 32, 18)],
  [3, type('Q4_1', 32, 20)],
  [6, type('Q5_0', 32, 22)],
  [7, type('Q5_1', 32, 24)],
  [8, type('Q8_0', 32, 34)],
  [12, type('Q4_K', 256, 144)],
  [13, type('Q5_K', 256, 176)],
  [14, type('Q6_K', 256, 210)],
  [30, type('BF16', 1, 2)],
])

/** The others by name, so that a refusal can say which. */
export const OTHER_TYPES: ReadonlyMap<number, string> = new Map(
  Object.entries({
    9: 'Q8_1',
    10: 'Q2_K',
    11: 'Q3_K',
    15: 'Q8_K',
    16: 'IQ2_XXS',
    17: 'IQ2_XS',
    18: 'IQ3_XXS',
    19: 'IQ1_S',
    20: 'IQ4_NL',
    21: 'IQ3_S',
    22: 'IQ2_S',
    23: 'IQ4_XS',
    24: 'I8',
    25: 'I16',
    26: 'I32',
    27: 'I64',
    28: 'F64',
    29: 'IQ1_M',
    34: 'TQ1_0',
    35: 'TQ2_0',
    39: 'MXFP4',
  }).map(([id, name]) => [Number(id), name]),
)
