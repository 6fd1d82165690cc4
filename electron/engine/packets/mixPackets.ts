import { StatePackError } from '#shared/domain/error.ts'
import { tokenUse } from '#shared/domain/receipt.ts'
import { mixStates } from '../inference/mixStates.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import { assemble } from './assemble.ts'
import { type Call, type PacketContext, receiptEnvironment } from './context.ts'
import { sameModel } from './contextId.ts'
import { emptyState } from './growState.ts'
import { type OpenedState, openState } from './openState.ts'
import { assertFreeName, freeName, type Published, publish } from './publish.ts'

export interface WeightedRef {
  readonly ref: string
  readonly weight: number
}

/**
 * The parents of a mix, opened, with weights that sum to one. Throws `E_COMPONENT_MISMATCH` when their
 * models differ, `E_NOT_FOUND` for a state that was never stored.
 */
export async function openParents(context: PacketContext, parents: readonly WeightedRef[], call: Call) {
  const states: { base: OpenedState; weight: number }[] = []
  // One after the other: where one is refused, no other is still being opened.
  for (const { ref, weight } of parents) states.push({ base: await openState(context, ref, call), weight })
  const total = parents.reduce((sum, { weight }) => sum + weight, 0)
  const [first] = states
  for (const { base } of states) {
    if (first === undefined || sameModel(base.loaded.model.fingerprint, first.base.loaded.model.fingerprint)) continue
    throw new StatePackError(
      'E_COMPONENT_MISMATCH',
      'These cartridges belong to different models and cannot be mixed.',
      {
        component: 'config',
        expected: first.base.loaded.entry.id,
        found: base.loaded.entry.id,
      },
    )
  }
  return states.map(({ base, weight }) => {
    if (base.packet === null || context.live.unstored.packetOf(base.packet.packetId) !== null)
      throw new StatePackError('E_NOT_FOUND', 'A parent of a mix must be stored.')
    return { base, packet: base.packet, weight: total > 0 ? weight / total : weight }
  })
}

/** The mixed state itself, unstored: what a preview answers from. */
export function mixedState(parents: readonly { base: OpenedState; weight: number }[]): {
  state: OpenedState
  snapshot: StateSnapshot
} {
  const [first] = parents
  if (first === undefined) throw new StatePackError('E_BAD_INPUT', 'A mix needs at least one state.')
  const snapshot = mixStates(parents.map(({ base, weight }) => ({ state: base.snapshot, weight })))
  // A mix has read no token sequence of its own: what follows is not the beginning of a text either.
  const state = { ...emptyState(first.base.loaded), snapshot, segments: [{ kind: 'text' as const, start: 0, end: 0 }] }
  return { state, snapshot }
}

/**
 * Stores the weighted mean of recurrent states (Statecraft's `combine_states`) as a cartridge with its parents. Refused for
 * keys and values (`E_NOT_SUPPORTED`): they belong to positions; merge is the right verb there.
 */
export async function mixPackets(
  context: PacketContext,
  { parents, name }: { parents: readonly WeightedRef[]; name?: string | undefined },
  call: Call = {},
): Promise<Published> {
  const started = performance.now()
  if (name !== undefined) assertFreeName(context, name)
  const packets = await openParents(context, parents, call)
  const { snapshot, state } = mixedState(packets)
  const { model, runtime } = state.loaded
  const assembled = await assemble({
    model,
    origin: { kind: 'mix', parents: packets.map(({ packet, weight }) => ({ contextId: packet.contextId, weight })) },
    tokens: new Int32Array(0),
    tail: '',
    segments: [],
    snapshot,
    logits: null,
    dtype: 'float32',
    loss: null,
    promptMeta: { spans: [], controlTokensInText: 0 },
    sources: [],
    recipe: {
      steps: [{ do: 'mix', parents: packets.map(({ packet, weight }) => ({ packetId: packet.packetId, weight })) }],
      systemPrompt: null,
      template: false,
    },
    card: '',
    parents: packets.map(({ packet }) => ({ packetId: packet.packetId, op: 'mix', deltaDigest: null })),
  })
  const { names } = context.store.library.packets
  const title = packets.map(({ packet }) => names.of(packet.packetId)[0] ?? 'a state').join(' + ')
  return publish(context, {
    assembled,
    call,
    trust: 'own',
    name: name ?? freeName(context, title.slice(0, 180)),
    operation: ({ packetId, blobSha256 }) => ({
      receipt: {
        op: 'remix',
        inputs: packets.map(({ packet }) => ({ role: 'packet', digest: packet.packetId })),
        outputs: [
          { role: 'packet', digest: packetId },
          { role: 'context', digest: assembled.contextId },
        ],
        packet_id: packetId,
        context_id: assembled.contextId,
        blob_sha256: blobSha256,
        bytes: assembled.cacheBytes,
        tokens: tokenUse({
          base: packets.reduce((sum, { base }) => sum + base.tokens.length, 0),
          delta: 0,
          processed: 0,
        }),
        model: { ...model.fingerprint },
        environment: receiptEnvironment(runtime.environment),
        details: Object.fromEntries(packets.map(({ weight }, index) => [`weight_${index}`, weight])),
        observed: { seconds: (performance.now() - started) / 1000 },
      },
    }),
  })
}
