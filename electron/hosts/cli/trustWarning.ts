import type { Output } from '#shared/rpc/client.ts'

/** What whoever trusts a file is shown when its texts do not say what the model will read; null when they do. */
export function trustWarning({ notFromTexts, modelReads, heldBack, secrets }: Output<'packets.review'>): string | null {
  if (notFromTexts === null) return null
  const kinds = [...new Set(secrets.map(({ kind }) => kind))].join(', ')
  return [
    `Trusted as asked, though not proven: ${notFromTexts}${kinds === '' ? '' : ` It seems to hold: ${kinds}.`}`,
    ...['This is all that the model will have read:', (modelReads ?? '') + heldBack],
  ].join('\n')
}
