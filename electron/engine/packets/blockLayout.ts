/** The one form that a block of keys and values has in a store: its header, and how long it is. */
import type { StateDtype } from '#shared/domain/cartridge.ts'
import { type KvLayerBlock, numbersIn } from '../inference/stateSnapshot.ts'
import { encodeSafetensorsHeader, SAFETENSORS_DTYPES, type SafetensorsDtype } from '../store/safetensors.ts'

/** How each dtype of a state is written in a layer. */
export const STORED_AS: Readonly<Record<StateDtype, SafetensorsDtype>> = {
  float32: 'F32',
  float16: 'F16',
  int8: 'I8',
  float8_e4m3: 'F8_E4M3',
}

/** Of one layer of a block. */
export type BlockShape = Readonly<Omit<KvLayerBlock, 'key' | 'value'>>
/** Dtypes that are stored as numbers alone. */
export type PlainDtype = 'float16' | 'float32'

/** More than any block has. */
const MAX_NUMBERS = 2 ** 40
const MAX_LAYERS = 4096

/** What a block of these shapes begins with, and how long it is as a whole. */
interface Layout {
  readonly header: Uint8Array
  readonly size: number
}

/** A block has one form, so one that begins as it must need not be parsed. The forms of blocks that were met last, oldest first. */
const layouts = new Map<string, Layout>()
const MOST_LAYOUTS = 256
/** Of real models there are no more; what a stranger may send is not kept. */
const MOST_LAYERS_KEPT = 256

/** null: no file has such shapes, whatever a config says. */
export function layoutOf(shapes: readonly BlockShape[], tokens: number, dtype: PlainDtype): Layout | null {
  if (shapes.length > MAX_LAYERS) return null
  const name = shapes.reduce(
    (of, { layer, kvHeads, headDim }) => `${of} ${layer}:${kvHeads}x${headDim}`,
    `${dtype} ${tokens}`,
  )
  const layout = layouts.get(name) ?? makeLayout(shapes, tokens, dtype)
  if (layout === null || shapes.length > MOST_LAYERS_KEPT) return layout
  layouts.delete(name)
  layouts.set(name, layout)
  const [oldest] = layouts.keys()
  if (layouts.size > MOST_LAYOUTS && oldest !== undefined) layouts.delete(oldest)
  return layout
}

function makeLayout(shapes: readonly BlockShape[], tokens: number, dtype: PlainDtype): Layout | null {
  const numbers = numbersIn({ layers: shapes }, tokens)
  if (tokens < 0 || numbers > MAX_NUMBERS) return null
  const header = encodeSafetensorsHeader(
    shapes.flatMap(({ layer, kvHeads, headDim }) =>
      [`key.${layer}`, `value.${layer}`].map(name => ({
        ...{ name, dtype: STORED_AS[dtype], shape: [kvHeads, tokens, headDim] },
      })),
    ),
  )
  return { header, size: header.byteLength + numbers * SAFETENSORS_DTYPES[STORED_AS[dtype]] }
}

export function beginsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, start.byteLength), start) === 0
}
