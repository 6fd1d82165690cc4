import { useEngine } from '../../stores/useEngine.ts'
import { useCartridgeCount } from '../../stores/useLibrary.ts'
import { deviceName } from '../../ui/deviceName.ts'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCount, formatCounted } from '../../ui/format.ts'
import { Section } from './Section.tsx'

/** What runs underneath, as it says itself. */
export function EngineFacts() {
  const { info, reason } = useEngine()
  const cartridges = useCartridgeCount() ?? 0
  return (
    <Section id="about">
      {info === undefined ? (
        <p className="muted">{reason ?? 'The engine is starting.'}</p>
      ) : (
        <Facts
          caption="This installation"
          facts={[
            { label: 'Version', value: info.version },
            {
              label: 'Device',
              value: `${deviceName(info.device)}, ${formatCounted(info.threads, 'thread')}`,
            },
            { label: 'Runtime', value: info.runtime },
            { label: 'Memory of the engine', value: formatBytes(info.rssBytes) },
            { label: 'Loaded models', value: info.loadedModels.length === 0 ? 'none' : info.loadedModels.join(', ') },
            // As everywhere else; states between questions are no cartridges.
            { label: 'Library', value: formatCounted(cartridges, 'cartridge') },
            {
              label: 'Stored states',
              value: `${formatCount(info.store.packets)}, ${formatBytes(info.store.bytes)} on disk`,
            },
            { label: 'Receipts', value: formatCount(info.receipts) },
            { label: 'Folder', value: <span className="mono">{info.store.folder}</span> },
          ]}
        />
      )}
    </Section>
  )
}
