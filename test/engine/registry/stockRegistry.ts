/** Debian's `docker-registry` and `skopeo`, where they are installed. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const has = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined

/** Why the lane with the stock registry is skipped, or null. */
export const noRegistry = has('docker-registry') ? null : 'docker-registry is not installed'
export const noSkopeo = has('skopeo') ? null : 'skopeo is not installed'

export interface StockRegistry {
  /** `127.0.0.1:port` */
  readonly host: string
  start(): Promise<void>
  stop(): Promise<void>
  /** Stops it, and removes what it has. */
  remove(): Promise<void>
}

/** Started. `htpasswd`: lines of that file, by which it then asks for a login. */
export async function startStockRegistry({ htpasswd }: { htpasswd?: string } = {}): Promise<StockRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'statepack-registry-'))
  const config = join(folder, 'config.yml')
  const auth = { htpasswd: { realm: 'statepack', path: join(folder, 'htpasswd') } }
  if (htpasswd !== undefined) await writeFile(auth.htpasswd.path, htpasswd)
  let child: ChildProcess | null = null
  // Any that is free, and the same again after a stop.
  let port = 0
  const registry: StockRegistry = {
    get host() {
      return `127.0.0.1:${port}`
    },
    async start() {
      // JSON is YAML. At this level it says where it listens.
      const settings = {
        version: '0.1',
        log: { level: 'info', accesslog: { disabled: true } },
        storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
        http: { addr: registry.host },
        ...(htpasswd === undefined ? {} : { auth }),
      }
      await writeFile(config, JSON.stringify(settings))
      const running = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] })
      child = running
      port = await new Promise<number>((found, failed) => {
        let said = ''
        createInterface(running.stderr).on('line', line => {
          const at = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
          if (at !== undefined) found(Number(at))
          said = `${said}${line}\n`.slice(-4000)
        })
        running.once('error', failed)
        running.once('exit', () => failed(new Error(`docker-registry ended before it listened:\n${said}`)))
      })
    },
    async stop() {
      const running = child
      child = null
      if (running === null || running.exitCode !== null) return
      const ended = new Promise(resolve => running.once('exit', resolve))
      running.kill('SIGKILL')
      await ended
    },
    async remove() {
      await registry.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  await registry.start()
  return registry
}

/** `skopeo copy` over plain http. */
export async function skopeoCopy(from: string, to: string): Promise<void> {
  const flags = ['--insecure-policy', 'copy', '--src-tls-verify=false', '--dest-tls-verify=false']
  await promisify(execFile)('skopeo', [...flags, from, to])
}
