/** Opens a tokenizer as the engine would, tries it, and says how it went; see tokenizerTrial.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { StatePackError, toErrorValue } from '#shared/domain/error.ts'
import { withinTime } from '../withinTime.ts'
import { createTokenizer, type Tokenizer } from './tokenizer.ts'
import { type TokenizerSource, tokenizerFiles } from './tokenizerFiles.ts'
import type { TrialOutcome } from './tokenizerTrial.ts'

/** Milliseconds of work, plus one for so many bytes of it: far more than any real one needs. */
const TRIAL_MS = 2_000
const BYTES_A_MS = 1_000
/** About what an entry of a vocabulary takes, with its merge. */
const BYTES_AN_ENTRY = 64
/** What patterns that backtrack without end stumble over. */
const TEXTS = ['a', ' ', '1', '!', 'aA1 .', '\n\t '].map(text => `${text.repeat(2000)}\u0001`)

const MESSAGES = [{ role: 'user', content: 'Where does the goat live?' }]

function attempt(source: TokenizerSource): TrialOutcome {
  let isOver = false
  const late = () => {
    isOver = true
    return new StatePackError('E_TOKENIZER', 'It does not come to an end.')
  }
  try {
    withinTime(TRIAL_MS + sizeOf(source) / BYTES_A_MS, late, () => use(createTokenizer(tokenizerFiles(source))))
    return 'loads'
  } catch (thrown) {
    return isOver ? 'too much' : { error: toErrorValue(thrown) }
  }
}

function use(tokenizer: Tokenizer): void {
  for (const text of TEXTS) tokenizer.encode(text)
  try {
    if (tokenizer.chatTemplate !== null) tokenizer.renderChat(MESSAGES)
  } catch (thrown) {
    // A template may refuse a conversation; whoever holds one is told then.
    if (!(thrown instanceof StatePackError)) throw thrown
  }
}

function sizeOf(source: TokenizerSource): number {
  if (source.kind === 'parsed') return BYTES_AN_ENTRY * Object.keys(Object(source.files.json.model.vocab)).length
  return Object.values(source.bytes).reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0)
}

parentPort?.postMessage(attempt(workerData satisfies unknown as TokenizerSource))
