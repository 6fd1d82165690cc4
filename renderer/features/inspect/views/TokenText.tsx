/** A text with its token boundaries, or with the spans that did not come from the person's own words. Smooth at any length. */
import { type PointerEvent, useMemo, useState } from 'react'
import { Badge } from '../../../ui/Badge.tsx'
import { formatCount } from '../../../ui/format.ts'
import type { Inspection } from '../inspectData.ts'
import { spanKindsAt } from './spanKindsAt.ts'

interface TokenTextProps {
  readonly label: string
  readonly tokens: Inspection['tokens']
  readonly spans: Inspection['spans']
  readonly mode: 'boundaries' | 'spans'
}

/** The browser skips layout and paint of chunks that are out of sight (`content-visibility`). */
const CHUNK = 400

export function TokenText({ label, tokens, spans, mode }: TokenTextProps) {
  const [at, setAt] = useState<number | null>(null)
  const kinds = useMemo(() => spanKindsAt(tokens.length, spans), [tokens.length, spans])
  const chunks = useMemo(
    () => Array.from({ length: Math.ceil(tokens.length / CHUNK) }, (_, i) => tokens.slice(i * CHUNK, (i + 1) * CHUNK)),
    [tokens],
  )
  const onPointerMove = (event: PointerEvent) => {
    const position = (event.target as HTMLElement).dataset.position
    if (position !== undefined) setAt(Number(position))
  }
  const token = at === null ? undefined : tokens[at]
  return (
    <div className="stack">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it */}
      <section className={`TokenText TokenText--${mode}`} aria-label={label} tabIndex={0} onPointerMove={onPointerMove}>
        {chunks.map((chunk, index) => (
          <p key={chunk[0]?.start ?? index} className="TokenText-chunk">
            {chunk.map((item, inChunk) => {
              const position = index * CHUNK + inChunk
              const kind = kinds[position] ?? null
              return (
                <span
                  key={position}
                  data-position={position}
                  data-even={position % 2 === 0 || undefined}
                  data-kind={kind ?? undefined}
                  className="TokenText-token"
                >
                  {item.text.replaceAll('\n', '↵\n')}
                </span>
              )
            })}
          </p>
        ))}
      </section>
      <p className="small muted TokenText-status">
        {token === undefined || at === null ? (
          'Point at a token to see its id. The table lists them all.'
        ) : (
          <>
            Position <b>{formatCount(at)}</b>, id <b className="mono">{token.id}</b>, text{' '}
            <b className="mono">{JSON.stringify(token.text)}</b>
            {kinds[at] ? <Badge>{kinds[at]}</Badge> : null}
          </>
        )}
      </p>
    </div>
  )
}
