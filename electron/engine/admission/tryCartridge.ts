import type { Output } from '#shared/rpc/client.ts'
import { assertNotBlocked } from '../packets/blockedPublishers.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { deltaOf } from '../packets/deltaOf.ts'
import { faceOf } from '../packets/face.ts'
import { assertFits, loadModelFor, stateOf } from '../packets/openState.ts'
import { readSnapshot } from '../packets/packet.ts'
import { answerDelta } from '../packets/unstored.ts'
import type { CartridgeSource } from './cartridgeSource.ts'
import { checkCandidate } from './checkCandidate.ts'
import { lookInto } from './lookInto.ts'

/**
 * Asks a file before it is kept. A stranger's state can do nothing but answer: it is restored from the file for this one
 * answer, past the library, the pools and the log. Throws what reading a file throws, `E_BLOCKED`, `E_UNKNOWN_MODEL`,
 * `E_COMPONENT_MISMATCH`, `E_CANCELLED`.
 */
export async function tryCartridge(
  context: PacketContext,
  { source, question }: { source: CartridgeSource; question: string },
  call: Call,
): Promise<Output<'packets.try'>> {
  const started = performance.now()
  return lookInto(context, source, async candidate => {
    const { blobs } = candidate
    const { packet, sound } = await checkCandidate(context, candidate)
    assertNotBlocked(
      context,
      sound.map(({ signature }) => signature),
    )
    const loaded = await loadModelFor(context, packet, call)
    await assertFits({ blobs }, packet, loaded)
    const [face, snapshot] = await Promise.all([faceOf(blobs, packet), readSnapshot(blobs, packet)])
    const opened = stateOf(face, { loaded, edits: [], snapshot })
    const { base, delta } = await deltaOf(blobs, opened, { delta: question, chat: true })
    const { text } = await answerDelta(base, delta, call)
    return { answer: text, seconds: (performance.now() - started) / 1000 }
  })
}
