import type { CatalogueEntry } from '#shared/domain/catalogue.ts'
import { canonicalText } from '../canonicalJson.ts'

/** Of every cartridge on the hub: what to search for. */
export const HUB_LIBRARY = 'statepack'

/**
 * The README.md of a repository of the hub: front matter by which the hub finds and files it, and the card for people.
 * `entry` is what a catalogue would say; `statepack` of the front matter has it for whoever browses.
 */
export function modelCard(entry: CatalogueEntry, hubId: string): string {
  const { card, title, licence, model, kind, questions } = entry
  // Members of JSON are members of YAML: nothing in a title can become another field.
  const matter = [
    `library_name: ${HUB_LIBRARY}`,
    ...(licence === null ? [] : [`license: ${JSON.stringify(licence.toLowerCase())}`]),
    ...(/^[\w.-]+\/[\w.-]+$/.test(model.name) ? [`base_model: ${JSON.stringify(model.name)}`] : []),
    `tags: ${JSON.stringify([HUB_LIBRARY, 'cartridge', kind === 'kv' ? 'kv-cache' : kind])}`,
    `statepack: ${canonicalText(entry)}`,
  ]
  const asked = questions.flatMap(({ question, answer }) => [`**${question}**`, '', `> ${answer}`, ''])
  return [
    ...['---', ...matter, '---', ''],
    ...(card.trim().startsWith('# ') ? [card.trim(), ''] : [`# ${title}`, '', card.trim(), '']),
    ...(asked.length === 0 ? [] : ['## What it was asked, and what it answered', '', ...asked]),
    ...[
      '## Use',
      '',
      `A cartridge for ${model.name}: what that model remembers of a text, to be asked without reading it`,
    ],
    ...['again.', '', '```', `statepack pull hf://${hubId}`, '```', ''],
  ].join('\n')
}
