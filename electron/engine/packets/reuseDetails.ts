import type { ReceiptDraft } from '#shared/domain/receipt.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import type { RestoreSample } from '../meter/meter.ts'
import type { PrefixSearch } from './deepestPrefix.ts'

/**
 * What a receipt says of the known state that an operation went on from, and of the one that was passed over because reading
 * was estimated to be faster. Seconds as expected from earlier measurements; what it took is in the receipt's phases.
 */
export function reuseDetails({ prefix, miss }: PrefixSearch): NonNullable<ReceiptDraft['details']> {
  const { estimate = null } = prefix ?? {}
  return {
    ...(prefix === null ? {} : { prefix_packet_id: prefix.packetId, prefix_tokens: prefix.tokens }),
    ...(estimate === null
      ? {}
      : { expected_restore_seconds: estimate.restoreSeconds, expected_read_seconds: estimate.readSeconds }),
    ...(miss.why === 'slower'
      ? {
          ...{ passed_over_packet_id: miss.packetId, passed_over_tokens: miss.position },
          passed_over_restore_seconds: miss.estimate.restoreSeconds,
          passed_over_read_seconds: miss.estimate.readSeconds,
        }
      : {}),
  }
}

/** The same as a sample of how fast states come from disk here. */
export function restoringOf(
  { model, runtime }: LoadedModel,
  { prefix }: Pick<PrefixSearch, 'prefix'>,
): RestoreSample | undefined {
  if (prefix === null) return undefined
  const { bytesRead: bytes, secondsRead: seconds } = prefix
  return { model: model.fingerprint.name, device: runtime.environment.provider, bytes, seconds }
}

/** Seconds of bringing the known state back, as a phase of a receipt: none where there was no such state. */
export function restorePhase({ prefix }: Pick<PrefixSearch, 'prefix'>): Record<string, number> {
  return prefix === null ? {} : { restore: prefix.secondsRead }
}
