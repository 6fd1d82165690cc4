import { useCallback, useEffect, useState } from 'react'
import { useNavigate } from 'react-router'
import type { StateKind } from '#shared/domain/cartridge.ts'
import { nameInFileName } from '#shared/domain/cartridgeFileName.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { nameFromTitle } from '#shared/domain/name.ts'
import type { Output } from '#shared/rpc/client.ts'
import { useUi } from '../../app/uiStore.ts'
import { type Candidate, cartridgeInput, isOffered, type Offered } from '../../client/cartridgeInput.ts'
import { useStudio } from '../../stores/studio.ts'
import { useTask } from '../../stores/useTask.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { KIND_LABEL } from '../../ui/CartridgeCard.tsx'
import { CartridgeFace } from '../../ui/CartridgeFace.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatAgo, formatBytes, formatRead, shortDigest } from '../../ui/format.ts'
import { Sheet } from '../../ui/Sheet.tsx'
import { TextField } from '../../ui/TextField.tsx'
import { toastDone } from '../../ui/toasts.tsx'
import { TaskProgress } from '../inspect/TaskProgress.tsx'
import { BlockedNotice } from './BlockedNotice.tsx'
import { CardText } from './CardText.tsx'
import { ReviewedText } from './ReviewedText.tsx'
import { SecretsNotice } from './SecretsNotice.tsx'
import { TryQuestion } from './TryQuestion.tsx'
import './library.css'

/** What the person called the file is what they will look for. */
function nameOf(file: Candidate): string {
  return nameFromTitle(nameInFileName(file.name))
}

function isKind(kind: string): kind is StateKind {
  return kind in KIND_LABEL
}

/** What a cartridge is, file or offer, shown before anything of it is written; several are reviewed one after the other. */
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
        <OneCandidate
          key={`${isOffered(file) ? file.from : file.size} ${file.name} ${files.length}`}
          file={file}
          onDone={next}
        />
      )}
    </Sheet>
  )
}

function OneCandidate({ file, onDone }: { readonly file: Candidate; readonly onDone: () => void }) {
  const [asked, setAsked] = useState(!isOffered(file) || !file.asksFirst)
  if (isOffered(file) && !asked) return <WhereItLeads offered={file} onFetch={() => setAsked(true)} onDone={onDone} />
  return <Review file={file} onDone={onDone} />
}

/** A link was opened: shows where it leads. Nothing is fetched by looking at it. */
function WhereItLeads({
  offered,
  onFetch,
  onDone,
}: {
  readonly offered: Offered
  readonly onFetch: () => void
  readonly onDone: () => void
}) {
  return (
    <>
      <p>
        A link offers a cartridge at this address. Nothing has been fetched yet; it is reviewed here before anything
        enters your library.
      </p>
      <div className="row">
        <span className="mono grow" style={{ overflowWrap: 'anywhere' }}>
          {offered.from}
        </span>
        <CopyButton text={offered.from} label="Copy the address" />
      </div>
      <div className="two">
        <Button variant="primary" onPress={onFetch}>
          Fetch and review
        </Button>
        <Button onPress={onDone}>Close</Button>
      </div>
    </>
  )
}

