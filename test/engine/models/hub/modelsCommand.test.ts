/** `statepack models …` as people run it; a download survives the death of its process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type HubServer, startHub } from './hubServer.ts'

const HUB_ID = 'state-spaces/mamba-130m-hf'
const STARTER = resolve('assets/models/starter-mamba')
const NAMES = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']
const modelSchema = z.looseObject({ id: z.string(), precision: z.string(), status: z.string() })

let home = ''
let hub: HubServer
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'models-command-'))
  const files = await Promise.all(NAMES.map(async name => [name, await readFile(join(STARTER, name))] as const))
  hub = await startHub({ [HUB_ID]: Object.fromEntries(files) })
})
afterEach(async () => {
  await hub.close()
  await rm(home, { recursive: true, force: true })
})

function start(...args: string[]): ChildProcess {
  const env = { ...process.env, STATEPACK_HOME: home, HF_TOKEN: 'hf_from_the_environment' }
  return spawn(process.execPath, [resolve('electron/hosts/cli/main.ts'), ...args], { env, stdio: 'pipe' })
}

async function run(...args: string[]): Promise<unknown> {
  const child = start(...args)
  let [out, err] = ['', '']
  child.stdout?.on('data', chunk => (out += String(chunk)))
  child.stderr?.on('data', chunk => (err += String(chunk)))
  const code = await new Promise<number | null>(done => child.on('close', done))
  expect(code, err).toBe(0)
  return JSON.parse(out)
}

test('download is killed and goes on, compile converts and measures, remove deletes', async () => {
  hub.fault = (path, count) => (path.endsWith('.safetensors') && count === 0 ? { stallAfter: 5_000_000 } : undefined)
  const killed = start('models', 'download', HUB_ID, '--endpoint', hub.endpoint)
  const part = join(home, 'models', '.downloads', 'state-spaces--mamba-130m-hf')
  const size = async () => (await readFile(join(part, 'model.safetensors.part')).catch(() => '')).length
  await expect.poll(size, { interval: 50 }).toBe(5_000_000)
  killed.kill('SIGKILL')
  await new Promise(done => killed.on('close', done))

  const model = modelSchema.parse(await run('models', 'download', HUB_ID))
  expect(model).toMatchObject({ id: 'state-spaces--mamba-130m-hf', status: 'ready', precision: 'float32' })
  expect(hub.of('.safetensors').map(request => request.start)).toEqual([0, 5_000_000])
  expect(new Set(hub.requests.map(request => request.authorization))).toEqual(
    new Set(['Bearer hf_from_the_environment']),
  )

  const catalogue = z.looseObject({ entries: z.array(z.looseObject({ hubId: z.string(), installed: z.boolean() })) })
  const { entries } = catalogue.parse(await run('models', 'catalogue'))
  expect(entries.filter(({ installed }) => installed).map(({ hubId }) => hubId)).toEqual([HUB_ID])

  const compiled = await run('models', 'compile', model.id, '--precision', 'int8')
  const effect = z.looseObject({ model: modelSchema, effect: z.looseObject({ meanKl: z.number() }) }).parse(compiled)
  expect(effect.model.precision).toBe('int8')
  expect(effect.effect.meanKl).toBeGreaterThan(0)
  expect(await run('models', 'remove', model.id, '--delete-files')).toEqual({ removed: true })
  expect(await readdir(join(home, 'converted'))).toEqual([])
})
