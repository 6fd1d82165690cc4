/** A large `.cartridge` file passes through every process in the memory that a small one takes. */
import { spawn } from 'node:child_process'
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createClient } from '#shared/rpc/client.ts'
import { bundledText, exported, openTestEngine } from '../../engine/testEngine.ts'
import { type Draft, takeApart } from '../../engine/trust/forgery.ts'
import { pageTransport } from '../loopback/pageTransport.ts'
import { BLOCK_BYTES, writeLargeCartridge } from './largeCartridge.ts'

const MIB = 2 ** 20
const HOSTS = resolve(import.meta.dirname, '../../../electron/hosts')
const NOTE_PEAK = pathToFileURL(join(import.meta.dirname, 'notePeak.ts')).href
/** Of the large file. */
const LARGE_MIB = Number(process.env.LARGE_MIB ?? 320)
const LARGE = LARGE_MIB / (BLOCK_BYTES / MIB)
const SMALL = 2
/** What may come on top, whatever the size: what is on the way, and what the collector has not come to yet. */
const GROWTH = 160 * MIB

const home = mkdtempSync(join(tmpdir(), 'statepack-large-'))
let honest: Draft

beforeAll(async () => {
  if (!process.env.DEEP) return
  const engine = await openTestEngine()
  const sources = [{ name: 'handbook', text: (await bundledText('handbook')).text.slice(0, 600) }]
  const created = await engine.client.call('packets.create', { model: 'starter-transformer', sources })
  honest = takeApart(await exported(engine.client, { ref: created.cartridge.packetId }))
  await engine.close()
})
afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))

function start(folder: string, program: string, args: readonly string[] = []) {
  const child = spawn(process.execPath, [join(HOSTS, program, 'main.ts'), ...args], {
    env: {
      ...process.env,
      STATEPACK_HOME: folder,
      NODE_OPTIONS: `--import=${NOTE_PEAK}`,
      STATEPACK_TEST_PEAKS: join(folder, 'peaks'),
    },
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
  })
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('It was started without pipes.')
  return { child, stdin, stdout }
}

/** Runs a command whose input and output are files. */
async function command(folder: string, args: readonly string[], files: { from?: string; to?: string } = {}) {
  const { child, stdin, stdout } = start(folder, 'cli', [...args, '--quiet'])
  if (files.from === undefined) stdin.end()
  else createReadStream(files.from).pipe(stdin)
  const out = files.to === undefined ? stdout.resume() : stdout.pipe(createWriteStream(files.to))
  const code = new Promise(done => child.once('close', done))
  await finished(out)
  expect(await code).toBe(0)
}

/** A window in a browser takes `file` in and saves it again as `saved`. */
async function throughStudio(folder: string, file: string, saved: string): Promise<void> {
  const { child, stdout } = start(folder, 'serve')
  const line = await new Promise<string>(found => createInterface(stdout).once('line', found))
  const [origin = '', token = ''] = (JSON.parse(line) as { address: string }).address.split('/#/?token=')
  const transport = pageTransport({ origin, token })
  const client = createClient(transport)
  const upload = createReadStream(file, { highWaterMark: MIB })
  const { cartridge } = await client.call('packets.import', { trust: true }, { upload })
  const output = createWriteStream(saved)
  await client.call(
    'packets.export',
    { ref: cartridge.packetId },
    {
      onItem: bytes => new Promise<void>((done, failed) => output.write(bytes, e => (e == null ? done() : failed(e)))),
    },
  )
  output.end()
  await finished(output)
  transport.close()
  const ended = new Promise(done => child.once('exit', done))
  child.disconnect()
  await ended
}

/** The most memory of each program, by its folder, for a file of `blocks`. */
async function peaksFor(blocks: number): Promise<Map<string, number>> {
  const folder = join(home, String(blocks))
  mkdirSync(folder)
  const path = (name: string) => join(folder, name)
  await writeLargeCartridge(path('large.cartridge'), honest, blocks)
  const { size } = await stat(path('large.cartridge'))
  expect(size).toBeGreaterThan(blocks * BLOCK_BYTES)

  await throughStudio(folder, path('large.cartridge'), path('saved.cartridge'))
  const store = ['--store', path('second')]
  await command(folder, ['import', '-', '--trust', '--name', 'piped', ...store], { from: path('saved.cartridge') })
  await command(folder, ['export', 'piped', '--out', '-', ...store], { to: path('piped.cartridge') })
  await command(folder, ['export', 'piped', '--out', path('named.cartridge'), ...store])
  await command(folder, ['import', path('named.cartridge'), '--trust', '--store', path('third')])
  // Each way out adds its signer's statement, each way in has checked every byte of the rest.
  for (const copy of ['saved', 'piped', 'named']) {
    expect((await stat(path(`${copy}.cartridge`))).size).toBeGreaterThanOrEqual(size)
  }

  const peaks = new Map<string, number>()
  for (const line of readFileSync(path('peaks'), 'utf8').trim().split('\n')) {
    const { program, peak } = JSON.parse(line)
    peaks.set(program, Math.max(peak, peaks.get(program) ?? 0))
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  return peaks
}

it.skipIf(!process.env.DEEP)(
  'goes in and out by window and by command line in the memory that a small one takes',
  // Each byte is written and read by some ten processes, one after the other.
  { timeout: Math.max(1_800_000, LARGE_MIB * 2000) },
  async () => {
    const small = await peaksFor(SMALL)
    const large = await peaksFor(LARGE)
    const growth = [...large].map(([program, peak]) => [program, Math.round((peak - (small.get(program) ?? 0)) / MIB)])
    console.info(JSON.stringify({ small: Object.fromEntries(small), growth }))
    expect([...large.keys()].sort()).toEqual(['cli', 'engineProcess', 'serve'])
    for (const [program, peak] of large) expect(peak - (small.get(program) ?? 0), program).toBeLessThan(GROWTH)
  },
)
