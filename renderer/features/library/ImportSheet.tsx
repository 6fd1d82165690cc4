import { TriangleAlert } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useNavigate } from 'react-router'
import type { StateKind } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { nameFromTitle } from '#shared/domain/name.ts'
import { useUi } from '../../app/uiStore.ts'
import { useStudio } from '../../stores/studio.ts'
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
import { toastDone } from '../../ui/toasts.tsx'
import { CardText } from './CardText.tsx'
import { ReviewedText } from './ReviewedText.tsx'
import './library.css'

/** A file is read into memory to be reviewed; beyond this a window would not survive it. */
const MAX_BYTES = 1.5e9

/** The file as bytes; says why when it cannot be taken. */
async function readFile(file: File): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size > MAX_BYTES) {
    throw new StatePackError(
      'E_TOO_LARGE',
      `${file.name} has ${formatBytes(file.size)}; a window takes ${formatBytes(MAX_BYTES)}.`,
    )
  }
  return new Uint8Array(await file.arrayBuffer())
}

/** What the person called the file is what they will look for. */
function nameOf(file: File): string {
  return nameFromTitle(file.name.replace(/\.cartridge$/i, ''))
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

function Review({ file, onDone }: { readonly file: File; readonly onDone: () => void }) {
  const { library } = useStudio()
  const navigate = useNavigate()
  const { run, ...review } = useTask('packets.review')
  const importing = useTask('packets.import')
  const [bytes, setBytes] = useState<Uint8Array<ArrayBuffer> | null>(null)
  const [name, setName] = useState(nameOf(file))
  const [unreadable, setUnreadable] = useState<unknown>(null)
  const [lenient, setLenient] = useState(false)

  useEffect(() => {
    readFile(file).then(read => {
      setBytes(read)
      void run({ bytes: read, lenient })
    }, setUnreadable)
  }, [file, lenient, run])

  const failure = unreadable ?? review.error
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
  if (found === null || bytes === null) return <ProgressBar label={`Looking at ${file.name}`} value={null} />

  async function take(trust: boolean): Promise<void> {
    if (bytes === null) return
    const result = await importing.run({ bytes, trust, lenient, ...(name.trim() === '' ? {} : { name: name.trim() }) })
    if (result === null) return
    toastDone(
      result.duplicate ? 'Already in the library' : `Imported ${result.cartridge.name}`,
      result.cartridge.trust === 'restricted' ? 'Restricted: it can be inspected, not run.' : undefined,
    )
    library.getState().select([result.cartridge.packetId])
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
      {found.secrets.length === 0 ? null : (
        <div className="TrustNotice" role="note">
          <TriangleAlert aria-hidden />
          <div>
            <b>It seems to hold secrets.</b>
            <ul>
              {found.secrets.map(secret => (
                <li key={`${secret.kind} ${secret.excerpt}`}>
                  {secret.kind}: <span className="mono">{secret.excerpt}</span>
                </li>
              ))}
            </ul>
          </div>
        </div>
      )}
      <ReviewedText review={found} />
      {importing.status === 'failed' ? (
        <ErrorPanel error={importing.error} action={{ label: 'Skip this file', onPress: onDone }} />
      ) : null}
      {importing.status === 'running' ? (
        <ProgressBar label={importing.progress?.phase ?? 'Importing'} value={null} />
      ) : (
        <div className="Review-foot">
          <p className="small muted">
            Restricted means: it can be inspected, not run, until you trust it or check it by recomputing.
          </p>
          <div className="two">
            <Button variant="primary" onPress={() => void take(false)}>
              Import, restricted
            </Button>
            <Button onPress={() => void take(true)}>Import and trust</Button>
          </div>
          <Button variant="quiet" onPress={onDone}>
            Do not import
          </Button>
        </div>
      )}
    </>
  )
}
