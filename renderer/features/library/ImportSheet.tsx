import { useEffect, useState } from 'react'
import { useNavigate } from 'react-router'
import type { StateKind } from '#shared/domain/cartridge.ts'
import { nameInFileName } from '#shared/domain/cartridgeFileName.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { nameFromTitle } from '#shared/domain/name.ts'
import { useUi } from '../../app/uiStore.ts'
import { type ChosenFile, cartridgeInput } from '../../client/cartridgeInput.ts'
import { useTask } from '../../stores/useTask.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { KIND_LABEL } from '../../ui/CartridgeCard.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatRead, shortDigest } from '../../ui/format.ts'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { Sheet } from '../../ui/Sheet.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { CardText } from './CardText.tsx'
import { ReviewedText } from './ReviewedText.tsx'
import { SecretsNotice } from './SecretsNotice.tsx'
import { TryQuestion } from './TryQuestion.tsx'
import './library.css'

/** What the person called the file is what they will look for. */
function nameOf(file: ChosenFile): string {
  return nameFromTitle(nameInFileName(file.name))
}

function isKind(kind: string): kind is StateKind {
  return kind in KIND_LABEL
}

/** What a `.cartridge` file is, shown before anything of it is written; several files are reviewed one after the other. */
export function ImportSheet() {
  const files = useUi(ui => ui.imports)
  const file = files[0]
  const next = () => useUi.getState().setImports(files.slice(1))
  return (
    <Sheet
      title={files.length > 1 ? `Review, ${files.length} to go` : 'Review before importing'}
      isOpen={file !== undefined}
      onClose={() => useUi.getState().setImports([])}
    >
      {file === undefined ? null : (
        <Review key={`${file.name} ${file.size} ${files.length}`} file={file} onDone={next} />
      )}
    </Sheet>
  )
}

function Review({ file, onDone }: { readonly file: ChosenFile; readonly onDone: () => void }) {
  const navigate = useNavigate()
  const { run, ...review } = useTask('packets.review')
  const importing = useTask('jobs.import')
  const [name, setName] = useState(nameOf(file))
  const [lenient, setLenient] = useState(false)

  useEffect(() => {
    const { path, upload } = cartridgeInput(file)
    void run({ path, lenient }, upload)
  }, [file, lenient, run])

  const failure = review.error
  if (failure instanceof StatePackError && failure.details.lenient === true && !lenient) {
    return (
      <>
        <ErrorPanel error={failure} action={{ label: 'Read it leniently', onPress: () => setLenient(true) }} />
        <Button onPress={onDone}>Skip this file</Button>
      </>
    )
  }
  if (failure !== null) return <ErrorPanel error={failure} action={{ label: 'Skip this file', onPress: onDone }} />
  const found = review.result
  if (found === null) return <ProgressBar label={`Looking at ${file.name}`} value={null} />

  async function take(trust: boolean): Promise<void> {
    const { path, upload } = cartridgeInput(file)
    const called = name.trim() === '' ? {} : { name: name.trim() }
    const job = { title: file.name, path, trust, lenient, ...called }
    if ((await importing.run(job, upload)) === null) return
    void navigate('/library')
    onDone()
  }

  return (
    <>
      <div className="Details-face">
        {isKind(found.kind) ? (
          <CartridgeFace digest={found.packetId} kind={found.kind} width={400} height={130} />
        ) : null}
      </div>
      <h2>{found.name}</h2>
      {found.duplicate ? null : (
        <TextField label="Name in the library" value={name} onChange={setName} maxLength={200} />
      )}
      {found.card === '' ? null : <CardText text={found.card} name={found.name} />}
      <div className="row wrap">
        {found.own ? <Badge tone="ok">Made here</Badge> : null}
        {found.signedBy === null ? <Badge tone="warn">Not signed</Badge> : <Badge tone="kv">Signed</Badge>}
        {found.modelInstalled ? <Badge tone="ok">Model installed</Badge> : <Badge tone="warn">Model missing</Badge>}
        {found.duplicate ? <Badge>Already in the library</Badge> : null}
        {found.refusedReferrers === 0 ? null : <Badge tone="warn">A signature does not hold</Badge>}
      </div>
      <Facts
        caption="What the file holds"
        facts={[
          { label: 'From', value: found.signedBy ?? 'unknown, the file is not signed' },
          { label: 'File', value: `${file.name} · ${formatBytes(found.bytes)}` },
          { label: 'Read', value: formatRead(found.tokens, 'tokens') },
          {
            label: 'Model',
            value: `${found.model.name} (${isKind(found.kind) ? KIND_LABEL[found.kind] : found.kind})`,
          },
          { label: 'Packet', value: <span className="mono">{shortDigest(found.packetId)}</span> },
        ]}
      />
      <SecretsNotice secrets={found.secrets} />
      <ReviewedText review={found} />
      {found.modelInstalled ? <TryQuestion file={file} lenient={lenient} /> : null}
      {importing.status === 'failed' ? (
        <ErrorPanel error={importing.error} action={{ label: 'Skip this file', onPress: onDone }} />
      ) : null}
      {importing.status === 'running' ? (
        <ProgressBar label={importing.progress?.phase ?? 'Importing'} value={null} />
      ) : (
        <div className="Review-foot">
          <p className="small muted">
            {found.own
              ? 'This library made it and keeps the receipt, so it can be run at once.'
              : 'Restricted means: it can be inspected, not run, until you trust it or check it by recomputing.'}
          </p>
          {found.own ? (
            <Button variant="primary" wide onPress={() => void take(false)}>
              Import, your own
            </Button>
          ) : (
            <div className="two">
              <Button variant="primary" onPress={() => void take(false)}>
                Import, restricted
              </Button>
              <Button onPress={() => void take(true)}>Import and trust</Button>
            </div>
          )}
          <Button variant="quiet" onPress={onDone}>
            Do not import
          </Button>
        </div>
      )}
    </>
  )
}
