import { useEffect, useMemo, useState } from 'react'
import { z } from 'zod'
import { useStore } from 'zustand'
import type { StateDtype } from '#shared/domain/cartridge.ts'
import { nameFromTitle } from '#shared/domain/name.ts'
import { Page } from '../../app/Page.tsx'
import { useUi } from '../../app/uiStore.ts'
import { type Order, splitOrder } from '../../stores/createQueue.ts'
import { useStudio } from '../../stores/studio.ts'
import { useKept } from '../../stores/useKept.ts'
import { useQuery } from '../../stores/useQuery.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { EstimatePane } from './EstimatePane.tsx'
import { JobList } from './JobList.tsx'
import { SourcesPanel } from './SourcesPanel.tsx'
import { type TooLongChoice, tooLongModels } from './TooLong.tsx'
import { useEstimate } from './useEstimate.ts'
import './create.css'

/** A text goes in, a cartridge comes out. */
export function CreatePage() {
  const { settings, createQueue, sources: sourcesStore } = useStudio()
  const defaults = useStore(settings, s => s.settings)
  const jobs = useStore(createQueue, s => s.jobs)
  const { data, error, reload } = useQuery('models.list', {}, ['models.changed'])
  const sources = useStore(sourcesStore)
  const [text, setText] = useKept('create.text', z.string(), '')
  const [systemPrompt, setSystemPrompt] = useKept('create.systemPrompt', z.string(), '')
  const [template, setTemplate] = useState(false)
  const [name, setName] = useKept('create.name', z.string(), '')
  const [each, setEach] = useState(true)
  const [chosenModel, setModel] = useState<string | null>(null)
  const [chosenDtype, setDtype] = useState<StateDtype | null>(null)
  const [tooLong, setTooLong] = useState<TooLongChoice>({ how: 'split' })

  // Files dropped anywhere in the window wait in the ui store until this page takes them.
  const dropped = useUi(ui => ui.sources)
  const { add } = sources
  useEffect(() => {
    if (dropped.length === 0) return
    useUi.getState().setSources([])
    add(dropped)
  }, [dropped, add])

  const ready = data?.models.filter(model => model.status === 'ready') ?? []
  const model =
    ready.find(candidate => candidate.id === chosenModel) ??
    ready.find(candidate => candidate.id === defaults?.defaultModel) ??
    ready[0]
  // The setting is for keys and values: recurrent states are small and stay exact.
  const dtype = chosenDtype ?? (model?.kind === 'kv' ? (defaults?.dtype ?? 'float16') : 'float32')
  const modelId = model?.id
  const files = sources.files

  const texts = useMemo(
    () => [
      ...files.flatMap(file =>
        file.text === null ? [] : [{ name: file.name, text: file.text, extractor: file.extractor ?? undefined }],
      ),
      ...(text.trim() === '' ? [] : [{ name: name.trim() || titleOf(text), text, extractor: undefined }]),
    ],
    [files, text, name],
  )
  const estimateInput = useMemo(
    () =>
      modelId === undefined || texts.length === 0
        ? null
        : {
            model: modelId,
            sources: texts.map(source => ({ ...source, name: source.name.slice(-300) })),
            template,
            ...(systemPrompt.trim() === '' ? {} : { systemPrompt }),
          },
    [modelId, texts, template, systemPrompt],
  )
  const { estimate, error: estimateError } = useEstimate(estimateInput)
  const separate = each && texts.length > 1

  function start(): void {
    if (estimateInput === null || estimate === null) return
    const groups = separate ? texts.map(source => [source]) : [texts]
    for (const group of groups) {
      const title = (separate ? group[0]?.name : name.trim() || group[0]?.name) ?? 'text'
      const base = {
        ...estimateInput,
        sources: group,
        dtype,
        ...(separate || name.trim() === '' ? { title: nameFor(title) } : { name: name.trim() }),
      }
      createQueue.getState().add(title, orderFor(base, estimate.fits ? null : separate ? { how: 'split' } : tooLong))
    }
    sources.take()
    setText('')
    setName('')
  }

  return (
    <Page title="New cartridge">
      <JobList jobs={jobs} />
      {error !== null && data === null ? (
        <ErrorPanel error={error} action={{ label: 'Try again', onPress: reload }} />
      ) : (
        <div className="Create">
          <SourcesPanel sources={sources} text={text} onText={setText} each={each} onEach={setEach} />
          <EstimatePane
            models={ready}
            model={model}
            onModel={setModel}
            dtype={dtype}
            onDtype={setDtype}
            name={name}
            onName={setName}
            suggestedName={texts[0] === undefined ? undefined : nameFor(texts[0].name)}
            nameFromFiles={separate}
            systemPrompt={systemPrompt}
            onSystemPrompt={setSystemPrompt}
            template={template}
            onTemplate={setTemplate}
            estimate={estimate}
            error={estimateError}
            extracting={files.some(file => file.text === null && file.error === null)}
            separate={separate ? texts.length : null}
            tooLong={tooLong}
            onTooLong={choice => {
              setTooLong(choice)
              const recurrent = tooLongModels(ready)[0]
              if (choice.how === 'recurrent' && recurrent !== undefined) setModel(recurrent.id)
            }}
            onStart={start}
          />
        </div>
      )}
    </Page>
  )
}

/** Of a file, without its ending. */
function nameFor(title: string): string {
  return nameFromTitle(title.replace(/\.[a-z0-9]{1,5}$/i, ''))
}

/** The first words of a pasted text stand in for a file name; a line such as "Facts:" only announces them. */
function titleOf(text: string): string {
  const lines = text.trim().split('\n', 12)
  const first = lines.find(candidate => /\S/.test(candidate) && !candidate.trimEnd().endsWith(':')) ?? lines[0] ?? ''
  const line = first.replace(/[\s:;,.#]+$/, '').replace(/^[#\s]+/, '')
  return line.length <= 48 ? line : `${line.slice(0, 48).replace(/\s+\S*$/, '')}…`
}

type Base = Extract<Order, { how: 'whole' }>['input']

function orderFor(base: Base, tooLong: TooLongChoice | null): Order {
  if (tooLong?.how === 'split') return splitOrder(base)
  if (tooLong?.how === 'first') return { how: 'whole', input: { ...base, firstTokens: tooLong.tokens } }
  return { how: 'whole', input: base }
}
