import { z } from 'zod'
import { sha256 } from '#engine/sha256.ts'
import { hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { deltaPacketSchema } from '#shared/rpc/methods/packets.ts'
import { LEGACY_DELTA_VERSION } from './foreignPacket.ts'
import { parseJson, readTextFile, wrongShape } from './readInput.ts'
import { finish, type GlobalOptions, type Session } from './run.ts'
import { type ManifestOptions, withManifest } from './withManifest.ts'

/** State Pack's own delta packet: the same fields without the context. */
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
}

/**
 * Reads a delta packet or a plain text, and runs with the state it belongs to. Throws `E_BAD_JSON` or `E_BAD_FORMAT` for a
 * damaged packet, `E_CORRUPT` when its text is not the one it names, `E_USAGE` when nothing says which state is meant.
 */
export async function withDelta(
  options: DeltaOptions,
  command: (session: Session, input: { ref: string; delta: string }) => Promise<unknown>,
): Promise<void> {
  await finish(async () => {
    const named = options.manifest ?? options.baseHash
    const { packetId, text } = await readDelta(options.delta, named !== undefined)
    const manifest = named ?? packetId
    if (manifest === undefined) {
      throw new StatePackError(
        'E_USAGE',
        'Say which state the text continues: --manifest, --base-hash, or a delta packet.',
      )
    }
    const withRef: ManifestOptions = { ...options, manifest }
    await withManifest(withRef, async (session, ref) => {
      if (packetId !== undefined && named !== undefined) await assertSamePacket(session, ref, packetId)
      return command(session, { ref, delta: text })
    })
  })
}

/** A text may begin with a brace; without a state named beside it, it must be a packet. */
async function readDelta(path: string, hasState: boolean): Promise<{ packetId?: string; text: string }> {
  const text = await readTextFile(path)
  if (!text.trimStart().startsWith('{')) return { text }
  let value: unknown
  try {
    value = parseJson(text, path)
  } catch (thrown) {
    if (hasState) return { text }
    throw thrown
  }
  const version = z.object({ version: z.string().startsWith('state-delta-') }).safeParse(value).data?.version
  if (version === undefined && hasState) return { text }
  const parsed = (version === LEGACY_DELTA_VERSION ? legacyDeltaSchema : deltaPacketSchema).safeParse(value)
  if (!parsed.success) throw wrongShape('E_BAD_FORMAT', `${path} is not a delta packet`, parsed.error)
  const { packet_id, delta_text, delta_sha256, delta_bytes } = parsed.data
  const found = hexOf(sha256(delta_text))
  if (found !== delta_sha256 || Buffer.byteLength(delta_text) !== delta_bytes) {
    throw new StatePackError('E_CORRUPT', 'The delta text is not the one its packet names.', {
      field: 'delta_sha256',
      expected: delta_sha256,
      found,
    })
  }
  return { packetId: packet_id, text: delta_text }
}

/** A delta packet continues one state; naming another beside it is a mistake. */
async function assertSamePacket({ client, call }: Session, ref: string, packetId: string): Promise<void> {
  const resolved = await client.call('packets.resolve', { ref }, call)
  if (resolved.packetId === packetId) return
  throw new StatePackError('E_CONFLICT', 'The delta packet continues another state than the one named.', {
    expected: packetId,
    found: resolved.packetId,
  })
}
