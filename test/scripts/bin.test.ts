import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { freshBuild } from '../../scripts/freshBuild.mjs'

const root = resolve(import.meta.dirname, '../..')
const bin = join(root, 'bin', 'statepack.mjs')

/** Makes the running Node say it is another version. */
const pretend = (version: string) =>
  `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`

describe('the statepack command', () => {
  beforeAll(() => freshBuild(root))

  it('refuses an old Node in one sentence', () => {
    // Alone in a folder, so that it cannot find the Node this package pins.
    const folder = join(mkdtempSync(join(tmpdir(), 'statepack-bin-')), 'bin')
    mkdirSync(folder)
    copyFileSync(bin, join(folder, 'statepack.mjs'))
    const run = spawnSync(process.execPath, ['--import', pretend('20.19.0'), join(folder, 'statepack.mjs'), 'demo'], {
      encoding: 'utf8',
    })
    expect(run.stderr.trim()).toBe('statepack needs Node 24 or newer; this is Node 20.19.0.')
    expect(run.stdout).toBe('')
    expect(run.status).toBe(1)
  })

  it('goes on under the pinned Node where there is one, and passes arguments and exit code through', () => {
    const help = spawnSync(process.execPath, ['--import', pretend('20.19.0'), bin, '--help'], { encoding: 'utf8' })
    expect(help.stdout).toContain('Usage: statepack')
    const wrong = spawnSync(process.execPath, ['--import', pretend('20.19.0'), bin, 'no-such-command'], {
      encoding: 'utf8',
    })
    expect(wrong.status).not.toBe(0)
  })
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'passes %s on: the work ends, and with the code of a cancelled one',
    async signal => {
      const folder = mkdtempSync(join(tmpdir(), 'statepack-bin-'))
      const text = join(folder, 'long.txt')
      writeFileSync(text, 'The goat lives in Oslo and likes pears.\n'.repeat(20_000))
      const args = ['create', '--model', 'starter-mamba', '--base', text, '--store', join(folder, 'store')]
      const run = spawn(process.execPath, ['--import', pretend('20.19.0'), bin, ...args], {
        env: { ...process.env, STATEPACK_HOME: join(folder, 'home') },
      })
      let said = ''
      run.stderr.on('data', chunk => {
        said += chunk
      })
      // The meter's file is opened last: by then signals are listened to, and reading takes minutes from there.
      const watch = setInterval(() => {
        if (!existsSync(join(folder, 'store', 'meter.sqlite-wal'))) return
        clearInterval(watch)
        run.kill(signal)
      }, 10)
      // The pipe closes when the inner process has ended, too.
      const code = await new Promise(done => run.on('close', done))
      expect(said).toContain('E_CANCELLED')
      expect(code).toBe(130)
    },
  )
})
