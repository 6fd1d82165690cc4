/** A real engine in a folder of its own, on the starter models, without starter cartridges unless asked for. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type Engine, type EngineOptions } from '#engine/createEngine.ts'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import { type Client, createClient, type Input } from '#shared/rpc/client.ts'

export const ASSETS = join(import.meta.dirname, '..', '..', 'assets')

export interface TestEngine {
  readonly engine: Engine
  readonly client: Client
  readonly folder: string
  /** Every file of the store, for "nothing is left behind". */
  files(): Promise<string[]>
  close(): Promise<void>
}

/** A real engine’s options in a folder of its own. */
export function engineOptions(folder: string): EngineOptions {
  return {
    storeFolder: join(folder, 'store'),
    // Weights are hashed once for all tests of a run: the digests are facts about the files.
    dataFolder: join(folder, 'data'),
    modelFolders: [],
    assetsFolder: ASSETS,
    device: 'cpu',
    // As many test files run at once as there are cores: threads of one would wait for those of another, spinning.
    threads: 1,
    starters: false,
  }
}

export async function openTestEngine(options: Partial<EngineOptions> & { folder?: string } = {}): Promise<TestEngine> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'statepack-test-')))
  const hub = createEventHub()
  const engine = await createEngine({
    ...engineOptions(folder),
    onEvent: hub.emit,
    ...options,
  })
  return {
    engine,
    client: createClient(createInProcessTransport(dispatch(engine.handlers), hub)),
    folder,
    files: async () =>
      (await readdir(join(folder, 'store'), { recursive: true, withFileTypes: true }))
        .filter(f => f.isFile())
        .map(f => join(f.parentPath, f.name)),
    async close() {
      await engine.dispose()
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The bytes of an export. */
export async function exported(client: Client, input: Input<'packets.export'>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  await client.call('packets.export', input, { onItem: part => parts.push(part) })
  return new Uint8Array(Buffer.concat(parts))
}

export interface BundledText {
  readonly title: string
  readonly models: readonly string[]
  readonly text: string
  readonly questions: readonly (readonly [question: string, answer: string])[]
}

export async function bundledText(name: string): Promise<BundledText> {
  return JSON.parse(await readFile(join(ASSETS, 'texts', `${name}.json`), 'utf8'))
}

/** The question part of a prompt, as the starters were trained to read it. */
export function questionDelta(question: string): string {
  return `\nQuestion: ${question}\nAnswer:`
}

/** An answer counts when its line without the final full stop is the expected one. */
export function plainAnswer(output: string): string {
  return output.trim().replace(/\.$/, '')
}
