import { type Command, Option } from 'commander'
import { StatePackError } from '#shared/domain/error.ts'
import { isName } from '#shared/domain/name.ts'
import { addressIn, isStudioLink } from '#shared/domain/studioLink.ts'
import { availableOffers } from '../../availableOffers.ts'
import { REFERENCE } from '../references.ts'
import { finish, type GlobalOptions, runCommand } from '../run.ts'
import { givesAway, type LeavingOptions, NO_RECEIPT, sharingNotice, WITHHOLD } from '../sharingNotice.ts'
import { withManifest } from '../withManifest.ts'

const PLACE = 'REGISTRY/REPOSITORY[:TAG], like ghcr.io/you/handbook:v1; or hf://OWNER/NAME'
/** Of every command that logs in. */
export const TOKEN_HOST = 'a host that may be sent the registry’s login, besides those known to be its own'

interface ShareOptions extends GlobalOptions {
  readonly tokenHost?: string[]
}

interface PushOptions extends ShareOptions, LeavingOptions {
  readonly review?: boolean
  readonly licence?: string
  readonly private?: boolean
  readonly catalogue?: string
  readonly as?: string
}

interface PullOptions extends ShareOptions {
  readonly trust?: boolean
  readonly name?: string
}

/** push, pull, tags, open, show-available and catalogues: cartridges in registries and on the hub. */
export function addShareCommands(program: Command): void {
  program
    .command('push')
    .description('publish a cartridge in an OCI registry or on the hub: only what is not there travels')
    .argument('<ref>', REFERENCE)
    .argument('<place>', `${PLACE}; the tag is latest by default`)
    .option('--review', 'only say what it would give away: send nothing')
    .option('--licence <id>', 'under which licence, as SPDX has it: CC-BY-4.0')
    .option('--no-receipt', NO_RECEIPT)
    .option('--withhold-text', WITHHOLD)
    .option('--private', 'a repository of the hub that is made for it is private')
    .option('--catalogue <place>', 'also enter it in this catalogue of yours; made where there is none')
    .option('--as <user/name>', 'what the catalogue calls it')
    .option('--token-host <host...>', TOKEN_HOST)
    .action((ref: string, to: string, options: PushOptions) => push(ref, to, options))

  addPull(program.command('pull')).description(
    'take a cartridge from a registry, the hub or an address; it is restricted until it is trusted or recomputed',
  )

  program
    .command('open')
    .description('look at what a statepack:// link or an address offers: nothing enters the library')
    .argument('<link>', 'statepack://import?from=…, or any place that pull takes')
    .option('--token-host <host...>', TOKEN_HOST)
    .action(async (text: string, options: ShareOptions) => {
      await runCommand(options, async ({ client, call }) => {
        const isLink = isStudioLink(text)
        if (isLink && addressIn(text) === null)
          throw new StatePackError('E_BAD_INPUT', 'This link names no address that can be opened.', { field: 'link' })
        return client.call('packets.review', { from: text, link: isLink, tokenHosts: options.tokenHost }, call)
      })
    })

  program
    .command('tags')
    .description('list the tags of a repository in an OCI registry')
    .argument('<repository>', 'REGISTRY/REPOSITORY, like ghcr.io/you/handbook')
    .option('--token-host <host...>', TOKEN_HOST)
    .action(async (repository: string, options: ShareOptions) => {
      await runCommand(options, async ({ client, call }) =>
        client.call('share.tags', { repository, tokenHosts: options.tokenHost }, call),
      )
    })

  program
    .command('show-available')
    .description('what can be had: the cartridges of the catalogues, or what the hub finds')
    .argument('[words...]', 'each must be in what the catalogue says of it')
    .addOption(new Option('--catalogue <place...>', 'look in these, instead of all that were added'))
    .option('--hub', 'ask the hub, too')
    .action((words: string[], options: GlobalOptions & { catalogue?: string[]; hub?: boolean }) =>
      showAvailable(words.join(' '), options),
    )

  const catalogues = program.command('catalogues').description('the catalogues that are looked into')
  catalogues
    .command('list')
    .description('which there are, and which publishers are blocked')
    .action((options: GlobalOptions) =>
      runCommand(options, ({ client, call }) => client.call('share.catalogues', {}, call)),
    )
  catalogues
    .command('add')
    .description('look into one from now on; its key is remembered')
    .argument('<place>', PLACE)
    .action((place: string, options: GlobalOptions) =>
      runCommand({ ...options, makesStore: true }, ({ client, call }) =>
        client.call('share.addCatalogue', { place }, call),
      ),
    )
  catalogues
    .command('remove')
    .description('look into it no more')
    .argument('<place>', 'as list shows it')
    .action((place: string, options: GlobalOptions) =>
      runCommand(options, ({ client, call }) => client.call('share.removeCatalogue', { place }, call)),
    )
}

