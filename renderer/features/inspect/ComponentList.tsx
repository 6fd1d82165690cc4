import { Check, Minus, X } from 'lucide-react'
import { ListBox, ListBoxItem } from 'react-aria-components'
import type { StateKind } from '#shared/domain/cartridge.ts'
import { COMPONENTS, type ComponentId } from '#shared/domain/component.ts'
import { Badge, type Tone } from '../../ui/Badge.tsx'
import { shortDigest } from '../../ui/format.ts'
import { componentTitle } from './componentTitle.ts'
import type { InspectedComponent } from './inspectData.ts'

const TONES = { captured: 'ok', bound: 'kv', 'not-applicable': 'muted' } as const satisfies Record<string, Tone>
const WORDS = { captured: 'captured', bound: 'bound', 'not-applicable': 'not applicable' } as const

/** Against the installed model: a mark and, for screen readers, a word. */
function Match({ matches }: { readonly matches: boolean | null }) {
  if (matches === true)
    return <Check className="Component-match" data-match="yes" role="img" aria-label="matches the installed model" />
  if (matches === false)
    return <X className="Component-match" data-match="no" role="img" aria-label="differs from the installed model" />
  return <Minus className="Component-match" role="img" aria-label="not compared: the model is not installed" />
}

interface ComponentListProps {
  readonly components: readonly InspectedComponent[]
  readonly kind: StateKind
  readonly selected: ComponentId | null
  readonly onSelect: (id: ComponentId) => void
}

/** The twelve components, one row each: number, title, status, digest, shape, match. */
export function ComponentList({ components, kind, selected, onSelect }: ComponentListProps) {
  return (
    <ListBox
      className="Components"
      aria-label="Components of the state"
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={selected === null ? [] : [selected]}
      onSelectionChange={keys => {
        const chosen = COMPONENTS.find(component => keys !== 'all' && keys.has(component.id))
        if (chosen !== undefined) onSelect(chosen.id)
      }}
    >
      {COMPONENTS.map(({ id, number }) => {
        const row = components.find(entry => entry.component.id === id)
        if (row === undefined) return null
        const { component } = row
        return (
          <ListBoxItem key={id} id={id} textValue={`${number} ${componentTitle(id, kind)}`} className="Component">
            <span className="Component-number">{number}</span>
            <span className="Component-text">
              <b>{componentTitle(id, kind)}</b>
              {component.status === 'not-applicable' ? (
                <span className="Component-detail truncate">{component.reason}</span>
              ) : (
                <span className="Component-detail Component-figures mono">
                  {row.shape === '' ? null : <span className="truncate">{row.shape}</span>}
                  <span>{shortDigest(component.digest)}</span>
                </span>
              )}
            </span>
            <Badge tone={TONES[component.status]}>{WORDS[component.status]}</Badge>
            <Match matches={row.matches} />
          </ListBoxItem>
        )
      })}
    </ListBox>
  )
}
