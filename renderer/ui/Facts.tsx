import type { ReactNode } from 'react'
import './panel.css'

export interface Fact {
  readonly label: string
  readonly value: ReactNode
}

/** Names and values, one line each. `caption` is spoken, not shown. */
export function Facts({ caption, facts }: { readonly caption: string; readonly facts: readonly Fact[] }) {
  return (
    <table className="Facts">
      <caption className="visually-hidden">{caption}</caption>
      <tbody>
        {facts.map(fact => (
          <tr key={fact.label}>
            <th scope="row">{fact.label}</th>
            <td>{fact.value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
