import { Option } from 'commander'

/** How texts join: exactly as one text would tokenise, or as State Pack counts. */
export function seamOption(): Option {
  return new Option('--seam <mode>', 'concat counts as State Pack does').choices(['exact', 'concat']).default('exact')
}
