import type { Output } from '#shared/rpc/client.ts'

type Review = Output<'packets.exportReview'>

/** Of every command that lets a cartridge leave. */
export const NO_RECEIPT = 'hold back the receipt of its making: when, with which runtime and threads, how long'

export const WITHHOLD = 'leave out its texts, recipe and tokens; its keys and values still leak text'

/** What of a cartridge is to leave, as its command was given it. */
export interface LeavingOptions {
  readonly receipt: boolean
  readonly withholdText?: boolean
}

/** Said before a cartridge leaves, in whatever form: whoever gets it can read this much. */
export function sharingNotice(
  { recoverableText, systemPrompt, sources, secrets, made }: Review,
  { gets, receipt, withholdText = false }: LeavingOptions & { readonly gets: string },
): string {
  const texts = sources.map(({ name, characters }) => `${name} (${characters} characters)`).join(', ')
  const reads = recoverableText === '' ? `Anyone who ${gets} has its tokens` : `Anyone who ${gets} can read its text`
  const told = [reads, texts === '' ? '' : `: ${texts}`, systemPrompt === null ? '' : ', and its system prompt', '.']
  const kinds = [...new Set(secrets.map(({ kind }) => kind))].join(', ')
  return [
    ...(withholdText
      ? [
          `Its texts, recipe and tokens stay here. Its keys and values go along, and text can be recovered from those: this keeps nobody from it who wants it. Nobody who ${gets} can check what it has read.`,
        ]
      : told),
    secrets.length === 0 ? '' : ` It seems to hold: ${kinds}.`,
    made === null || !receipt
      ? ''
      : ' The receipt of its making goes along: when, with which runtime and threads, how long (--no-receipt holds it back).',
  ].join('')
}

/** The same for programs. */
export function givesAway(
  { recoverableText, systemPrompt, secrets, sources, card, made }: Review,
  { receipt, withholdText = false }: LeavingOptions,
) {
  return {
    ...{ characters: recoverableText.length, sources, system_prompt: systemPrompt, secrets },
    ...{ card: card !== '', receipt: receipt ? made : null, text_withheld: withholdText },
  }
}
