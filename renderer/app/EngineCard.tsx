import { useEngine } from '../stores/useEngine.ts'
import { useCartridgeCount } from '../stores/useLibrary.ts'
import { deviceName } from '../ui/deviceName.ts'
import { dotted } from '../ui/dotted.ts'
import { formatBytes, formatCounted, formatRate } from '../ui/format.ts'

const WORDS = {
  starting: 'Engine starting',
  ready: 'Engine ready',
  restarting: 'Engine restarting',
  failed: 'Engine stopped',
} as const

/** The engine's state, always in sight at the lower left. */
export function EngineCard() {
  const { state, reason, info } = useEngine()
  const cartridges = useCartridgeCount() ?? 0
  const rate = info?.lastTokensPerSecond ?? null
  return (
    <div
      className="Engine"
      role="status"
      title={`${WORDS[state]}${info === undefined ? '' : `. ${info.deviceReason}`}`}
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
              formatCounted(cartridges, 'cartridge'),
              formatBytes(info.store.bytes),
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
