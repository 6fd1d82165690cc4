import { Slider, SliderStateContext, SliderThumb, SliderTrack } from 'react-aria-components'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { formatPercent } from '../../ui/format.ts'
import { ParentChip } from './ParentChip.tsx'
import { sharesOf, stopsOf } from './shares.ts'

export interface CrossfaderProps {
  readonly cartridges: readonly CartridgeSummary[]
  /** Whole percent, one for each cartridge, 100 together. */
  readonly shares: readonly number[]
  readonly onChange: (shares: number[]) => void
  readonly onRemove: (index: number) => void
}

const percent = (share: number) => formatPercent(share, 0)

/** One bar that is divided among the cartridges; a thumb stands between every two. A part is as wide as its share. */
export function Crossfader({ cartridges, shares, onChange, onRemove }: CrossfaderProps) {
  const stops = stopsOf(shares)
  const nameOf = (at: number) => cartridges[at]?.name ?? ''
  const said = (at: number) => `${nameOf(at)} ${percent(shares[at] ?? 0)}`
  return (
    <>
      {cartridges.length < 2 ? null : (
        <Slider
          aria-label="Crossfader"
          className="Crossfader"
          value={stops}
          onChange={next => onChange(sharesOf(Array.isArray(next) ? next : [next]))}
          minValue={0}
          maxValue={100}
        >
          <SliderTrack className="Crossfader-track">
            {({ state }) => (
              <>
                {cartridges.map((cartridge, at) => (
                  <span
                    key={cartridge.packetId}
                    className="Crossfader-part"
                    aria-hidden
                    style={{ left: `${stops[at - 1] ?? 0}%`, width: `${shares[at] ?? 0}%` }}
                  >
                    <CartridgeFace digest={cartridge.packetId} kind={cartridge.kind} width={320} height={56} />
                    <b>{percent(shares[at] ?? 0)}</b>
                  </span>
                ))}
                <SliderStateContext.Provider
                  // The same object, since React Aria knows a slider by it; made anew at each render.
                  value={Object.assign(state, { getThumbValueLabel: (at: number) => `${said(at)}, ${said(at + 1)}` })}
                >
                  {stops.map((_, at) => (
                    <SliderThumb
                      // biome-ignore lint/suspicious/noArrayIndexKey: a thumb is its place in the row
                      key={at}
                      index={at}
                      className="Crossfader-thumb"
                      aria-label={`Between ${nameOf(at)} and ${nameOf(at + 1)}`}
                    />
                  ))}
                </SliderStateContext.Provider>
              </>
            )}
          </SliderTrack>
        </Slider>
      )}
      {cartridges.map((cartridge, at) => (
        <ParentChip key={cartridge.packetId} cartridge={cartridge} onRemove={() => onRemove(at)}>
          <b className="Parent-weight">{percent(shares[at] ?? 0)}</b>
        </ParentChip>
      ))}
    </>
  )
}