function Review({ file, onDone }: { readonly file: Candidate; readonly onDone: () => void }) {
  const { library } = useStudio()
  const navigate = useNavigate()
  const { run, ...review } = useTask('packets.review')
  const queueing = useTask('jobs.import')
  const taking = useTask('packets.import')
  const importing = isOffered(file) ? taking : queueing
  const [name, setName] = useState(nameOf(file))
  const [lenient, setLenient] = useState(false)

  const look = useCallback(() => {
    const { input, upload } = cartridgeInput(file)
    void run({ ...input, lenient }, upload)
  }, [file, lenient, run])
  useEffect(look, [look])

  const failure = review.error
  if (failure instanceof StatePackError && failure.details.lenient === true && !lenient) {
    return (
      <>
        <ErrorPanel error={failure} action={{ label: 'Read it leniently', onPress: () => setLenient(true) }} />
        <Button onPress={onDone}>Skip it</Button>
      </>
    )
  }
  if (failure !== null) return <ErrorPanel error={failure} action={{ label: 'Skip it', onPress: onDone }} />
  const found = review.result
  if (found === null) {
    return (
      <>
        <TaskProgress progress={review.progress} fallback={`Looking at ${file.name}`} />
        {isOffered(file) ? <Button onPress={onDone}>Cancel</Button> : null}
      </>
    )
  }
  const { packetId, from } = found

  async function take(trust: boolean): Promise<void> {
    const { input, upload } = cartridgeInput(file)
    const decided = { trust, lenient, ...(name.trim() === '' ? {} : { name: name.trim() }) }
    if (isOffered(file)) {
      // Exactly what was reviewed, wherever a tag or a branch points by now. Most of it is here since then.
      const reviewed = { ...input, ...(from === null ? {} : { from }), packetId }
      const entry = file.entry === undefined ? {} : { entry: file.entry }
      const result = await taking.run({ ...reviewed, ...decided, ...entry })
      if (result === null) return
      toastDone(result.duplicate ? 'Already in the library' : `Imported ${result.cartridge.name}`)
      library.getState().select([result.cartridge.packetId])
    } else if ((await queueing.run({ title: file.name, path: input.path, ...decided }, upload)) === null) return
    void navigate('/library')
    onDone()
  }

  return (
    <>
      <div className="Details-face">
        {isKind(found.kind) ? (
          <CartridgeFace digest={found.packetId} kind={found.kind} name={found.name} width={400} height={130} />
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
        {found.refusedReferrers === 0 ? null : <Badge tone="warn">A signature or receipt does not hold</Badge>}
      </div>
      <Facts
        caption="What it is"
        facts={[
          { label: 'From', value: publisherOf(found, isOffered(file) ? file.publisher : undefined) },
          ...(found.made === null ? [] : [{ label: 'Made', value: `${formatAgo(found.made.at)}, says its receipt` }]),
          isOffered(file)
            ? { label: 'Comes from', value: <OfferedAt address={found.from ?? file.from} /> }
            : { label: 'File', value: `${file.name}, ${formatBytes(found.bytes)}` },
          { label: 'Size', value: formatBytes(found.storedBytes) },
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
      {found.modelInstalled && found.blocked === null ? (
        <TryQuestion file={file} from={from} lenient={lenient} />
      ) : null}
      {importing.status === 'failed' ? (
        <ErrorPanel error={importing.error} action={{ label: 'Skip it', onPress: onDone }} />
      ) : null}
      {importing.status === 'running' ? (
        <TaskProgress progress={importing.progress} fallback="Importing" />
      ) : (
        <div className="Review-foot">
          {found.blocked === null ? (
            <p className="small muted">
              {found.own
                ? 'This library made it and keeps the receipt, so it can be run at once.'
                : 'Restricted means: it can be inspected, not run, until you trust it or check it by recomputing.'}
            </p>
          ) : (
            <BlockedNotice publisher={found.blocked} onUnblocked={look} />
          )}
          {found.blocked !== null ? null : found.own ? (
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

/** Who signed it; by the name that the catalogue has for that key, where it led here and the key is the one it names. */
function publisherOf({ signedBy, signer }: Output<'packets.review'>, named: Offered['publisher']): string {
  if (signedBy === null) return 'unknown, it is not signed'
  if (named === undefined) return signedBy
  return signer === named.keyid
    ? `${named.name}, says the catalogue: ${signedBy}`
    : `${signedBy}, not ${named.name}, whom the catalogue names`
}

function OfferedAt({ address }: { readonly address: string }) {
  return address.startsWith('shipped:') ? 'it came with the app' : <span className="mono">{address}</span>
}
