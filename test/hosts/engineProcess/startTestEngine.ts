import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EngineChild, forkEngine } from '#hosts/engineProcess/engineChild.ts'
import { type Supervisor, type SupervisorOptions, superviseEngine } from '#hosts/engineProcess/supervisor.ts'

const ENTRY = join(import.meta.dirname, 'childEngine.ts')

export interface TestEngine {
  readonly supervisor: Supervisor
  readonly folder: string
  /** Every process that was started, the running one last. */
  readonly children: EngineChild[]
}

/** A supervised engine in a real child process; see childEngine.ts for what it does. */
export function startTestEngine(options: Partial<SupervisorOptions> = {}, mode = 'normal'): TestEngine {
  const folder = mkdtempSync(join(tmpdir(), 'statepack-engine-'))
  const children: EngineChild[] = []
  const supervisor = superviseEngine({
    start: () => {
      const child = forkEngine(ENTRY)
      children.push(child)
      return child
    },
    engine: { storeFolder: folder, dataFolder: folder, modelFolders: [], assetsFolder: mode },
    pauses: [10, 10],
    ...options,
  })
  return { supervisor, folder, children }
}
