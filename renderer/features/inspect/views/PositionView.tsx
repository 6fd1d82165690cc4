import { Facts } from '../../../ui/Facts.tsx'
import { formatCount } from '../../../ui/format.ts'
import type { Inspection } from '../inspectData.ts'

const SCHEMES: Readonly<Record<string, string>> = {
  rotary:
    'Rotary: each pair of key dimensions was turned by an angle that grows with the position, before it was stored.',
  learned:
    'Learned: a vector for each position was added to the embedding, so the position is inside the stored state.',
  none: 'None: a recurrent state carries order by itself.',
}

export function PositionView({ inspection }: { readonly inspection: Inspection }) {
  const { scheme, next, parameters } = inspection.position
  return (
    <div className="stack">
      <p>{SCHEMES[scheme] ?? `Scheme ${scheme}.`}</p>
      <Facts
        caption="Positional state"
        facts={[
          { label: 'Scheme', value: scheme },
          { label: 'Next position', value: formatCount(next) },
          ...Object.entries(parameters).map(([label, value]) => ({
            label,
            value: <span className="mono">{typeof value === 'string' ? value : JSON.stringify(value)}</span>,
          })),
        ]}
      />
    </div>
  )
}
