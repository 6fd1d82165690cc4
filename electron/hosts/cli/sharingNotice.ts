import type { Output } from '#shared/rpc/client.ts'

type Review = Output<'packets.exportReview'>

/** Of every command that lets a cartridge leave. */
export const NO_RECEIPT = 'hold back the receipt of its making: when, with which runtime and threads, how long'

/** Said before a cartridge leaves, in whatever form: whoever gets it can read this much. */
export function sharingNotice(
  { recoverableText, systemPrompt, sources, secrets, made }: Review,
  { gets, receipt }: { readonly gets: string; readonly receipt: boolean },
): string {
  const texts = sources.map(({ name, characters }) => `${name} (${characters} characters)`).join(', ')
  const parts = [
    recoverableText === '' ? `Anyone who ${gets} has its tokens` : `Anyone who ${gets} can read its text`,
    texts === '' ? '' : `: ${texts}`,
    systemPrompt === null ? '' : ', and its system prompt',
    '.',
    secrets.length === 0 ? '' : ` It seems to hold: ${[...new Set(secrets.map(({ kind }) => kind))].join(', ')}.`,
    made === null || !receipt
      ? ''
      : ` The receipt of its making goes along: when, with which runtime and threads, how long (--no-receipt holds it back).`,
  ]
  return parts.join('')
}

/** The same for programs. */
export function givesAway(
  { recoverableText, systemPrompt, secrets, sources, card, made }: Review,
  { receipt }: { readonly receipt: boolean },
) {
  return {
    ...{ characters: recoverableText.length, sources, system_prompt: systemPrompt, secrets },
    card: card !== '',
    receipt: receipt ? made : null,
  }
}
