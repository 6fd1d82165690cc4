import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Command } from 'commander'
import { parseReference } from '#engine/registry/reference.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { chooseDevice } from '../../chooseDevice.ts'
import { askedToEnd, finish, type GlobalOptions, print } from '../run.ts'
import { TOKEN_HOST } from './share.ts'

interface ServeOptions extends GlobalOptions {
  readonly port: number
  readonly api?: boolean
  readonly host: string
  readonly token?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly queue: number
  readonly registry?: string
  readonly tokenHost?: string[]
}

/** serve: the Studio's window on the loopback address, or with `--api` the HTTP API; until Ctrl+C. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('serve the Studio to a browser window on this machine, or (--api) an HTTP API to programs')
    .option('--port <n>', 'a free one by default', Number, 0)
    .option('--api', 'the HTTP API: states, and the endpoints of OpenAI’s and Anthropic’s clients')
    .option('--host <address>', 'with --api: listen here; anything but the default lets other machines in', '127.0.0.1')
    .option('--token <secret>', 'with --api: what callers must send (default: STATEPACK_TOKEN, or a new one)')
    .option('--tls-cert <file>', 'with --api: speak https, with this certificate (PEM)')
    .option('--tls-key <file>', 'with --api: its private key (PEM)')
    .option('--queue <n>', 'with --api: requests that may wait; one more gets 429', Number, 256)
    .option('--registry <place>', 'with --api: share states with other servers through REGISTRY/REPOSITORY')
    .option('--token-host <host...>', TOKEN_HOST)
    .action(async (options: ServeOptions) => {
      await finish(async () => {
        if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65535) {
          throw new StatePackError('E_USAGE', 'That is not a port.', { port: options.port })
        }
        const ofApi = ['token', 'tlsCert', 'tlsKey', 'registry', 'tokenHost'] as const
        if (!options.api && ofApi.some(name => options[name] !== undefined))
          throw new StatePackError(
            'E_USAGE',
            'Only with --api: --token, --tls-cert, --tls-key, --registry, --token-host.',
          )
        const asked = askedToEnd()
        const close = options.api ? await serveApi(options) : await serveWindow(options)
        await asked
        await close()
      })
    })
}

async function serveWindow({ port, store }: ServeOptions): Promise<() => Promise<void>> {
  const { startStudio } = await import('../../serve/startStudio.ts')
  const studio = await startStudio({ port, store })
  print({ address: studio.server.address })
  return studio.close
}

async function serveApi(options: ServeOptions): Promise<() => Promise<void>> {
  const { host, port, store, queue, device, registry, tokenHost: tokenHosts } = options
  // Said at once, not by an engine that is refused.
  if (registry !== undefined) parseReference(registry)
  const token = options.token ?? process.env.STATEPACK_TOKEN
  if (token !== undefined && !/^\S{16,}$/.test(token))
    throw new StatePackError('E_USAGE', 'A token has at least 16 characters and no blanks.')
  if (!Number.isInteger(queue) || queue < 1) throw new StatePackError('E_USAGE', 'That is no length for a queue.')
  const tls = await readTls(options)
  // Only here, since loading it takes as long as most commands.
  const { startApi } = await import('../../serve/startApi.ts')
  const api = await startApi({
    ...{ host, port, store, token, tls },
    device: chooseDevice(device),
    maxWaiting: queue,
    coldTier: { place: registry ?? null, tokenHosts },
  })
  print({ address: api.address, token: api.token })
  return api.close
}

async function readTls({ tlsCert, tlsKey }: ServeOptions): Promise<{ cert: string; key: string } | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new StatePackError('E_USAGE', 'For https give both: --tls-cert and --tls-key.')
  const tls = { cert: await readFile(tlsCert, 'utf8'), key: await readFile(tlsKey, 'utf8') }
  try {
    createSecureContext(tls)
    // Which takes an empty file for none, and a key of another kind.
    if (!new X509Certificate(tls.cert).checkPrivateKey(createPrivateKey(tls.key))) throw { reason: 'not a pair' }
  } catch (thrown) {
    const { reason = 'unreadable' } = thrown as { readonly reason?: string }
    throw new StatePackError(
      'E_BAD_INPUT',
      `These are no certificate (--tls-cert) and its private key without a passphrase (--tls-key), both PEM: ${reason}.`,
      { reason },
      thrown,
    )
  }
  return tls
}
