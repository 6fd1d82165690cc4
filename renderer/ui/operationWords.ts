import type { CartridgeConfig } from '#shared/domain/cartridge.ts'
import type { ReceiptOp } from '#shared/domain/receipt.ts'

type Operation = ReceiptOp | CartridgeConfig['parents'][number]['op']

/** In one word, and what was done. Wherever the window names an operation it takes these words. */
const WORDS = {
  create: ['Created', 'Created a cartridge'],
  verify: ['Checked', 'Checked a cartridge'],
  delta: ['Prepared', 'Prepared a text to append'],
  infer: ['Answered', 'Answered from a state'],
  merge: ['Appended', 'Appended a text'],
  compact: ['Compacted', 'Compacted a chain into one state'],
  remix: ['Remixed', 'Mixed states'],
  mix: ['Mixed', 'Mixed states'],
  compose: ['Composed', 'Composed texts'],
  truncate: ['Shortened', 'Kept the beginning'],
  import: ['Imported', 'Imported a cartridge'],
  export: ['Exported', 'Exported a cartridge'],
  publish: ['Published', 'Published a cartridge'],
  benchmark: ['Benchmarks', 'Ran a benchmark'],
  begin: ['Begun', 'Began a new log'],
  withhold: ['Withheld', 'Withheld its texts'],
} as const satisfies Readonly<Record<Operation, readonly [kind: string, title: string]>>

function wordsOf(op: string): readonly [string, string] {
  return (WORDS as Readonly<Record<string, readonly [string, string]>>)[op] ?? [op, op]
}

/** What an operation is called among others: `Appended`. */
export function operationKind(op: string): string {
  return wordsOf(op)[0]
}

/** What was done, in a few words: `Appended a text`. */
export function operationTitle(op: string): string {
  return wordsOf(op)[1]
}

/** What a text of a cartridge is called: texts without a name of their own are recorded by what read them. */
export function textName(name: string): string {
  return name === 'merge' ? 'Appended text' : name === 'infer' ? 'Question' : name
}
