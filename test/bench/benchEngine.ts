/** A real engine in a throw-away folder, as the benchmarks use it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type Engine, type EngineOptions } from '#engine/createEngine.ts'

export const ROOT = join(import.meta.dirname, '..', '..')
export const STARTERS = ['starter-transformer', 'starter-mamba'] as const

export async function withBenchEngine<T>(
  work: (engine: Engine) => Promise<T>,
  options: Pick<EngineOptions, 'onEvent'> = {},
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'statepack-bench-'))
  const engine = await createEngine({
    storeFolder: join(folder, 'store'),
    dataFolder: join(folder, 'data'),
    modelFolders: [],
    assetsFolder: join(ROOT, 'assets'),
    device: 'cpu',
    starters: false,
    ...options,
  })
  try {
    return await work(engine)
  } finally {
    await engine.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

/** An engine on a store that is there already (`home/store`), and how long opening it took. */
export async function openBenchEngine(home: string): Promise<{ engine: Engine; seconds: number }> {
  const start = performance.now()
  const engine = await createEngine({
    storeFolder: join(home, 'store'),
    dataFolder: home,
    modelFolders: [],
    assetsFolder: join(ROOT, 'assets'),
    device: 'cpu',
    starters: false,
  })
  return { engine, seconds: (performance.now() - start) / 1000 }
}

/** A row of figures, numbers short enough to read. */
export function row(values: Readonly<Record<string, string | number>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'number' ? Number(value.toPrecision(4)) : value,
    ]),
  )
}
