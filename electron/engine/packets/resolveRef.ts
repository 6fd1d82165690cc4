import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { allows } from '#shared/domain/trust.ts'
import type { PacketRow } from '../store/library/packetRows.ts'
import type { PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { readPacket } from './packet.ts'

type Context = Pick<PacketContext, 'store' | 'live' | 'blobs' | 'models' | 'elsewhere'>

/** Dtypes in the order in which a context is taken from them: the truest first. */
export const DTYPES = ['float32', 'float16', 'int8', 'float8_e4m3']

/**
 * What a reference names. Digests come first, with or without `sha256:`, in either case: a packet_id, a context_id, or the
 * SHA-256 of the text a cartridge was made from (State Pack's base hash). Then names, then ids of answers, then states in the
 * cold tier by their digests, which are taken in. Throws `E_NOT_FOUND`, or
 * `E_AMBIGUOUS` for the text of several cartridges that `model` does not tell apart: it decides where the reference fits
 * cartridges of several models.
 */
export async function resolvePacketId(context: Context, ref: string, model?: string): Promise<Digest> {
  const { packets } = context.store.library
  const digest = asDigest(ref)
  const state = digest === null ? null : stateOf(context, digest)
  if (state !== null) return state
  const made = digest === null ? null : await madeFromText(context, digest, model)
  if (made !== null) {
    context.live.coldBudget.use(made)
    return made
  }
  const called = packets.names.named(ref) ?? context.store.library.answers.packetOf(ref)
  if (called !== null) {
    context.live.coldBudget.use(called)
    return called
  }
  const fetched = digest !== null && (await context.elsewhere(digest)) ? stateOf(context, digest) : null
  if (fetched !== null) return fetched
  const shown = ref.slice(0, 200)
  throw new StatePackError('E_NOT_FOUND', `There is no cartridge "${shown}" in this library.`, { ref: shown })
}

/** The state of a packet_id or context_id, stored or in memory. */
function stateOf({ store, live }: Context, digest: Digest): Digest | null {
  const { packets } = store.library
  const row = packets.get(digest)
  const isStored = row !== null && row.removedAt === null
  const stored = isStored ? digest : preferred(packets.allOfContext(digest))?.packetId
  if (stored !== undefined) {
    live.coldBudget.use(stored)
    return stored
  }
  const unstored = live.unstored.packetOf(digest)
  if (unstored !== null) live.unstored.use(unstored)
  return unstored
}

/** Programs print digests in lower and upper case, with `sha256:` and without. */
function asDigest(ref: string): Digest | null {
  const hex = ref
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, '')
  return /^[0-9a-f]{64}$/.test(hex) ? parseDigest(hex) : null
}

/** A packet that may be run before a stranger's, then by dtype. */
function preferred<T extends Pick<PacketRow, 'trust' | 'dtype'>>(rows: readonly T[]): T | null {
  const rank = ({ trust, dtype }: T) => (allows(trust, 'run') ? 0 : DTYPES.length) + DTYPES.indexOf(dtype)
  return rows.toSorted((a, b) => rank(a) - rank(b))[0] ?? null
}

/** The cartridge of a text. One's own comes before a stranger's, one made from it and nothing else before those that hold more. */
async function madeFromText(context: Context, digest: Digest, model: string | undefined): Promise<Digest | null> {
  const wanted = model === undefined ? null : (await context.models.open(model)).fingerprint
  const found = await Promise.all(
    (await context.store.withText(digest)).flatMap(({ packetId, whole }) => {
      const row = context.store.library.packets.get(packetId)
      if (row === null) return []
      return [readPacket(context.blobs, packetId).then(({ config }) => ({ ...row, whole, config }))]
    }),
  )
  let candidates = found.filter(({ config }) => wanted === null || sameModel(config.model, wanted))
  for (const isNearer of [
    ({ trust }: (typeof found)[number]) => allows(trust, 'run'),
    ({ whole }: (typeof found)[number]) => whole,
    ({ config }: (typeof found)[number]) => config.parents.length === 0,
  ]) {
    const nearer = candidates.filter(isNearer)
    if (nearer.length > 0) candidates = nearer
  }
  if (new Set(candidates.map(({ contextId }) => contextId)).size <= 1) return preferred(candidates)?.packetId ?? null
  const models = new Set(candidates.map(({ config }) => config.model.name))
  const way = models.size > 1 ? 'say which model, or name one of them' : 'name one of them'
  throw new StatePackError('E_AMBIGUOUS', `${candidates.length} cartridges were made from this text: ${way}.`, {
    packets: candidates.map(({ packetId }) => packetId).join(','),
  })
}
