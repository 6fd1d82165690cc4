/** The cartridges that one machine makes and others recompute: both kinds of model, weights in every precision. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createModelSettings } from '#engine/api/modelSettings.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { exported, openTestEngine, type TestEngine } from '../engine/testEngine.ts'
import { layersOf, putTogether, replaceLayers, takeApart } from '../engine/trust/forgery.ts'

export const MODELS = ['starter-transformer', 'starter-mamba'] as const
export const PRECISIONS = ['float32', 'float16', 'int8', 'int4'] as const
/** What recomputation must make of it. */
export type Nature = 'honest' | 'swapped'

export interface Shelved {
  readonly file: string
  readonly model: (typeof MODELS)[number]
  readonly precision: (typeof PRECISIONS)[number]
  readonly nature: Nature
}

/** More than a block, so that one of them is full. */
const LINES = ['Harbor Coffee', 'Pier Books', 'Quay Tools'].flatMap(name => [
  `The manager of ${name} is Lena Ortiz.`,
  `${name} opens at 6:30.`,
])
const TEXT = `Facts:\n${LINES.join('\n')}\n`
/** As long in tokens, and another one from its second line on. */
const OTHER = TEXT.replaceAll('6:30', '7:15')

/** An engine whose models run in this precision. */
export async function openAt({ model, precision }: Pick<Shelved, 'model' | 'precision'>): Promise<TestEngine> {
  const engine = await openTestEngine()
  const entry = engine.engine.state.models.entries().find(({ id }) => id === model)
  createModelSettings(engine.engine.state.store.library).setPrecision(entry?.folder ?? '', precision)
  return engine
}

/** Writes one honest cartridge of each kind, and one whose state is another text's: every digest in it is right. */
export async function makeShelf(folder: string): Promise<Shelved[]> {
  await mkdir(folder, { recursive: true })
  const shelf: Shelved[] = []
  for (const model of MODELS)
    for (const precision of PRECISIONS) {
      const { client, close } = await openAt({ model, precision })
      const made: Uint8Array[] = []
      for (const text of [TEXT, OTHER]) {
        // The narrowest tolerance there is.
        const sources = [{ name: 'notes', text }]
        const { cartridge } = await client.call('packets.create', { model, sources, dtype: 'float32' })
        made.push(await exported(client, { ref: cartridge.packetId }))
      }
      await close()
      const [honest = new Uint8Array(), other = honest] = made
      for (const [nature, bytes] of [
        ['honest', honest],
        ['swapped', withStateOf(honest, other)],
      ] as const) {
        const file = join(folder, `${model}.${precision}.${nature}.cartridge`)
        await writeFile(file, bytes)
        shelf.push({ file, model, precision, nature })
      }
    }
  return shelf
}

function withStateOf(file: Uint8Array, other: Uint8Array): Uint8Array {
  const [draft, from] = [takeApart(file), takeApart(other)]
  if (draft.config.tokens.count !== from.config.tokens.count) throw new Error('the two texts are not of one length')
  for (const type of [LAYER_TYPES.kv, LAYER_TYPES.ssm, LAYER_TYPES.logits])
    replaceLayers(draft, type, (bytes, place) => layersOf(from, type)[place]?.bytes ?? bytes)
  return putTogether(draft)
}
