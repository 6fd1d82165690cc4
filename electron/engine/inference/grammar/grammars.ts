import { StatePackError } from '#shared/domain/error.ts'
import type { Tokenizer } from '../../models/tokenizer/tokenizer.ts'
import type { Constraint } from '../constraint.ts'
import { speltBytes } from './byteSpelling.ts'
import { GrammarThread } from './grammarThread.ts'

/** Vocabularies whose threads are kept. */
const MOST_THREADS = 2

export interface GrammarRequest {
  readonly tokenizer: Tokenizer
  /** Width of the model's logits; ids beyond the tokenizer's are never chosen. */
  readonly vocabSize: number
  /** Tokens that end an answer. */
  readonly stopIds: readonly number[]
  /** EBNF, as `schemaGrammar` and `toolGrammar` write it. */
  readonly grammar: string
  /** Added tokens that the answer may hold, as the texts that they are; absent: none. */
  readonly added?: ReadonlyMap<number, string> | undefined
}

/** Answers that a grammar leads: one thread for each vocabulary, the last used are kept. */
export class Grammars {
  readonly #threads = new Map<string, GrammarThread>()
  readonly #uses = new Map<GrammarThread, number>()

  /** Dispose it when the answer has ended. Throws `E_NOT_SUPPORTED`, `E_TOO_LARGE`, `E_TOKENIZER`. */
  async lead(request: GrammarRequest): Promise<Constraint & Disposable> {
    const { tokenizer, vocabSize, stopIds, grammar, added } = request
    const key = JSON.stringify([tokenizer.digest, vocabSize, stopIds, [...(added ?? [])]])
    const thread = this.#threads.get(key) ?? new GrammarThread({ tokens: spelt(request), stopIds })
    this.#threads.delete(key)
    this.#threads.set(key, thread)
    this.#use(thread, 1)
    try {
      const led = await thread.lead(grammar)
      return {
        ...led,
        [Symbol.dispose]: () => {
          led[Symbol.dispose]()
          this.#use(thread, -1)
        },
      }
    } catch (thrown) {
      this.#use(thread, -1)
      throw thrown
    }
  }

  close(): void {
    for (const thread of this.#threads.values()) thread.close()
    this.#threads.clear()
  }

  /** Those that are too many end once no answer needs them, the longest unused first. */
  #use(thread: GrammarThread, more: 1 | -1): void {
    this.#uses.set(thread, (this.#uses.get(thread) ?? 0) + more)
    for (const [key, other] of this.#threads) {
      if (this.#threads.size <= MOST_THREADS) return
      if ((this.#uses.get(other) ?? 0) > 0) continue
      other.close()
      this.#threads.delete(key)
      this.#uses.delete(other)
    }
  }
}

/** What each token writes, spelt for the grammar. */
function spelt({ tokenizer: { bytesOf }, vocabSize, added }: GrammarRequest): string[] {
  if (bytesOf === null)
    throw new StatePackError(
      'E_TOKENIZER',
      'The tokens of this model do not spell texts one by one: it cannot answer to a schema.',
    )
  return Array.from({ length: vocabSize }, (_, id) => speltBytes(bytesOf(id) ?? Buffer.from(added?.get(id) ?? '')))
}
