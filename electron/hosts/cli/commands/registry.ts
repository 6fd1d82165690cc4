import type { Command } from 'commander'
import { isName } from '#shared/domain/name.ts'
import { REFERENCE } from '../references.ts'
import { finish, type GlobalOptions, runCommand } from '../run.ts'
import { givesAway, sharingNotice } from '../sharingNotice.ts'
import { withManifest } from '../withManifest.ts'

const PLACE = 'REGISTRY/REPOSITORY[:TAG], like ghcr.io/you/handbook:v1'
/** Of every command that logs in. */
export const TOKEN_HOST = 'a host that may be sent the registry’s login, besides those known to be its own'

interface RegistryOptions extends GlobalOptions {
  readonly tokenHost?: string[]
}

/** push, pull and tags: cartridges in OCI registries, with the logins of docker, podman and skopeo. */
export function addRegistryCommands(program: Command): void {
  program
    .command('push')
    .description('put a cartridge into an OCI registry: only what is not there travels')
    .argument('<ref>', REFERENCE)
    .argument('<place>', `${PLACE}; the tag is latest by default`)
    .option('--review', 'only say what it would give away: send nothing')
    .option('--token-host <host...>', TOKEN_HOST)
    .action(async (ref: string, to: string, options: RegistryOptions & { review?: boolean }) => {
      await finish(() =>
        withManifest({ ...options, manifest: ref }, async ({ client, call }, { packetId }) => {
          const review = await client.call('packets.exportReview', { ref: packetId }, call)
          const gives_away = givesAway(review)
          if (options.review === true) return { packet_id: packetId, ...gives_away, text: review.recoverableText }
          if (options.quiet !== true)
            process.stderr.write(`${sharingNotice(review, `may pull from ${to.slice(0, 600)}`)}\n`)
          const pushed = await client.call('registry.push', { ref: packetId, to, tokenHosts: options.tokenHost }, call)
          const { reference, blobs, bytes, bytesSent: bytes_sent, referrers: signatures, receipt } = pushed
          return { ...receipt, reference, blobs, bytes_sent, cartridge_bytes: bytes, signatures, gives_away }
        }),
      )
    })

  program
    .command('pull')
    .description('take a cartridge from an OCI registry; it is restricted until it is trusted or recomputed')
    .argument('<place>', `${PLACE}, or @sha256:…; the tag is latest by default`)
    .option('--trust', 'allow it to be run at once')
    .option('--name <name>', 'what to call it (default: the last word of the repository)')
    .option('--token-host <host...>', TOKEN_HOST)
    .action(async (from: string, options: RegistryOptions & { trust?: boolean; name?: string }) => {
      await runCommand(options, async ({ client, call }) => {
        const called = /([^/:@]+)(?::[^/@]*)?(?:@.*)?$/.exec(from)?.[1] ?? ''
        const pulled = await client.call(
          'registry.pull',
          {
            ...{ from, trust: options.trust ?? false, tokenHosts: options.tokenHost },
            name: options.name ?? (isName(called) ? called : undefined),
          },
          call,
        )
        const { cartridge, reference, duplicate, bytesFetched, bytes, refusedReferrers, receipt } = pulled
        const { name, trust } = cartridge
        return {
          ...{ ...receipt, name, trust, reference, duplicate },
          ...{ bytes_fetched: bytesFetched, cartridge_bytes: bytes, refused_signatures: refusedReferrers },
        }
      })
    })

  program
    .command('tags')
    .description('list the tags of a repository in an OCI registry')
    .argument('<repository>', 'REGISTRY/REPOSITORY, like ghcr.io/you/handbook')
    .option('--token-host <host...>', TOKEN_HOST)
    .action(async (repository: string, options: RegistryOptions) => {
      await runCommand(options, async ({ client, call }) =>
        client.call('registry.tags', { repository, tokenHosts: options.tokenHost }, call),
      )
    })
}
