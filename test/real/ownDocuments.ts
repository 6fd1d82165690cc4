import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { TestEngine } from '../engine/testEngine.ts'
import type { CheckLine } from './checks.ts'

/** Invented, so that no model knows them: what is answered was read. */
const documentsSchema = z.array(
  z.strictObject({ name: z.string(), text: z.string(), question: z.string(), answers: z.array(z.string()).min(1) }),
)
/** Of the ten questions. Eight were right where this was written, and near ties fall otherwise elsewhere; one may be guessed. */
const LEAST_WITH = 6
const MOST_WITHOUT = 1

/** One question to each of ten own documents, as Ask puts it: right answers with the cartridge, and of the bare model. */
export async function ownDocuments({ client }: TestEngine, model: string): Promise<CheckLine[]> {
  const path = join(import.meta.dirname, 'ownDocuments.json')
  const documents = documentsSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  const lines: CheckLine[] = []
  const right = { with: 0, without: 0 }
  const conversationId = randomUUID()
  for (const { name, text, question, answers } of documents) {
    const sources = [{ name, text }]
    const { cartridge } = await client.call('packets.create', { model, sources, template: true })
    const { recalled, checked } = await client.call('packets.spotCheck', { ref: cartridge.packetId })
    const asked = { question, maxNewTokens: 48, compare: true, conversationId }
    const { step, without } = await client.call('ask.ask', { ref: cartridge.packetId, ...asked })
    const isRight = (answer: string) => answers.some(expected => answer.includes(expected))
    const [answer, bare] = [step?.answer ?? '', without?.output.trim() ?? '']
    right.with += isRight(answer) ? 1 : 0
    right.without += isRight(bare) ? 1 : 0
    lines.push({ check: `own document: ${name}`, ok: true, right: isRight(answer), answer, bare, recalled, checked })
  }
  lines.push({
    check: 'ten questions to ten own documents',
    ok: right.with >= LEAST_WITH && right.without <= MOST_WITHOUT,
    ...{ 'right with the cartridge': right.with, 'right without': right.without },
  })
  return lines
}
