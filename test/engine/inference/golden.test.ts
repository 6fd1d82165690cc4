import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openRuntime, type RunnableModel } from '#engine/inference/runtime.ts'
import type { Session } from '#engine/inference/session.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { runnableModel } from './runnableModel.ts'

const ROOT = 'test/golden'
const CASES = readdirSync(ROOT).filter(name => existsSync(join(ROOT, name, 'golden.safetensors')))
const LIMIT = 2e-4

type Tensors = Map<string, { shape: number[]; data: Float32Array | Int32Array }>

function readTensors(path: string): Tensors {
  const file = readFileSync(path)
  const start = 8 + Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [begin, end],
          },
        ]) => {
          const bytes = new Uint8Array(file.subarray(start + begin, start + end)).buffer
          return [name, { shape, data: dtype === 'I32' ? new Int32Array(bytes) : new Float32Array(bytes) }]
        },
      ),
  )
}

function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  let most = 0
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)))
  return most
}

/** The compiled model, or null while its architecture is not supported. */
async function compiled(name: string): Promise<RunnableModel | null> {
  try {
    return await runnableModel(join(ROOT, name))
  } catch (error) {
    if (error instanceof StatePackError && error.code === 'E_NOT_SUPPORTED') return null
    throw error
  }
}

async function oneByOne(session: Session, tokens: Int32Array): Promise<number[]> {
  const rows: number[] = []
  for (const token of tokens) rows.push(...(await session.append([token])))
  return rows
}

/** Elementwise operators take four numbers at a time; what is left over at the end is rounded differently. */
function hasOddWidth({ geometry }: RunnableModel): boolean {
  return geometry.kind === 'ssm' && (geometry.ssm[0] ?? 0) % 4 !== 0
}

describe.each(CASES)('the reference %s', name => {
  it('is met in one pass, continued from a restored state, and in the state itself', async context => {
    const model = await compiled(name)
    if (model === null) return context.skip('this architecture is not compiled yet')
    const golden = readTensors(join(ROOT, name, 'golden.safetensors'))
    const tensor = (key: string) => golden.get(key)?.data ?? new Float32Array(0)
    const tokens = Int32Array.from(tensor('tokens'))
    const split = tokens.length - (golden.get('logits_from_split')?.shape[0] ?? 0)
    const runtime = await openRuntime(model, { device: 'cpu', threads: 2 })

    using whole = runtime.newSession()
    const logits = await whole.append(tokens, { logits: 'all' })
    expect(maxDifference(logits, tensor('logits'))).toBeLessThan(LIMIT)

    using first = runtime.newSession()
    await first.append(tokens.subarray(0, split), { logits: 'none' })
    const state = await first.capture()
    using restored = await runtime.restore(state)
    const rows = await oneByOne(restored, tokens.subarray(split))
    expect(maxDifference(rows, tensor('logits_from_split'))).toBeLessThan(LIMIT)
    // Not only close: the same bits as without the restore, and (see Session) as in one pass.
    expect(maxDifference(rows, await oneByOne(first, tokens.subarray(split)))).toBe(0)
    const onePass = maxDifference(rows, logits.subarray(split * model.vocabSize))
    expect(onePass).toBeLessThanOrEqual(hasOddWidth(model) ? 1e-5 : 0)

    for (const block of state.blocks) {
      for (const { layer, kvHeads, headDim, ...sides } of block.layers) {
        for (const side of ['key', 'value'] as const) {
          const reference = golden.get(`${side}.${layer}`)?.data
          if (reference === undefined) continue
          const rows = Array.from({ length: kvHeads }, (_, head) => {
            const begin = (head * split + block.start) * headDim
            return [...reference.subarray(begin, begin + block.tokens * headDim)]
          })
          expect(maxDifference(sides[side], rows.flat())).toBeLessThan(LIMIT)
        }
      }
    }
    for (const { layer, conv, convDims, ssm } of state.recurrent) {
      const reference = golden.get(`conv.${layer}`)
      const columns = reference?.shape.at(-1) ?? 0
      const kept = convDims.at(-1) ?? 0
      const last = [...(reference?.data ?? [])].filter((_, i) => i % columns >= columns - kept)
      expect(maxDifference(conv, last)).toBeLessThan(LIMIT)
      // A layer that has only a convolution keeps a single zero.
      expect(maxDifference(ssm, golden.get(`ssm.${layer}`)?.data ?? [0])).toBeLessThan(LIMIT)
    }
    await runtime.dispose()
  })
})
