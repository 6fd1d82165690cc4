/**
 * Compiles grammars and leads answers through them, in a thread of its own: a schema may be anybody's, and compiling one takes
 * as long as it takes. Masks are found while the model computes its next logits.
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'

/** What of the library is used. Its own types are of exports that Node does not see. */
interface Xgrammar {
  readonly TokenizerInfo: {
    createTokenizerInfo(
      tokens: string[],
      spelling: 'raw',
      prependsSpace: boolean,
      size: number,
      stopIds: number[],
    ): Promise<object>
  }
  readonly GrammarCompiler: { createGrammarCompiler(info: object, keeps: boolean): Promise<Compiler> }
  readonly GrammarMatcher: {
    createGrammarMatcher(grammar: Compiled, stopIds: number[], endsWithout: boolean): Promise<Matcher>
  }
}
interface Compiler {
  compileGrammar(ebnf: string, root: string): Promise<Compiled>
}
interface Compiled {
  dispose(): void
}
interface Matcher {
  acceptToken(id: number): boolean
  getNextTokenBitmask(): Promise<Int32Array>
  isTerminated(): boolean
  dispose(): void
}

export interface Vocabulary {
  /** What each token writes, as `speltBytes` spells it; '' for what no answer may hold. */
  readonly tokens: readonly string[]
  /** Tokens that end an answer. */
  readonly stopIds: readonly number[]
}

export type ToGrammar =
  /** Leads an answer through a grammar (EBNF), from its first token or from those that it has. */
  | { readonly do: 'open'; readonly answer: number; readonly grammar: string; readonly taken: readonly number[] }
  | { readonly do: 'take'; readonly answer: number; readonly id: number }
  | { readonly do: 'close'; readonly answer: number }

/** The answer to each `open` and `take`, in their order: bit i of the mask says whether token i may follow; null: none. */
export type FromGrammar = { readonly mask: Int32Array<ArrayBuffer> | null } | { readonly refused: string }

/** Grammars kept, the one used last at the end. */
const MOST_GRAMMARS = 16

const { tokens, stopIds } = workerData as Vocabulary
const { GrammarCompiler, GrammarMatcher, TokenizerInfo } = await load()
const info = await TokenizerInfo.createTokenizerInfo([...tokens], 'raw', false, tokens.length, [...stopIds])
const compiler = await GrammarCompiler.createGrammarCompiler(info, false)
const grammars = new Map<string, Compiled>()
const answers = new Map<number, Matcher>()

/** The library is a script for pages: as a module of Node it lacks `require`, and leaves itself in the global scope. */
async function load(): Promise<Xgrammar> {
  const require = createRequire(import.meta.url)
  const file = require.resolve('@mlc-ai/web-xgrammar')
  const scope = globalThis as { require?: unknown; __filename?: string; __dirname?: string; xgrammar?: Xgrammar }
  Object.assign(scope, { require, __filename: file, __dirname: dirname(file) })
  await import(pathToFileURL(file).href)
  if (scope.xgrammar === undefined) throw new Error('the grammar library did not load')
  return scope.xgrammar
}

async function compile(ebnf: string): Promise<Compiled> {
  const known = grammars.get(ebnf)
  const grammar = known ?? (await compiler.compileGrammar(ebnf, 'root'))
  grammars.delete(ebnf)
  grammars.set(ebnf, grammar)
  const [[oldest, unused] = []] = grammars
  if (grammars.size > MOST_GRAMMARS && oldest !== undefined) {
    grammars.delete(oldest)
    unused?.dispose()
  }
  return grammar
}

async function open({ answer, grammar, taken }: Extract<ToGrammar, { do: 'open' }>): Promise<Matcher> {
  const matcher = await GrammarMatcher.createGrammarMatcher(await compile(grammar), [...stopIds], stopIds.length === 0)
  for (const id of taken) matcher.acceptToken(id)
  answers.set(answer, matcher)
  return matcher
}

async function follow(message: Exclude<ToGrammar, { do: 'close' }>): Promise<FromGrammar> {
  const matcher = message.do === 'open' ? await open(message) : answers.get(message.answer)
  if (matcher === undefined) throw new Error('an answer was not opened')
  if (message.do === 'take' && !matcher.acceptToken(message.id)) throw new Error('a token was not allowed')
  if (matcher.isTerminated()) return { mask: null }
  return { mask: new Int32Array(await matcher.getNextTokenBitmask()) }
}

let work = Promise.resolve()
parentPort?.on('message', (message: ToGrammar) => {
  work = work.then(async () => {
    if (message.do === 'close') {
      answers.get(message.answer)?.dispose()
      answers.delete(message.answer)
      return
    }
    try {
      const said = await follow(message)
      parentPort?.postMessage(said, 'mask' in said && said.mask !== null ? [said.mask.buffer] : [])
    } catch (thrown) {
      // A machine that has run out of its memory is not used again.
      if (thrown instanceof Error && thrown.name === 'RuntimeError') throw thrown
      parentPort?.postMessage({
        refused: thrown instanceof Error ? thrown.message : String(thrown),
      } satisfies FromGrammar)
    }
  })
})
