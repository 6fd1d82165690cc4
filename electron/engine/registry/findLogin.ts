/** The logins that `docker login`, `podman login` and `skopeo login` keep: read, never written. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import { systemCode } from '../store/fsError.ts'

export type Login =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** Handed to the token server for a token of its own (OAuth 2). */
  | { readonly kind: 'identity'; readonly token: string }

const HELPER_MS = 60_000
const configSchema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional(),
      }),
    )
    .default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
})
const helperSchema = z.object({ Username: z.string(), Secret: z.string() })

/**
 * The login that is kept for a registry, by the name a person calls it, never by a name that a server gave. Null when there
 * is none. Throws `E_BAD_INPUT` for a configuration that cannot be read, `E_UNAUTHORIZED` when its helper fails.
 */
export async function findLogin(registry: string, env: NodeJS.ProcessEnv = process.env): Promise<Login | null> {
  const path = join(env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json')
  const config = await readConfig(path)
  if (config === null) return null
  const names = namesOf(registry)
  const isMeant = (key: string) => names.includes(hostOf(key))
  const [, helper = config.credsStore] = Object.entries(config.credHelpers).find(([key]) => isMeant(key)) ?? []
  if (helper !== undefined && helper !== '') {
    // Docker Hub's login is kept under the address of its first version.
    const key = names.includes('docker.io') ? 'https://index.docker.io/v1/' : registry
    const found = await askHelper(helper, key, env)
    if (found !== null) return found
  }
  const [, kept] = Object.entries(config.auths).find(([key]) => isMeant(key)) ?? []
  if (kept === undefined) return null
  if (kept.identitytoken) return { kind: 'identity', token: kept.identitytoken }
  const decoded = Buffer.from(kept.auth ?? '', 'base64')
    .toString('utf8')
    .replace(/\0+$/, '')
  const colon = decoded.indexOf(':')
  const user = colon < 0 ? (kept.username ?? '') : decoded.slice(0, colon)
  const password = colon < 0 ? (kept.password ?? '') : decoded.slice(colon + 1)
  return user === '' ? null : { kind: 'password', user, password }
}

function namesOf(registry: string): readonly string[] {
  return /^(?:index\.|registry-1\.)?docker\.io$/.test(registry)
    ? ['docker.io', 'index.docker.io', 'registry-1.docker.io']
    : [registry]
}

/** Keys are names of registries, in older files addresses of their API. */
function hostOf(key: string): string {
  return key
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/(?:v[12]\/?)?$/, '')
}

async function readConfig(path: string): Promise<z.output<typeof configSchema> | null> {
  try {
    return configSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    const message = `${path} cannot be read, so there is no login to use. Mend it, or log in again with docker login.`
    throw new StatePackError('E_BAD_INPUT', message, { path }, error)
  }
}

/** Runs `docker-credential-<name> get`, by its name and without a shell. Null when it has no login, or is not installed. */
async function askHelper(name: string, registry: string, env: NodeJS.ProcessEnv): Promise<Login | null> {
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) throw helperFailed(name, 'that is no name of a helper')
  const program = `docker-credential-${name}`
  const child = spawn(program, ['get'], { env, shell: false, windowsHide: true, timeout: HELPER_MS, stdio: 'pipe' })
  const output: Buffer[] = []
  let error: unknown = null
  child.on('error', thrown => {
    error = thrown
  })
  child.stdout.on('data', chunk => output.push(chunk))
  child.stderr.resume()
  // A helper that does not read has ended, which says more.
  child.stdin.on('error', () => {})
  child.stdin.end(registry)
  const code = await new Promise<number | null>(resolve => {
    child.on('close', resolve)
    child.on('error', () => resolve(null))
  })
  if (systemCode(error) === 'ENOENT') return null
  const text = Buffer.concat(output).toString('utf8').trim()
  if (code !== 0) {
    if (/credentials not found|no credentials|not be found/i.test(text)) return null
    throw helperFailed(name, code === null ? 'it does not end' : `it ended with ${code}`)
  }
  try {
    const { Username: user, Secret: secret } = helperSchema.parse(JSON.parse(text))
    return user === '<token>' ? { kind: 'identity', token: secret } : { kind: 'password', user, password: secret }
  } catch {
    // What it said may hold the secret, so it is not passed on.
    throw helperFailed(name, 'its answer is no login')
  }
}

function helperFailed(name: string, why: string): StatePackError {
  const message = `docker-credential-${name} gives no login: ${why}. Log in again with docker login.`
  return new StatePackError('E_UNAUTHORIZED', message, { helper: name })
}
