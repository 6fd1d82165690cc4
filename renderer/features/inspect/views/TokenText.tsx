/** A text with its token boundaries, or with the spans that did not come from the person's own words. Smooth at any length. */
import { type PointerEvent, useMemo, useState } from 'react'
import { Badge } from '../../../ui/Badge.tsx'
import { formatCount, formatCounted } from '../../../ui/format.ts'
import type { Inspection } from '../inspectData.ts'
import { spanKindsAt } from './spanKindsAt.ts'
import { tokenRuns } from './tokenRuns.ts'

interface TokenTextProps {
  readonly label: string
  readonly tokens: Inspection['tokens']
  readonly text: string
  readonly spans: Inspection['spans']
  readonly mode: 'boundaries' | 'spans'
}

/** The browser skips layout and paint of chunks that are out of sight (`content-visibility`). */
const CHUNK = 400

export function TokenText({ label, tokens, text, spans, mode }: TokenTextProps) {
  const [at, setAt] = useState<number | null>(null)
  const kinds = useMemo(() => spanKindsAt(tokens.length, spans), [tokens.length, spans])
  const runs = useMemo(() => tokenRuns(tokens, text), [tokens, text])
  const chunks = useMemo(
    () => Array.from({ length: Math.ceil(runs.length / CHUNK) }, (_, i) => runs.slice(i * CHUNK, (i + 1) * CHUNK)),
    [runs],
  )
  const onPointerMove = (event: PointerEvent) => {
    const { run: pointed } = (event.target as HTMLElement).dataset
    if (pointed !== undefined) setAt(Number(pointed))
  }
  const run = at === null ? undefined : runs[at]
  return (
    <div className="stack">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it */}
      <section className={`TokenText TokenText--${mode}`} aria-label={label} tabIndex={0} onPointerMove={onPointerMove}>
        {chunks.map((chunk, index) => (
          <p key={chunk[0]?.at ?? index} className="TokenText-chunk">
            {chunk.map((item, inChunk) => {
              const number = index * CHUNK + inChunk
              const kind = kinds[item.at] ?? null
              return (
                <span
                  key={item.at}
                  data-run={number}
                  data-even={number % 2 === 0 || undefined}
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
        {run === undefined ? (
          'Point at a token to see its id. The table lists them all.'
        ) : (
          <>
            Position <b>{formatCount(run.at)}</b>, id <b className="mono">{run.tokens.map(({ id }) => id).join(' ')}</b>
            , text <b className="mono">{JSON.stringify(run.text)}</b>
            {run.tokens.length === 1 ? null : ` in ${formatCounted(run.tokens.length, 'token')}`}
            {kinds[run.at] ? (
              <>
                {' '}
                <Badge>{kinds[run.at]}</Badge>
              </>
            ) : null}
          </>
        )}
      </p>
    </div>
  )
}
