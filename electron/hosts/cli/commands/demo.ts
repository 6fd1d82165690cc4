import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { type DemoModelResult, type DemoText, runDemo } from '#engine/library/demo.ts'
import { readStarterTexts } from '#engine/library/starters.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { ENGLISH } from '#shared/figures/createFigures.ts'
import { parseJson, readTextFile, wrongShape } from '../readInput.ts'
import { finish, type GlobalOptions, runCommand, type Session } from '../run.ts'

const { formatCount, formatPercent, formatSaving, formatSeconds } = ENGLISH
const STARTERS = ['starter-transformer', 'starter-mamba']
const factsSchema = z.object({
  text: z.string().min(1),
  questions: z.array(z.object({ q: z.string(), a: z.string() })),
})

/** demo: the main job on both starter models, on the bundled texts or anyone's facts, in a store of its own. */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('cartridges from texts, questions by delta only, with and without them')
    .option('--facts <file>', 'JSON lines of {text, questions: [{q, a}]}')
    .action(async (options: GlobalOptions & { facts?: string }) => {
      await finish(async () => {
        const facts = options.facts === undefined ? null : await readFacts(options.facts)
        const folder = options.store ?? (await mkdtemp(join(tmpdir(), 'statepack-demo-')))
        try {
          await runCommand({ ...options, store: folder, makesStore: true }, session =>
            demo(session, { ...options, facts }),
          )
        } finally {
          if (options.store === undefined) await rm(folder, { recursive: true, force: true })
        }
      })
    })
}

async function demo({ engine, model, call }: Session, { facts, json }: GlobalOptions & { facts: DemoText[] | null }) {
  const texts = await readStarterTexts(engine.state.folders.assets)
  const models: DemoModelResult[] = []
  for (const id of model === undefined ? STARTERS : [model]) {
    const bundled = texts
      .filter(text => text.models.includes(id))
      .map(({ title, text, questions }) => ({ title, text, questions: questions.map(([q, a]) => ({ q, a })) }))
    models.push(
      await runDemo(
        engine.state,
        { model: id, texts: facts ?? bundled },
        { signal: call.signal, progress: call.onProgress },
      ),
    )
  }
  if (json === true) {
    return {
      models: models.map(({ texts: results, ...result }) => ({
        ...result,
        texts: facts === null ? results.map(({ answers: _, ...rest }) => rest) : results,
      })),
    }
  }
  for (const result of models) process.stdout.write(`${table(result)}\n`)
  return undefined
}

async function readFacts(path: string): Promise<DemoText[]> {
  const lines = (await readTextFile(path)).split('\n').filter(line => line.trim() !== '')
  if (lines.length === 0) throw new StatePackError('E_EMPTY_TEXT', `${path} holds no facts.`, { path })
  return lines.map((line, index) => {
    const where = `${path}, line ${index + 1}`
    const parsed = factsSchema.safeParse(parseJson(line, where))
    if (!parsed.success) throw wrongShape('E_BAD_INPUT', where, parsed.error)
    return { title: `Facts ${index + 1}`, ...parsed.data }
  })
}

function savedOf({ saved_percent }: { readonly saved_percent: number }): string {
  return `${formatSaving(saved_percent, formatPercent)}${saved_percent > 0 ? ' saved' : ''}`
}

function table(result: DemoModelResult): string {
  const row = (name: string, value: string) => `  ${name.padEnd(32)}${value}`
  const { tokens, seconds, receipts } = result
  return [
    `${result.name} (${result.kind})`,
    row(
      'exact answers',
      `${result.correct_with} of ${result.questions} with the cartridge, ${result.correct_without} without`,
    ),
    row('tokens read', `${formatCount(tokens.processed)} instead of ${formatCount(tokens.naive)}: ${savedOf(tokens)}`),
    row('time', `${formatSeconds(seconds.state)} instead of ${formatSeconds(seconds.naive)}`),
    row('receipts', `${receipts.verified} of ${receipts.count} verified`),
    ...result.texts.map(text =>
      row(
        `  ${text.title}`,
        `${text.answers.filter(({ correct }) => correct).length}/${text.answers.length}, ${savedOf(text.tokens)}, ${text.packet_id.slice(0, 19)}…`,
      ),
    ),
  ].join('\n')
}
