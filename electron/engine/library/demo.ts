import { isAnswer, isRefusal } from '#shared/domain/answers.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { createPacket } from '../packets/createPacket.ts'
import { inferPacket } from '../packets/inferPacket.ts'
import { verifyPacket } from '../packets/verifyPacket.ts'

/** A text and questions whose answers are known. */
export interface DemoText {
  readonly title: string
  readonly text: string
  readonly questions: readonly { readonly q: string; readonly a: string }[]
}

export interface DemoAnswer {
  readonly question: string
  readonly expected: string
  readonly answer: string
  readonly correct: boolean
  readonly tokenIds: readonly number[]
  /** The bare model's answer to the same question. */
  readonly without: string
  readonly withoutTokenIds: readonly number[]
}

export interface DemoTextResult {
  readonly title: string
  readonly packet_id: string
  readonly context_id: string
  readonly tokens: { readonly naive: number; readonly processed: number; readonly saved_percent: number }
  readonly seconds: { readonly naive: number; readonly state: number }
  readonly answers: readonly DemoAnswer[]
}

export interface DemoModelResult {
  readonly name: string
  readonly kind: string
  /** Share of questions answered exactly, from the cartridge and by the delta alone. */
  readonly accuracy_with: number
  /** The same without the cartridge, over the questions whose answer is not "I don't know". */
  readonly accuracy_without: number
  readonly questions: number
  readonly correct_with: number
  readonly correct_without: number
  readonly tokens: DemoTextResult['tokens']
  readonly seconds: DemoTextResult['seconds']
  readonly receipts: { readonly count: number; readonly verified: number }
  readonly packet_id: string
  readonly context_id: string
  readonly texts: readonly DemoTextResult[]
}

/**
 * The main job, end to end, on one model: reads each text once, verifies the cartridge, asks every question from it by delta
 * only; then without it; then the naive way, the whole text read again for each question. Everything is really run, and
 * counted at the sessions.
 */
export async function runDemo(
  context: PacketContext,
  { model, texts }: { model: string; texts: readonly DemoText[] },
  call: Call = {},
): Promise<DemoModelResult> {
  if (texts.length === 0) throw new StatePackError('E_BAD_INPUT', 'There is no text to demonstrate with.')
  const before = context.receipts.count
  const results: DemoTextResult[] = []
  for (const [index, text] of texts.entries()) {
    const step = `${model}: ${text.title}`
    call.progress?.({ phase: step, done: index, total: texts.length, unit: 'items' })
    results.push(await demoText(context, { model, text }, call))
  }
  const { kind } = (await context.models.load(model)).model
  const report = await context.receipts.verify()
  const answers = results.flatMap(result => result.answers)
  const answerable = answers.filter(({ expected }) => !isRefusal(expected))
  const correct = answers.filter(answer => answer.correct).length
  const correctWithout = answerable.filter(answer => isAnswer(answer.without, answer.expected)).length
  const [first] = results
  return {
    name: model,
    kind,
    accuracy_with: ratio(correct, answers.length),
    accuracy_without: ratio(correctWithout, answerable.length),
    questions: answers.length,
    correct_with: correct,
    correct_without: correctWithout,
    tokens: sumTokens(results),
    seconds: {
      naive: results.reduce((sum, { seconds }) => sum + seconds.naive, 0),
      state: results.reduce((sum, { seconds }) => sum + seconds.state, 0),
    },
    receipts: {
      count: context.receipts.count - before,
      verified: Math.max(0, (report.break?.index ?? report.count) - before),
    },
    packet_id: first?.packet_id ?? '',
    context_id: first?.context_id ?? '',
    texts: results,
  }
}

async function demoText(
  context: PacketContext,
  { model, text }: { model: string; text: DemoText },
  call: Call,
): Promise<DemoTextResult> {
  const options = { signal: call.signal }
  const created = await createPacket(context, { model, sources: [{ name: text.title, text: text.text }] }, options)
  await verifyPacket(context, { ref: created.packetId, level: 'recomputed' }, options)
  const base = text.text.endsWith('\n') ? text.text : `${text.text}\n`
  const answers: DemoAnswer[] = []
  const tokens = { naive: 0, processed: 0 }
  const seconds = { naive: 0, state: 0 }
  for (const { q, a } of text.questions) {
    const question = `Question: ${q}\nAnswer:`
    const delta = `${text.text.endsWith('\n') ? '' : '\n'}\n${question}`
    const state = await inferPacket(context, { ref: created.packetId, delta, persist: 'memory' }, options)
    const naive = await inferPacket(
      context,
      { model, delta: `${base}\n${question}`, persist: 'memory', reuse: false },
      options,
    )
    const without = await inferPacket(context, { model, delta: question, persist: 'memory', reuse: false }, options)
    tokens.naive += naive.tokens.processed
    tokens.processed += state.tokens.processed
    seconds.naive += naive.seconds.total
    seconds.state += state.seconds.total
    answers.push({
      question: q,
      expected: a,
      answer: state.output.trim(),
      correct: isAnswer(state.output, a),
      tokenIds: state.outputTokenIds,
      without: without.output.trim(),
      withoutTokenIds: without.outputTokenIds,
    })
  }
  const { contextId } = await context.store.summary(created.packetId)
  return {
    title: text.title,
    packet_id: created.packetId,
    context_id: contextId,
    tokens: { ...tokens, saved_percent: percent(tokens) },
    seconds,
    answers,
  }
}

function sumTokens(results: readonly DemoTextResult[]): DemoTextResult['tokens'] {
  const naive = results.reduce((sum, { tokens }) => sum + tokens.naive, 0)
  const processed = results.reduce((sum, { tokens }) => sum + tokens.processed, 0)
  return { naive, processed, saved_percent: percent({ naive, processed }) }
}

function percent({ naive, processed }: { naive: number; processed: number }): number {
  return naive === 0 ? 0 : Math.round((1 - processed / naive) * 10_000) / 100
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 10_000
}
