import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { isAnswer } from '#shared/domain/answers.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { createPacket } from '../packets/createPacket.ts'
import { freeName } from '../packets/publish.ts'
import { answerUnstored, readUnstored } from '../packets/unstored.ts'

const starterTextSchema = z.object({
  title: z.string(),
  /** The starter models this text is made for. */
  models: z.array(z.string()),
  text: z.string(),
  questions: z.array(z.tuple([z.string(), z.string()])),
})
export type StarterText = z.infer<typeof starterTextSchema> & { readonly id: string }

/** The bundled texts with their questions and answers. */
export async function readStarterTexts(assetsFolder: string): Promise<StarterText[]> {
  const folder = join(assetsFolder, 'texts')
  const files = (await readdir(folder)).filter(name => name.endsWith('.json')).sort()
  return Promise.all(
    files.map(async name => ({
      ...starterTextSchema.parse(JSON.parse(await readFile(join(folder, name), 'utf8'))),
      id: name.replace(/\.json$/, ''),
    })),
  )
}

const DONE = 'app.startersMade'

/** Fills a new library: each bundled text, read by the starter models it is made for. Once: what was deleted stays deleted. */
export async function makeStarters(context: PacketContext, assetsFolder: string, call: Call = {}): Promise<void> {
  const { settings } = context.store.library
  if (settings.get(DONE) === true) return
  for (const { title, text, models, questions } of await readStarterTexts(assetsFolder)) {
    for (const model of models) {
      if (!context.models.entries().some(entry => entry.id === model && entry.starter)) continue
      const name = model.includes('mamba') ? `${title} (Mamba)` : title
      const card = starterCard(title, await answeredQuestions(context, { model, text, questions }, call))
      await createPacket(
        context,
        { model, sources: [{ name: title, text }], name: freeName(context, name), card, trust: 'starter' },
        call,
      )
    }
  }
  settings.set(DONE, true)
}

/** The questions that this model answers rightly from this text: a card claims no others. */
async function answeredQuestions(
  context: PacketContext,
  { model, text, questions }: Pick<StarterText, 'text' | 'questions'> & { readonly model: string },
  call: Call,
): Promise<string[]> {
  const state = await readUnstored(await context.models.load(model, call.signal), text, call)
  const answered: string[] = []
  if (state === null) return answered
  for (const [question, expected] of questions) {
    if (isAnswer((await answerUnstored(state, question, call)).text, expected)) answered.push(question)
  }
  return answered
}

function starterCard(title: string, questions: readonly string[]): string {
  return [
    `# ${title}`,
    '',
    'A sheet of short facts that came with the app.',
    '',
    '## Questions it answers',
    '',
    ...questions.map(question => `- ${question}`),
    '',
  ].join('\n')
}
