import { LAYER_TYPES } from '#shared/domain/oci.ts'
import { BLOCK_TOKENS } from '../inference/stateSnapshot.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import type { PacketContext } from './context.ts'
import { layersOfType, type Packet } from './packet.ts'

/** What it takes to have the first tokens of a known state, in seconds, by the speeds that were measured on this machine. */
export interface ReuseEstimate {
  /** To bring from disk what memory does not have of them. */
  readonly restoreSeconds: number
  /** To read them instead. */
  readonly readSeconds: number
}

/** Estimates for one reading of so many tokens. */
export interface ReuseEstimator {
  /** null where one of the two was never measured. */
  of(packet: Packet, tokens: number): ReuseEstimate | null
  /** What going on from `tokens` known tokens spares: seconds, or, where no reading was measured, tokens. */
  spared(tokens: number, estimate: ReuseEstimate | null): number
}

/** `atHand`: so many of the tokens need not be read whatever is found. */
export function reuseEstimator(
  { meter, live }: Pick<PacketContext, 'meter' | 'live'>,
  { model, runtime }: LoadedModel,
  { total, atHand }: { readonly total: number; readonly atHand: number },
): ReuseEstimator {
  const { name } = model.fingerprint
  const device = runtime.environment.provider
  // One speed for all: the more tokens are known, the more are spared.
  const whole = meter.prefillSeconds(name, device, total)
  const secondsFor = (tokens: number) => (whole === null ? null : (whole / total) * Math.max(0, tokens - atHand))
  return {
    of(packet, tokens) {
      const readSeconds = secondsFor(tokens)
      const bytes = bytesOnDisk(live, packet, tokens)
      const restoreSeconds = bytes === 0 ? 0 : meter.restoreSeconds(name, device, bytes)
      return readSeconds === null || restoreSeconds === null ? null : { readSeconds, restoreSeconds }
    },
    spared: (tokens, estimate) => (secondsFor(tokens) ?? tokens) - (estimate?.restoreSeconds ?? 0),
  }
}

/** Bytes of the layers behind a packet's first tokens that are not in memory. */
function bytesOnDisk({ blocks, snapshots, unstored }: PacketContext['live'], packet: Packet, tokens: number): number {
  const needed = [
    ...layersOfType(packet, LAYER_TYPES.kv).slice(0, Math.ceil(tokens / BLOCK_TOKENS)),
    ...layersOfType(packet, LAYER_TYPES.ssm),
  ]
  return needed
    .filter(({ digest }) => !blocks.has(digest) && !snapshots.has(digest) && unstored.inMemory(digest) === null)
    .reduce((sum, { size }) => sum + size, 0)
}
