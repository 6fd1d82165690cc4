import { useEngine } from '../stores/useEngine.ts'
import { deviceName } from '../ui/deviceName.ts'
import { dotted } from '../ui/dotted.ts'
import { formatBytes, formatCounted, formatRate } from '../ui/format.ts'

const WORDS = {
  starting: 'Engine starting',
  ready: 'Engine ready',
  restarting: 'Engine restarting',
  failed: 'Engine stopped',
} as const

/** Why these are not the figures of the library. */
const STORED =
  'Stored states are the cartridges of the library and what questions led to. What several share is on disk once.'

/** The engine's state, always in sight at the lower left. */
export function EngineCard() {
  const { state, reason, info } = useEngine()
  const rate = info?.lastTokensPerSecond ?? null
  return (
    <div
      className="Engine"
      role="status"
      title={[WORDS[state], ...(info === undefined ? [] : [info.deviceReason, STORED])].join('. ')}
    >
      <b>
        <span className={`Engine-dot Engine-dot--${state}`} aria-hidden />
        <span className="Sidebar-text">{WORDS[state]}</span>
      </b>
      {state === 'ready' && info !== undefined ? (
        <>
          <span className="Sidebar-text">
            {dotted(deviceName(info.device), rate !== null && `last read ${formatRate(rate)}`)}
          </span>
          <span className="Sidebar-text">
            {dotted(
              formatCounted(info.store.packets, 'state'),
              `${formatBytes(info.store.bytes)} on disk`,
              info.store.readOnly && 'read-only',
            )}
          </span>
        </>
      ) : (
        <span className="Sidebar-text">{reason ?? 'One moment'}</span>
      )}
    </div>
  )
}
