// Builds what the package ships: bundles of our own source with dependencies left outside, types, the starter models, and the catalogue that goes with them.
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'

const here = import.meta.dirname
const root = join(here, '..', '..')
const engine = join(root, 'electron', 'engine')
const dist = join(here, 'dist')

await build({
  configFile: false,
  root: here,
  logLevel: 'warn',
  build: {
    ssr: true,
    outDir: dist,
    emptyOutDir: true,
    target: 'node24',
    minify: false,
    rollupOptions: {
      input: {
        index: join(here, 'src', 'index.ts'),
        client: join(here, 'src', 'client.ts'),
        langchain: join(here, 'src', 'langchain.ts'),
        exportTrialChild: join(engine, 'inference', 'exportTrialChild.ts'),
        hashWorker: join(engine, 'store', 'hashWorker.ts'),
        tokenizerTrialWorker: join(engine, 'models', 'tokenizer', 'tokenizerTrialWorker.ts'),
        extractWorker: join(engine, 'documents', 'extractWorker.ts'),
        grammarWorker: join(engine, 'inference', 'grammar', 'grammarWorker.ts'),
      },
      // Flat, so that a module finds its neighbours through import.meta.dirname wherever it was bundled into.
      output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
    },
  },
})

const { status } = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', here], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(1)
// Public types name nothing outside the package: test/sdk/package.test.ts holds them to it.
const types = join(root, 'node_modules', '.cache', 'tsc', 'sdk', 'packages', 'sdk', 'src')
for (const file of readdirSync(types, { recursive: true }))
  if (file.endsWith('.d.ts')) cpSync(join(types, file), join(dist, 'types', file))

rmSync(join(here, 'assets'), { recursive: true, force: true })
for (const folder of ['catalogue', 'models', 'texts'])
  cpSync(join(root, 'assets', folder), join(here, 'assets', folder), { recursive: true })
