import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, it } from 'vitest'
import { freshBuild } from '../../scripts/freshBuild.mjs'

const root = resolve(import.meta.dirname, '../..')
beforeAll(() => freshBuild(root))

interface Started {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly firstLine: Promise<string>
  readonly ended: Promise<number | null>
}

function start(args: readonly string[], env: Record<string, string> = {}): Started {
  const home = mkdtempSync(join(tmpdir(), 'statepack-start-'))
  const clean = { ...process.env, STATEPACK_HOME: home, DISPLAY: '', WAYLAND_DISPLAY: '', ...env }
  const child = spawn(process.execPath, [join(root, 'scripts', 'start.mjs'), ...args], {
    env: clean,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const first = Promise.withResolvers<string>()
  createInterface(child.stdout).on('line', line => {
    lines.push(line)
    first.resolve(line)
  })
  createInterface(child.stderr).on('line', line => first.resolve(`stderr: ${line}`))
  return { child, lines, firstLine: first.promise, ended: new Promise(done => child.on('exit', code => done(code))) }
}

describe('npm start', () => {
  it.each([
    [['--no-open'], /^Serving the Studio without opening a window, as asked: http/],
    [[], /^Serving the Studio without opening a window, because there is no display here: http/],
  ])(
    '%j says in one line what it opened and why; the address answers; Ctrl+C ends everything',
    async (args, expected) => {
      const run = start(args)
      const line = await run.firstLine
      expect(line).toMatch(expected)
      const { origin, port } = new URL(line.slice(line.indexOf('http')))
      const page = await fetch(origin)
      expect(page.status).toBe(200)
      expect(await page.text()).toContain('<div id="root">')
      expect(await (await fetch(`${origin}/health`)).json()).toMatchObject({ app: 'State Pack Studio' })
      run.child.kill('SIGINT')
      await run.ended
      expect(run.lines).toHaveLength(1)
      await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow()
    },
  )

  it.runIf(process.platform === 'linux')(
    'opens a browser window of its own where there is a display but no Electron, and ends when that is closed',
    async () => {
      const bin = mkdtempSync(join(tmpdir(), 'statepack-bin-'))
      const log = join(bin, 'log')
      // Stands for a browser: writes down what it was started with and stays open until told.
      const script = `#!/bin/sh\necho "$@" > ${log}\nwhile [ ! -e ${bin}/close ]; do sleep 0.05; done\n`
      writeFileSync(join(bin, 'chromium'), script, { mode: 0o755 })
      const run = start([], {
        DISPLAY: ':99',
        PATH: `${bin}:${process.env.PATH}`,
        // A mirror nobody answers at: as on a network that does not let one reach Electron's host.
        ELECTRON_MIRROR: 'http://127.0.0.1:9/',
      })
      const line = await run.firstLine
      expect(line).toMatch(/^Opened the Studio in a browser window, because Electron [\d.]+ is not on this machine/)
      const address = line.slice(line.indexOf('http'))
      expect(readFileSync(log, 'utf8')).toContain(`--app=${address}`)
      expect((await fetch(new URL(address).origin)).status).toBe(200)
      writeFileSync(join(bin, 'close'), '')
      await run.ended
      await expect(fetch(new URL(address).origin)).rejects.toThrow()
    },
  )

  it('takes the port it is given, and says so when it is taken', async () => {
    const holder = createServer()
    const port = await new Promise<number>(done =>
      holder.listen(0, '127.0.0.1', () => done((holder.address() as { port: number }).port)),
    )
    const refused = start(['--no-open'], { STATEPACK_PORT: String(port) })
    expect(await refused.firstLine).toContain(`Port ${port} is taken`)
    expect(await refused.ended).not.toBe(0)
    await new Promise(done => holder.close(done))
    const run = start(['--no-open'], { STATEPACK_PORT: String(port) })
    expect(await run.firstLine).toContain(`http://127.0.0.1:${port}/`)
    run.child.kill('SIGTERM')
    await run.ended
  })

  it('refuses a port that is none', async () => {
    const run = start(['--no-open'], { STATEPACK_PORT: 'x' })
    expect(await run.firstLine).toContain('not a port')
    expect(await run.ended).not.toBe(0)
  })
})
