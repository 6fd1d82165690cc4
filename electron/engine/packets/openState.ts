import type { CartridgeConfig, Recipe, Segment, StateDtype } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type Descriptor, LAYER_TYPES } from '#shared/domain/oci.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import type { RunAfter } from '../models/tokenizer/tokenizer.ts'
import { sha256 } from '../sha256.ts'
import type { StateContents } from './assemble.ts'
import { assertAllowed } from './assertAllowed.ts'
import { checkComponents, componentsOf, refuseMismatch } from './components.ts'
import type { Call, PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { type Face, readFace } from './face.ts'
import type { TextState } from './growState.ts'
import { readLiveSnapshot } from './liveSnapshot.ts'
import { editsSince } from './modelEdits.ts'
import { layersOfType, type Packet } from './packet.ts'
import { resolvePacketId } from './resolveRef.ts'

/** A state in memory with everything needed to continue, extend or describe it. */
export interface OpenedState {
  readonly loaded: LoadedModel
  /** How the model was edited since the state was made, when going on was asked for. */
  readonly edits: readonly string[]
  /** null: a state before any token. */
  readonly packet: Packet | null
  readonly contextId: Digest | null
  readonly tokens: Int32Array
  readonly tail: string
  readonly segments: readonly Segment[]
  readonly origin: CartridgeConfig['origin']
  readonly snapshot: StateSnapshot
  readonly logits: Float32Array | null
  readonly dtype: StateDtype
  readonly promptMeta: CartridgeConfig['promptMeta']
  readonly sources: StateContents['sources']
  readonly recipe: StateContents['recipe']
  readonly card: string
  /** KV block layers that a state grown from this one shares: the full blocks. */
  readonly fullBlocks: readonly Descriptor[]
  /** Bytes that had to be read from disk, and verified, to get here. */
  readonly bytesRead: number
  /** What of it was loading the model, which every run needs that finds it unloaded; next to nothing where it was loaded. */
  readonly secondsLoading: number
}

export interface OpenOptions {
  readonly model?: string
  readonly acceptEdits?: boolean | undefined
}

/**
 * Opens the state behind a reference for running: reads and verifies every layer it needs, finds the installed model and
 * compares all twelve components with it. Throws `E_RESTRICTED` for an import nobody trusts yet, `E_UNKNOWN_MODEL`,
 * `E_COMPONENT_MISMATCH` naming the component, or what reading throws. Never reads the text again instead.
 */
export async function openState(
  context: PacketContext,
  ref: string,
  { model: wanted, signal, acceptEdits }: OpenOptions & Call = {},
): Promise<OpenedState> {
  const packetId = await resolvePacketId(context, ref, wanted)
  assertAllowed(context, packetId, 'run')
  const { face, bytesRead } = await readFace(context, packetId)
  const { packet } = face
  const start = performance.now()
  const loaded = await loadModelFor(context, packet, { model: wanted, signal })
  const secondsLoading = (performance.now() - start) / 1000
  const edits = await assertFits(context, packet, loaded, acceptEdits)
  const { snapshot, bytesRead: fromLayers } = await readLiveSnapshot(context, packet)
  return { ...stateOf(face, { loaded, edits, snapshot }), bytesRead: bytesRead + fromLayers, secondsLoading }
}

/** The state of a packet whose parts are in memory, for the model that it was checked against. */
export function stateOf(
  face: Face,
  { loaded, edits, snapshot }: Pick<OpenedState, 'loaded' | 'edits' | 'snapshot'>,
): OpenedState {
  const { packet, logits, documents } = face
  const { config } = packet
  const full = Math.floor(config.tokens.count / config.cache.blockTokens)
  return {
    ...textStateOf(face, loaded),
    loaded,
    edits,
    packet,
    contextId: packet.contextId,
    snapshot,
    logits,
    dtype: config.cache.dtype,
    card: documents.card,
    fullBlocks: layersOfType(packet, LAYER_TYPES.kv).slice(0, full),
    bytesRead: 0,
    secondsLoading: 0,
  }
}

/** What a packet has read, and how: no number of its state. */
export function textStateOf({ packet, tokens, documents }: Face, { model }: TextState['loaded']): TextState {
  const { tail, segments, origin, promptMeta } = packet.config
  return {
    ...{ loaded: { model }, tokens, tail: tail.text, segments, origin, promptMeta },
    sources: documents.sources.map(({ name, layer, extractor }) => ({ name, layer, extractor })),
    recipe: recipeByPlace(documents.recipe),
  }
}

/** The recipe with its sources as places in the list of sources: the n-th read is of the n-th source. */
export function recipeByPlace({ version: _, steps, ...rest }: Recipe): StateContents['recipe'] {
  let place = 0
  return {
    ...rest,
    steps: steps.map(step => {
      if (step.do !== 'read') return step
      const { source: _digest, name: _name, extractor: _extractor, ...how } = step
      return { ...how, source: place++ }
    }),
  }
}

/** Where the run of text that a state ends with stands: what is held back, and whether any text was read yet. */
export function runOf({ tail, segments, tokens }: Pick<OpenedState, 'tail' | 'segments' | 'tokens'>): RunAfter {
  return { tail, atStart: segments.every(segment => segment.kind === 'special'), after: tokens.at(-1) }
}

/** What a receipt records of them. */
export function acceptedEdits({ edits }: Pick<OpenedState, 'edits'>): Record<string, string> {
  return edits.length === 0 ? {} : { accepted_edits: edits.join('; ') }
}

/** The installed model of a cartridge, loaded. With `model`, that one whether it fits or not: the check then says why not. */
export async function loadModelFor(
  context: PacketContext,
  packet: Packet,
  { model, signal }: { model?: string; signal?: AbortSignal } = {},
): Promise<LoadedModel> {
  const found = model ?? (await context.models.forFingerprint(packet.config.model, sameModel))
  return context.models.load(found, signal)
}

/** Models that were compared with packets in memory and fit: neither changes, and comparing is half of what going on takes beside the run. */
const fitting = new WeakMap<Packet, WeakSet<LoadedModel['model']>>()

/**
 * Refuses a cartridge whose components are not this model's, or not its own contents'. A model that was edited without
 * changing a number of any state (see {@link editsSince}) is refused too, unless `acceptEdits`: then what was edited comes back.
 * `undefined`: the operation cannot go on with an edited model, and the message names no such way out.
 */
export async function assertFits(
  { blobs }: Pick<PacketContext, 'blobs'>,
  packet: Packet,
  { entry, model }: Pick<LoadedModel, 'entry' | 'model'>,
  acceptEdits?: boolean,
): Promise<string[]> {
  if (fitting.get(packet)?.has(model)) return []
  const checks = componentChecks(packet, { model })
  const failed = checks.filter(check => !check.ok).map(check => check.component)
  if (failed.length === 0) {
    fitting.set(packet, (fitting.get(packet) ?? new WeakSet()).add(model))
    return []
  }
  const edits = await editsSince(blobs, packet, model, failed)
  if (edits === null) refuseMismatch(checks, entry.id)
  else if (!acceptEdits) {
    throw new StatePackError(
      'E_COMPONENT_MISMATCH',
      `${entry.id} was edited since this cartridge was made: ${edits.join('; ')}. Weights, geometry and token ids are the same, so the state still holds: ${
        acceptEdits === undefined
          ? 'it can be asked and merged with --accept-edits. For this, put the files back as they were, or read the text again.'
          : 'go on with --accept-edits (acceptEdits), or read the text again.'
      }`,
      { component: failed[0] ?? 'config', edited: edits.join('; '), components: failed.join(',') },
    )
  }
  return edits ?? []
}

/** Refuses a model that a cartridge was not made with: the components that differ are named, as when it is run. */
export async function assertModel(context: PacketContext, packet: Packet, id: string): Promise<void> {
  const model = await context.models.open(id)
  if (sameModel(model.fingerprint, packet.config.model)) return
  const checks = componentChecks(packet, { model })
  const failed = checks.filter(check => !check.ok).map(check => check.component)
  // Whether to go on with an edited model is asked by what runs it.
  if ((await editsSince(context.blobs, packet, model, failed)) === null) refuseMismatch(checks, id)
}

/** The twelve components as recorded, against the cartridge's own contents and the model that is here. */
export function componentChecks(packet: Packet, { model }: Pick<LoadedModel, 'model'>) {
  const { config } = packet
  const modelConfig = [
    model.configBytes,
    ...(model.generationConfigBytes === null ? [] : [model.generationConfigBytes]),
  ]
  const [logits] = layersOfType(packet, LAYER_TYPES.logits)
  return checkComponents(
    config,
    componentsOf(
      {
        kind: model.kind,
        origin: config.origin,
        attentionMask: config.attentionMask,
        promptMeta: config.promptMeta,
        cache: config.cache,
        position: {
          scheme: model.position.scheme,
          parameters: { ...model.position.parameters },
          next: config.position.next,
        },
        tokensDigest: config.tokens.digest,
        modelConfigDigests: modelConfig.map(bytes => sha256(bytes)),
        logitsDigest: logits?.digest ?? null,
      },
      model,
    ),
  )
}
