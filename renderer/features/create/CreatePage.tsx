import { useEffect, useMemo, useState } from 'react'
import { z } from 'zod'
import { useStore } from 'zustand'
import type { StateDtype } from '#shared/domain/cartridge.ts'
import { nameFromTitle } from '#shared/domain/name.ts'
import { Page } from '../../app/Page.tsx'
import { useUi } from '../../app/uiStore.ts'
import { openJobs } from '../../stores/jobs.ts'
import { read } from '../../stores/read.ts'
import { isReadable } from '../../stores/sourcesStore.ts'
import { useStudio } from '../../stores/studio.ts'
import { useKept } from '../../stores/useKept.ts'
import { useRead } from '../../stores/useRead.ts'
import { useSettings } from '../../stores/useSettings.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { toastError } from '../../ui/toasts.tsx'
import { cutOf } from './cutOf.ts'
import { EstimatePane } from './EstimatePane.tsx'
import { handOver, jobsFor } from './handOver.ts'
import { Results } from './Results.tsx'
import { SourcesPanel } from './SourcesPanel.tsx'
import { type TooLongChoice, tooLongModels } from './TooLong.tsx'
import { titleOf } from './titleOf.ts'
import { useEstimate } from './useEstimate.ts'
import './create.css'

/** With more texts than that, checking is something to ask for. */
const MOST_CHECKED = 10

const SPLIT: TooLongChoice = { how: 'split' }

/** A text goes in, a cartridge comes out. */
export function CreatePage() {
  const { client, queries, sources: sourcesStore } = useStudio()
  const line = useRead('jobs.status', {}).data
  const isReading = line !== undefined && openJobs(line) > 0
  const defaults = useSettings()
  const { data, error, refetch } = useRead('models.list', {})
  const sources = useStore(sourcesStore)
  const [text, setText] = useKept('create.text', z.string(), '')
  const [systemPrompt, setSystemPrompt] = useKept('create.systemPrompt', z.string(), '')
  const [template, setTemplate] = useState(false)
  const [name, setName] = useKept('create.name', z.string(), '')
  const [each, setEach] = useState(true)
  const [chosenModel, setModel] = useState<string | null>(null)
  const [chosenDtype, setDtype] = useState<StateDtype | null>(null)
  const [chosenCheck, setCheck] = useState<boolean | null>(null)
  const [starting, setStarting] = useState<{ readonly done: number; readonly of: number } | null>(null)
  const [tooLong, setTooLong] = useState<TooLongChoice>(SPLIT)

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

  const readable = useMemo(() => files.filter(isReadable), [files])
  const unopenedBytes = readable.reduce((sum, { unopened }) => sum + (unopened?.size ?? 0), 0)
  const isUnopened = readable.some(({ unopened }) => unopened !== null)
  const pasted = useMemo(
    () => (text.trim() === '' ? null : { name: name.trim() || titleOf(text), text, extractor: undefined }),
    [text, name],
  )
  const titles = [...readable.map(file => file.name), ...(pasted === null ? [] : [pasted.name])]
  const reading = useMemo(
    () => ({ template, ...(systemPrompt.trim() === '' ? {} : { systemPrompt }) }),
    [template, systemPrompt],
  )
  const estimateInput = useMemo(() => {
    if (modelId === undefined || isUnopened) return null
    const sources = [
      ...readable.map(file => ({ name: file.name, text: file.text ?? '', extractor: file.extractor ?? undefined })),
      ...(pasted === null ? [] : [pasted]),
    ].map(source => ({ ...source, name: source.name.slice(-300) }))
    return sources.length === 0 ? null : { model: modelId, sources, ...reading, dtype, each }
  }, [modelId, isUnopened, readable, pasted, reading, dtype, each])
  const { estimate, error: estimateError } = useEstimate(estimateInput)
  const separate = each && titles.length > 1
  // Whatever was chosen for another text: one that is longer than any cartridge may be can only be split.
  const choice = estimate?.readsAtOnce === false ? SPLIT : tooLong
  const check = chosenCheck ?? (!separate || titles.length <= MOST_CHECKED)

  async function start(): Promise<void> {
    if (modelId === undefined) return
    const cut = cutOf(estimate, separate ? SPLIT : choice)
    const planned = jobsFor({
      files: readable,
      pasted,
      separate,
      taskFor: title => ({
        ...{ kind: 'read', model: modelId, dtype, check, ...reading },
        ...(separate || name.trim() === '' ? { title: nameFor(title) } : { name: name.trim() }),
        ...cut,
      }),
      title: separate ? null : name.trim() || null,
    })
    setStarting({ done: 0, of: planned.length })
    try {
      await handOver(client, planned, (taken, done) => {
        sourcesStore.getState().take(new Set(taken.flatMap(job => job.files.map(({ id }) => id))))
        if (taken.some(job => job.pasted !== null)) setText('')
        setStarting({ done, of: planned.length })
      })
      setName('')
      // What was made before makes room for what is read now.
      await queries.invalidateQueries(read('jobs.status', {}))
    } catch (thrown) {
      toastError(thrown)
    }
    setStarting(null)
  }

  return (
    <Page title="New cartridge">
      {isReading || starting !== null ? null : <Results />}
      {error !== null && data === undefined ? (
        <ErrorPanel error={error} action={{ label: 'Try again', onPress: () => void refetch() }} />
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
            suggestedName={titles[0] === undefined ? undefined : nameFor(titles[0])}
            nameFromFiles={separate}
            systemPrompt={systemPrompt}
            onSystemPrompt={setSystemPrompt}
            template={template}
            onTemplate={setTemplate}
            estimate={estimate}
            error={estimateError}
            extracting={files.some(file => !isReadable(file) && file.error === null)}
            unopened={isUnopened ? { texts: titles.length, bytes: unopenedBytes } : null}
            check={check}
            onCheck={setCheck}
            starting={starting}
            separate={separate ? titles.length : null}
            tooLong={choice}
            onTooLong={choice => {
              setTooLong(choice)
              const recurrent = tooLongModels(ready)[0]
              if (choice.how === 'recurrent' && recurrent !== undefined) setModel(recurrent.id)
            }}
            onStart={() => void start()}
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