async function push(ref: string, to: string, options: PushOptions): Promise<void> {
  await finish(() =>
    withManifest({ ...options, manifest: ref }, async ({ client, call }, { packetId }) => {
      if ((options.catalogue === undefined) !== (options.as === undefined))
        throw new StatePackError('E_USAGE', 'Give --catalogue and --as user/name together.')
      const { receipt: sendsReceipt, withholdText: withhold = false } = options
      const review = await client.call('packets.exportReview', { ref: packetId, withhold }, call)
      const gives_away = givesAway(review, options)
      if (options.review === true) return { packet_id: packetId, ...gives_away, text: review.recoverableText }
      if (options.quiet !== true)
        process.stderr.write(`${sharingNotice(review, { ...options, gets: `may pull from ${to.slice(0, 600)}` })}\n`)
      const { catalogue: place, as: name } = options
      const pushed = await client.call(
        'share.push',
        {
          ...{ ref: packetId, to, tokenHosts: options.tokenHost, receipt: sendsReceipt, withhold },
          ...{ licence: options.licence ?? null, isPrivate: options.private ?? false },
          ...(place === undefined || name === undefined ? {} : { catalogue: { place, name } }),
        },
        call,
      )
      const { reference, blobs, bytes, bytesSent: bytes_sent, referrers, receipt } = pushed
      return { ...receipt, reference, blobs, bytes_sent, cartridge_bytes: bytes, referrers, gives_away }
    }),
  )
}

function addPull(command: Command): Command {
  return command
    .argument('<place>', `${PLACE}[@REVISION], https://…/x.cartridge, or @sha256:…; the tag is latest by default`)
    .option('--trust', 'allow it to be run at once')
    .option('--name <name>', 'what to call it (default: the last word of the place)')
    .option('--token-host <host...>', TOKEN_HOST)
    .action(async (from: string, options: PullOptions) => {
      await runCommand({ ...options, makesStore: true }, async ({ client, call }) => {
        const called = /([^/:@]+?)(?:\.cartridge)?(?::[^/@]*)?(?:@.*)?$/.exec(from)?.[1] ?? ''
        const pulled = await client.call(
          'packets.import',
          {
            ...{ from, link: isStudioLink(from), trust: options.trust ?? false, tokenHosts: options.tokenHost },
            name: options.name ?? (isName(called) && !isStudioLink(from) ? called : undefined),
          },
          call,
        )
        const { cartridge, from: reference, duplicate, bytesFetched, refusedReferrers, receipt } = pulled
        const { name, trust, bytes } = cartridge
        return {
          ...{ ...receipt, name, trust, reference, duplicate },
          ...{ bytes_fetched: bytesFetched, cartridge_bytes: bytes, refused_referrers: refusedReferrers },
        }
      })
    })
}

async function showAvailable(query: string, options: GlobalOptions & { catalogue?: string[]; hub?: boolean }) {
  await runCommand(options, async ({ client, call }) => {
    const { catalogue: places, hub } = options
    const { offers, unreachable } = await availableOffers(client, { query, places, hub }, call)
    const available = offers.map(({ place: catalogue, here, modelInstalled, link: _, ...entry }) => ({
      ...{ catalogue, ...entry, model_installed: modelInstalled },
      ...{ in_library: here !== null && !here.isOlder, update: here?.isOlder ?? false },
    }))
    return { available, total: available.length, unreachable }
  })
}
