import { rm } from 'node:fs/promises'
import type { Digest } from '#shared/domain/digest.ts'
import type { Output } from '#shared/rpc/client.ts'
import { admitCartridge, anotherCartridge } from '../admission/admitCartridge.ts'
import { type CartridgeSource, openSource } from '../admission/cartridgeSource.ts'
import { reviewCartridge } from '../admission/reviewCartridge.ts'
import { tryCartridge } from '../admission/tryCartridge.ts'
import { PATIENCE, type Patience, type PatientFetch, type Waiting } from '../network/patientFetch.ts'
import { createSafeFetch } from '../network/safeFetch.ts'
import type { Call } from '../packets/context.ts'
import type { Offer } from '../registry/offer.ts'
import { registryOffer } from '../registry/registryOffer.ts'
import { takeOffer } from '../registry/takeOffer.ts'
import { hubOffer } from './hubOffer.ts'
import { openHubRepository } from './hubRepository.ts'
import { linkedFile } from './linkedFile.ts'
import { parsePlace, showPlace } from './place.ts'
import type { ShareContext } from './shareContext.ts'
import { shippedFile } from './shippedCatalogue.ts'

export interface Asked {
  /** As {@link parsePlace} reads it. */
  readonly from: string
  /** A link or a stranger's list names it, no person did: only what is on the internet is asked. */
  readonly link?: boolean | undefined
  readonly tokenHosts?: readonly string[] | undefined
  readonly patience?: Partial<Patience> | undefined
}

/**
 * Looks at a cartridge wherever it is. What has to be fetched for it is kept for an import; nothing enters the library.
 * `from` names the same bytes for ever, where its place can. Throws as {@link importFrom}.
 */
export async function reviewFrom(context: ShareContext, asked: Asked, call: Call): Promise<Output<'packets.review'>> {
  const { result, from } = await taking(
    context,
    asked,
    { keep: true, use: source => reviewCartridge(context, source) },
    call,
  )
  return { ...result, from }
}

/** Asks a cartridge one question wherever it is, as `tryCartridge` asks a file. Throws as {@link importFrom}, and as that. */
export async function tryFrom(
  context: ShareContext,
  { question, ...asked }: Asked & { question: string },
  call: Call,
): Promise<Output<'packets.try'>> {
  const use = (source: CartridgeSource) => tryCartridge(context, { source, question }, call)
  return (await taking(context, asked, { keep: true, use }, call)).result
}

/**
 * Imports a cartridge from wherever it is. Where `packetId` was reviewed, any other is refused. Throws `E_BAD_INPUT`,
 * `E_NOT_FOUND`, `E_NETWORK` (what has arrived is gone on from), `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_CORRUPT`,
 * `E_CONFLICT`, `E_DISK_FULL`, `E_CANCELLED`, and what admission throws.
 */
export async function importFrom(
  context: ShareContext,
  {
    packetId,
    trust,
    name,
    ...asked
  }: Asked & { packetId?: Digest | undefined; trust: boolean; name?: string | undefined },
  call: Call,
): Promise<Output<'packets.import'>> {
  const { result, from, bytesFetched, refused } = await taking(
    context,
    asked,
    { keep: false, expected: packetId, use: source => admitCartridge(context, { source, trust, name, packetId }) },
    call,
  )
  return { ...result, from, bytesFetched, refusedReferrers: result.refusedReferrers + refused }
}

interface Use<T> {
  readonly keep: boolean
  readonly expected?: Digest | undefined
  readonly use: (source: CartridgeSource) => Promise<T>
}

async function taking<T>(context: ShareContext, asked: Asked, { keep, expected, use }: Use<T>, call: Call) {
  const { incoming, lookup } = context
  const { signal } = call
  const { link = false, tokenHosts, patience } = asked
  const place = parsePlace(asked.from, context.hub().endpoint)
  const nearest = link ? ('public' as const) : undefined
  if (place.kind === 'shipped') {
    const source = await openSource({ path: shippedFile(context, place.name), upload: null, lenient: false })
    return { result: await use(source), from: showPlace(place), bytesFetched: 0, refused: 0 }
  }
  if (place.kind === 'file') {
    return await incoming.during(async () => {
      const safeFetch = createSafeFetch(place.url, { lookup, nearest: 'public' })
      const fetch: PatientFetch = (url, request) => safeFetch(url, request)
      const options = { fetch, server: place.url.host, patience: { ...PATIENCE, ...patience }, signal }
      const onWait = ({ why }: Waiting) => call.progress?.({ phase: why })
      const path = await linkedFile(place.url, incoming.folder, { ...options, onWait, progress: call.progress })
      const source = await openSource({ path, upload: null, lenient: false })
      const result = await use(source)
      if (!keep) await rm(path, { force: true })
      return { result, from: showPlace(place), bytesFetched: source.bytes, refused: 0 }
    }, call)
  }
  let from = ''
  const open = async (onWait: (waiting: Waiting) => void): Promise<Offer> => {
    if (place.kind === 'hub') {
      const repository = await openHubRepository(place.repo, context.hub(), { signal, onWait })
      from = `hf://${repository.hubId}@${repository.commit}`
      return await hubOffer(repository)
    }
    const options = { tokenHosts, patience, lookup, nearest, signal, onWait }
    const offer = await registryOffer(place.reference, options)
    from = showPlace({ kind: 'registry', reference: { ...place.reference, digest: offer.packet.digest } })
    return offer
  }
  const checked = async (onWait: (waiting: Waiting) => void) => {
    const offer = await open(onWait)
    // Before anything of another one travels.
    if (expected !== undefined && offer.packet.digest !== expected) throw anotherCartridge(offer.packet.digest)
    return offer
  }
  const taken = await takeOffer(context, incoming, { open: checked, keep, use }, call)
  if (place.kind === 'registry' && !keep) context.store.library.remotes.add(place.reference, taken.packetId, Date.now())
  return { ...taken, from }
}
