import { z } from 'zod'
import { sha256 } from '#engine/sha256.ts'
import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { deltaPacketSchema } from '#shared/rpc/methods/packets.ts'
import { type ForeignText, foreignState, LEGACY_DELTA_VERSION } from './foreignPacket.ts'
import { parseJson, readTextFile, wrongShape } from './readInput.ts'
import type { Resolved } from './references.ts'
import { finish, type GlobalOptions, type Session, withEngine } from './run.ts'
import { withManifest } from './withManifest.ts'

/** State Pack's own delta packet: the same fields without the context, and the text it continues. */
const legacyDeltaSchema = z.object({
  version: z.literal(LEGACY_DELTA_VERSION),
  model: z.string(),
  base_sha256: z.string(),
  packet_id: z.string(),
  delta_sha256: z.string(),
  delta_bytes: z.number(),
  delta_text: z.string(),
})

export interface DeltaOptions extends GlobalOptions {
  readonly delta: string
  readonly manifest?: string
  readonly baseHash?: string
  /** The text of a State Pack v0.1 packet. */
  readonly base?: string
  /** A collection may be named: the cartridge is meant that the text is about. */
  readonly routes?: boolean
}

/** A delta: a text, and when it was a packet the state that it continues. */
export interface ReadDelta {
  readonly text: string
  readonly packetId?: string
  /** The model whose state it is, by name. */
  readonly model?: string
  /** Of a packet of State Pack itself. */
  readonly foreign?: ForeignText
}

/**
 * Reads a delta packet or a plain text, and runs with the state it belongs to. Throws `E_BAD_JSON` or `E_BAD_FORMAT` for a
 * damaged packet, `E_CORRUPT` when its text is not the one it names, `E_USAGE` when nothing says which state is meant,
 * `E_CONFLICT` when a delta packet continues another state than the one named beside it.
 */
export async function withDelta(
  options: DeltaOptions,
  command: (session: Session, input: { found: Resolved; delta: string }) => Promise<unknown>,
): Promise<void> {
  await finish(async () => {
    const manifest = options.manifest ?? options.baseHash
    const { packetId, foreign, text } = await readDelta(options.delta, manifest !== undefined)
    const run = (session: Session, found: Resolved) => command(session, { found, delta: text })
    if (manifest !== undefined) {
      const question = options.routes === true ? text.trim() : undefined
      return withManifest({ ...options, manifest, question }, (session, found) => {
        assertContinues(found, { packetId, foreign })
        return run(session, found)
      })
    }
    if (foreign !== undefined)
      return withEngine({ ...options, makesStore: true }, async session =>
        run(session, await foreignState(session, foreign, options.base)),
      )
    if (packetId !== undefined) return withManifest({ ...options, manifest: packetId }, run)
    throw new StatePackError(
      'E_USAGE',
      'Say which state the text continues: --manifest, --base-hash, or a delta packet.',
    )
  })
}

/** A text may begin with a brace; without a state named beside it (`mayBeText` false), it must be a packet. */
export async function readDelta(path: string, mayBeText: boolean): Promise<ReadDelta> {
  const text = await readTextFile(path)
  if (!text.trimStart().startsWith('{')) return { text }
  let value: unknown
  try {
    value = parseJson(text, path)
  } catch (thrown) {
    if (mayBeText) return { text }
    throw thrown
  }
  const version = z.object({ version: z.string().startsWith('state-delta-') }).safeParse(value).data?.version
  if (version === undefined && mayBeText) return { text }
  const legacy = legacyDeltaSchema.safeParse(value)
  const parsed = version === LEGACY_DELTA_VERSION ? legacy : deltaPacketSchema.safeParse(value)
  if (!parsed.success) throw wrongShape('E_BAD_FORMAT', `${path} is not a delta packet`, parsed.error)
  const { packet_id, model, delta_text, delta_sha256, delta_bytes } = parsed.data
  const found = hexOf(sha256(delta_text))
  if (found !== delta_sha256 || Buffer.byteLength(delta_text) !== delta_bytes) {
    throw new StatePackError('E_CORRUPT', 'The delta text is not the one its packet names.', {
      field: 'delta_sha256',
      expected: delta_sha256,
      found,
    })
  }
  return { packetId: packet_id, model, text: delta_text, foreign: legacy.data }
}

function assertContinues({ packetId, texts }: Resolved, delta: Omit<ReadDelta, 'text'>): void {
  if (delta.packetId === undefined || delta.packetId === packetId) return
  if (texts.some(({ sha256 }) => sha256 === delta.foreign?.base_sha256)) return
  throw new StatePackError('E_CONFLICT', 'The delta packet continues another state than the one named.', {
    expected: delta.packetId,
    found: packetId,
  })
}
