/** Debian's `docker-registry` and `skopeo`, where they are installed. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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
  const port = await freePort()
  const config = join(folder, 'config.yml')
  const auth = { htpasswd: { realm: 'statepack', path: join(folder, 'htpasswd') } }
  if (htpasswd !== undefined) await writeFile(auth.htpasswd.path, htpasswd)
  // JSON is YAML.
  const settings = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
    ...(htpasswd === undefined ? {} : { auth }),
  }
  await writeFile(config, JSON.stringify(settings))
  let child: ReturnType<typeof spawn> | null = null
  const registry: StockRegistry = {
    host: `127.0.0.1:${port}`,
    async start() {
      child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' })
      for (let tries = 0; tries < 400; tries++) {
        if (await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => null)) return
        await sleep(25)
      }
      throw new Error('docker-registry does not answer')
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

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** `skopeo copy` over plain http. */
export async function skopeoCopy(from: string, to: string): Promise<void> {
  const flags = ['--insecure-policy', 'copy', '--src-tls-verify=false', '--dest-tls-verify=false']
  await promisify(execFile)('skopeo', [...flags, from, to])
}
