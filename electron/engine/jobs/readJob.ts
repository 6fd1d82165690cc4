import type { JobSource, Made, ReadTask } from '#shared/rpc/methods/jobs.ts'
import { guessNotes } from '../documents/extractDocument.ts'
import { readDocument } from '../documents/readDocument.ts'
import type { SourceText } from '../packets/composeText.ts'
import type { PacketContext } from '../packets/context.ts'
import { createdView } from '../packets/createdView.ts'
import { type Created, createPacket } from '../packets/createPacket.ts'
import { createSplit } from '../packets/createSplit.ts'
import { spotCheck } from '../packets/spotCheck.ts'
import type { JobWork } from './performJob.ts'

const LONGEST_NAME = 300

/**
 * Reads the texts of a job into its cartridges, and checks what they recall where that is wanted. A check that is stopped or
 * fails takes nothing away: the cartridge stays unchecked. Throws what {@link readDocument} and creating throw.
 */
export async function readJob(context: PacketContext, task: ReadTask, work: JobWork): Promise<void> {
  const { kind: _, split, check, firstTokens, ...reading } = task
  const { call } = work
  const { texts: sources, notes } = await textsOf(work.sources(), call.signal)
  const created = split
    ? await createSplit(context, { ...reading, sources }, call)
    : [await createPacket(context, { ...reading, sources, firstTokens }, call)]
  work.made(await Promise.all(created.map(one => keptOf(context, { ...one, notes: [...notes, ...one.notes] }))), {
    wasRead: created.some(({ tokensProcessed }) => tokensProcessed > 0),
  })
  if (!check) return
  for (const { packetId } of created) {
    const { spotChecks } = await context.store.summary(packetId)
    if (spotChecks !== null) continue
    await spotCheck(context, packetId, call).catch(() => {})
    if (call.signal?.aborted) return
  }
}

async function keptOf(context: PacketContext, created: Created): Promise<Made> {
  const { cartridge, ...rest } = await createdView(context, created)
  return { ...rest, packetId: cartridge.packetId }
}

async function textsOf(
  sources: readonly JobSource[],
  signal: AbortSignal | undefined,
): Promise<{ readonly texts: SourceText[]; readonly notes: string[] }> {
  const texts: SourceText[] = []
  const notes: string[] = []
  for (const source of sources) {
    if ('text' in source) texts.push(source)
    else {
      const document = await readDocument(source, signal)
      const { text, extractor } = document
      notes.push(...guessNotes(source.name, document))
      texts.push({ name: source.name.slice(-LONGEST_NAME), text, extractor: extractor ?? undefined })
    }
  }
  return { texts, notes }
}
