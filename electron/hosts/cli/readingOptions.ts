import { Option } from 'commander'

/** How texts join: exactly as one text would tokenise, or as State Pack counts. */
export function seamOption(): Option {
  return new Option('--seam <mode>', 'concat counts as State Pack does').choices(['exact', 'concat']).default('exact')
}

export type ControlTokens = 'text' | 'control'

/** How control tokens that a text spells out are read. */
export function controlTokensOption(): Option {
  return new Option('--control-tokens <how>', 'control tokens that the text spells out: plain text, or meant').choices([
    'text',
    'control',
  ])
}
