import type { Output } from '#shared/rpc/client.ts'

type Review = Output<'packets.exportReview'>

/** Said before a cartridge leaves, in whatever form: whoever gets it can read this much. */
export function sharingNotice({ recoverableText, systemPrompt, sources, secrets }: Review, gets: string): string {
  const texts = sources.map(({ name, characters }) => `${name} (${characters} characters)`).join(', ')
  const parts = [
    recoverableText === '' ? `Anyone who ${gets} has its tokens` : `Anyone who ${gets} can read its text`,
    texts === '' ? '' : `: ${texts}`,
    systemPrompt === null ? '' : ', and its system prompt',
    '.',
    secrets.length === 0 ? '' : ` It seems to hold: ${[...new Set(secrets.map(({ kind }) => kind))].join(', ')}.`,
  ]
  return parts.join('')
}

/** The same for programs. */
export function givesAway({ recoverableText, systemPrompt, secrets, sources, card }: Review) {
  return {
    ...{ characters: recoverableText.length, sources, system_prompt: systemPrompt, secrets },
    card: card !== '',
  }
}
