import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRuntime } from '#engine/inference/runtime.ts'
import { type Continuation, continueWith } from './continuation.ts'
import type { RestoreCase } from './restoreChild.ts'
import { HYBRIDS, runnableModel, STARTERS } from './runnableModel.ts'
import { seeded } from './seeded.ts'
import { writeState } from './stateFile.ts'

const SPLITS = process.env.DEEP ? 200 : 20
const GREEDY = 12
const SEED = 20261121

type ChildResult = Continuation & { file: string; restoring: number; processed: number }

describe(`a state saved and restored in a new process (seed ${SEED})`, () => {
  let folder = ''
  const expected = new Map<string, Continuation & RestoreCase>()
  let results: ChildResult[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'statepack-restore-'))
    for (const model of [...STARTERS, ...HYBRIDS]) {
      const runtime = await openRuntime(await runnableModel(model), { device: 'cpu', threads: 2 })
      const random = seeded(SEED)
      const longest = runtime.model.contextLength ?? 5000
      for (let n = 0; n < SPLITS; n++) {
        // Mostly short texts, the first the longest possible; the first splits are the edges of blocks.
        const length = n === 0 ? longest - GREEDY : Math.min(longest - GREEDY, random.int(2, 2 ** random.int(2, 10)))
        const edge = [1, 63, 64, 65, 127, 128, 129][n % 7] ?? 1
        const split = n < 14 && edge < length ? edge : random.int(1, length - 1)
        const tokens = random.tokens(length, runtime.model.vocabSize)
        using whole = runtime.newSession()
        let at = 0
        for (const piece of random.cuts(split, 200)) {
          await whole.append(tokens.subarray(at, at + piece), { logits: 'none' })
          at += piece
        }
        const file = `${n}-${runtime.model.name}.state`
        writeState(join(folder, file), await whole.capture())
        const rest = [...tokens.subarray(split)]
        expected.set(file, { model, file, rest, greedy: GREEDY, ...(await continueWith(whole, rest, GREEDY)) })
      }
      await runtime.dispose()
    }
    writeFileSync(join(folder, 'cases.json'), JSON.stringify([...expected.values()]))
    execFileSync(process.execPath, ['test/engine/inference/restoreChild.ts', folder], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as ChildResult[]
  }, 900_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it(`continues token for token, with bit-equal logits (${SPLITS} splits a model)`, () => {
    expect(results).toHaveLength(expected.size)
    for (const { file, ids, logits } of results) {
      expect({ file, ids, logits }).toEqual({ file, ids: expected.get(file)?.ids, logits: expected.get(file)?.logits })
    }
  })

  it('runs no token to restore, and exactly the rest and the answer afterwards', () => {
    for (const { file, restoring, processed, ids } of results) {
      expect(restoring).toBe(0)
      expect(processed).toBe((expected.get(file)?.rest.length ?? 0) + ids.length)
    }
  })

  it('would notice a state of another text', async () => {
    const [one, other] = [...expected.values()].filter(({ model }) => model === STARTERS[0])
    const result = results.find(({ file }) => file === one?.file)
    expect(result?.logits).not.toBe(other?.logits)
  })
})
