/** A model against its golden tensors, through the product's own openModel, runtime and restored sessions. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { openRuntime, type Runtime } from '#engine/inference/runtime.ts'
import type { Session } from '#engine/inference/session.ts'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import type { Model } from '#engine/models/model.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { type GoldenPass, goldenLimit } from './goldenLine.ts'
import { type GoldenTensor, maxAbsDiff, readGoldenTensors } from './goldenTensors.ts'

export type Golden = ReadonlyMap<string, GoldenTensor>

export interface GoldenReference {
  /** What the whole pass must equal: `[tokens, vocabulary]`. */
  readonly logits: GoldenTensor
  /** Largest absolute difference allowed where the largest value is 4 or less; see {@link goldenLimit}. */
  readonly limit: number
}

/** `choose` says what this model is held to, once its precision is known; `reference` is where golden.safetensors lies. */
export async function compareWithGolden(
  folder: string,
  choose: (golden: Golden, model: Model) => Promise<GoldenReference>,
  reference = folder,
): Promise<GoldenPass> {
  const golden = await readGoldenTensors(join(reference, 'golden.safetensors'))
  // A folder of references may be read-only, and nothing is to be left in it.
  const convertedFolder = await mkdtemp(join(tmpdir(), 'golden-'))
  try {
    const model = await openModel(folder, { convertedFolder })
    const held = await choose(golden, model)
    const runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
    try {
      return await compare(golden, { runtime, reference: held, name: basename(folder) })
    } finally {
      await runtime.dispose()
    }
  } finally {
    await rm(convertedFolder, { recursive: true })
  }
}

async function compare(
  golden: Golden,
  { runtime, reference, name }: { runtime: Runtime; reference: GoldenReference; name: string },
): Promise<GoldenPass> {
  const tokens = tensorOf(golden, 'tokens').data
  const whole = runtime.newSession()
  const logits = await whole.append(tokens, { logits: 'all' })
  const fromSplit = await continueFromSplit(runtime, { golden, tokens, whole: reference.logits })
  const expected = golden.get('greedy')?.data ?? null
  const greedy = await greedyFrom(whole, logits.subarray(-runtime.model.vocabSize), expected?.length ?? 0)
  whole.dispose()
  const maxAbsDiffs = {
    logits: maxAbsDiff(logits, reference.logits.data),
    fromSplit: fromSplit.logits,
    cache: fromSplit.cache,
  }
  const greedyEqual = expected === null ? null : maxAbsDiff(greedy, expected) === 0
  const limit = goldenLimit(reference.limit, reference.logits.data)
  const within = Object.values(maxAbsDiffs).every(difference => difference === null || difference <= limit)
  return { case: name, ok: within && greedyEqual !== false, limit, maxAbsDiff: maxAbsDiffs, greedyEqual, seams: null }
}

/**
 * Reads up to the split, captures, restores the capture into another session and feeds the rest one by one. A case without
 * a reference of its own for that is held to the rows of the whole pass.
 */
async function continueFromSplit(
  runtime: Runtime,
  { golden, tokens, whole }: { golden: Golden; tokens: ArrayLike<number>; whole: GoldenTensor },
): Promise<{ logits: number | null; cache: number | null }> {
  const reference = golden.get('logits_from_split') ?? secondHalf(whole)
  if (reference === null) return { logits: null, cache: null }
  const split = tokens.length - (reference.shape[0] ?? 0)
  const before = runtime.newSession()
  await before.append(Array.prototype.slice.call(tokens, 0, split), { logits: 'none' })
  const snapshot = await before.capture()
  before.dispose()
  const restored = await runtime.restore(snapshot)
  const vocab = reference.shape[1] ?? 0
  const logits = new Float32Array(reference.data.length)
  for (let index = split; index < tokens.length; index++) {
    logits.set(await restored.append([tokens[index] ?? 0]), (index - split) * vocab)
  }
  restored.dispose()
  return { logits: maxAbsDiff(logits, reference.data), cache: compareCache(snapshot, golden) }
}

/** The later rows of `[rows, columns]`. */
function secondHalf(tensor: GoldenTensor): GoldenTensor | null {
  const [rows = 0, columns = 0] = tensor.shape
  if (rows < 2) return null
  const first = Math.floor(rows / 2)
  return { shape: [rows - first, columns], data: tensor.data.subarray(first * columns) }
}

/** The largest difference of any cache tensor the case has; null when it has none. */
function compareCache(snapshot: StateSnapshot, golden: Golden): number | null {
  let largest: number | null = null
  for (const [name, reference] of golden) {
    const [, kind, index] = /^(key|value|conv|ssm)\.(\d+)$/.exec(name) ?? []
    if (kind === undefined) continue
    const layer = Number(index)
    const difference =
      kind === 'key' || kind === 'value'
        ? maxAbsDiff(joinBlocks(snapshot, layer, kind), reference.data)
        : compareRecurrent(snapshot, layer, { kind, reference })
    largest = Math.max(largest ?? 0, difference)
  }
  return largest
}

/** `[kvHeads, tokens, headDim]` of the whole context. */
function joinBlocks(snapshot: StateSnapshot, layer: number, part: 'key' | 'value'): Float32Array {
  const blocks = snapshot.blocks.map(block => ({
    tokens: block.tokens,
    layer: block.layers.find(each => each.layer === layer),
  }))
  const { kvHeads = 0, headDim = 0 } = blocks[0]?.layer ?? {}
  const joined = new Float32Array(kvHeads * snapshot.position * headDim)
  for (let head = 0; head < kvHeads; head++) {
    let at = head * snapshot.position * headDim
    for (const block of blocks) {
      const size = block.tokens * headDim
      joined.set(block.layer?.[part].subarray(head * size, (head + 1) * size) ?? [], at)
      at += size
    }
  }
  return joined
}

/** The reference keeps the last `kernel` conv inputs; the state proper is the last `kernel - 1`. */
function compareRecurrent(
  snapshot: StateSnapshot,
  index: number,
  { kind, reference }: { kind: string; reference: GoldenTensor },
): number {
  const layer = snapshot.recurrent.find(each => each.layer === index)
  if (layer === undefined) return Number.POSITIVE_INFINITY
  if (kind === 'ssm') return maxAbsDiff(layer.ssm, reference.data)
  const kernel = reference.shape.at(-1) ?? 0
  return maxAbsDiff(
    layer.conv,
    reference.data.filter((_, at) => at % kernel !== 0),
  )
}

async function greedyFrom(session: Session, first: Float32Array, count: number): Promise<number[]> {
  const ids: number[] = []
  for (let logits = first; ids.length < count; ) {
    const best = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)))
    ids.push(best)
    if (ids.length < count) logits = await session.append([best])
  }
  return ids
}

/** A tensor that the case must have. */
export function tensorOf(golden: Golden, name: string): GoldenTensor {
  const tensor = golden.get(name)
  if (tensor === undefined) throw new Error(`golden.safetensors has no ${name}.`)
  return tensor
}
