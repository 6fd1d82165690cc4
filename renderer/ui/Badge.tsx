import type { ReactNode } from 'react'
import './badge.css'

export type Tone = 'ok' | 'kv' | 'ssm' | 'hybrid' | 'warn' | 'bad' | 'muted' | 'accent'

/** A state in one or two words. The word carries the meaning, the colour only repeats it. */
export function Badge({ tone = 'muted', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return <span className={`Badge Badge--${tone}`}>{children}</span>
}
