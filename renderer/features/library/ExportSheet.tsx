import { useRef, useState } from 'react'
import { progressShare } from '#shared/figures/progressFacts.ts'
import { useUi } from '../../app/uiStore.ts'
import { useRead } from '../../stores/useRead.ts'
import { useTask } from '../../stores/useTask.ts'
import { Button } from '../../ui/Button.tsx'
import { dotted } from '../../ui/dotted.ts'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { formatBytes, formatCount, formatCounted } from '../../ui/format.ts'
import { createGrowingFile, type GrowingFile } from '../../ui/growingFile.ts'
import { textName } from '../../ui/operationWords.ts'
import { ProgressBar } from '../../ui/ProgressBar.tsx'
import { Sheet } from '../../ui/Sheet.tsx'
import { saveFile } from '../../ui/saveFile.ts'
import { DragOut } from './DragOut.tsx'
import { type Leaving, LeavingChoices } from './LeavingChoices.tsx'
import { PublishForm } from './PublishForm.tsx'
import { SecretsNotice } from './SecretsNotice.tsx'
import './library.css'

/** What an export gives away, shown before a file is written; several are looked at one after the other. */
export function ExportSheet() {
  const ids = useUi(ui => ui.exports)
  const [first] = ids
  const next = () => useUi.getState().setExports(ids.slice(1))
  return (
    <Sheet
      title={ids.length > 1 ? `Export, ${formatCount(ids.length)} to go` : 'Before exporting'}
      isOpen={first !== undefined}
      onClose={() => useUi.getState().setExports([])}
    >
      {first === undefined ? null : <Review key={first} packetId={first} onDone={next} />}
    </Sheet>
  )
}

function Review({ packetId, onDone }: { readonly packetId: string; readonly onDone: () => void }) {
  const [leaving, setLeaving] = useState<Leaving>({ receipt: true, withhold: false })
  const review = useRead(
    'packets.exportReview',
    { ref: packetId, withhold: leaving.withhold },
    { keepsLast: true, afresh: true },
  )
  const growing = useRef<GrowingFile | null>(null)
  const task = useTask('packets.export', { onItem: bytes => growing.current?.write(bytes) })
  const [tried, setTried] = useState(false)
  const found = review.data
  if (review.error !== null) return <ErrorPanel error={review.error} action={{ label: 'Skip it', onPress: onDone }} />
  if (found === undefined) return <ProgressBar label="Looking at what it holds" value={null} />
  async function save(): Promise<void> {
    setTried(true)
    const file = await createGrowingFile()
    growing.current = file
    const result = await task.run({ ref: packetId, ...leaving })
    if (result === null) return file.discard()
    saveFile(result.fileName, await file.finish())
    onDone()
  }
  return (
    <>
      <h2>{found.name}</h2>
      <p className="muted">
        {leaving.withhold
          ? 'Whoever gets it can ask it. What it was made from is not in the file as text.'
          : 'Whoever gets it can ask it, and can read what it was made from.'}
      </p>
      <Facts
        caption="What the file gives away"
        facts={[
          { label: 'File', value: `about ${formatBytes(found.bytes)}` },
          {
            label: 'Texts',
            value:
              found.sources.length === 0
                ? leaving.withhold
                  ? 'withheld'
                  : 'none of its own'
                : found.sources
                    .map(({ name, characters }) => dotted(textName(name), formatCounted(characters, 'character')))
                    .join(', '),
          },
          { label: 'System prompt', value: found.systemPrompt ?? 'none' },
          { label: 'Card', value: found.card === '' ? 'none' : formatCounted(found.card.length, 'character') },
        ]}
      />
      <SecretsNotice secrets={found.secrets} />
      <section className="stack stack--tight" aria-label="Recoverable text">
        <h3>Text that anyone who gets it can read</h3>
        {found.recoverableText === '' ? (
          <p className="small muted">
            None as plain text. Its {leaving.withhold ? 'keys and values' : 'tokens'} may still tell.
          </p>
        ) : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it
          <pre className="Review-text" tabIndex={0}>
            {found.recoverableText.slice(0, 50_000)}
          </pre>
        )}
      </section>
      <LeavingChoices review={found} leaving={leaving} onChange={setLeaving} />
      {task.status === 'failed' ? <ErrorPanel error={task.error} /> : null}
      {task.status === 'running' ? <ProgressBar label="Writing the file" value={progressShare(task.progress)} /> : null}
      <PublishForm packetId={packetId} leaving={leaving} onDone={onDone} />
      <div className="Review-foot">
        <DragOut
          key={JSON.stringify(leaving)}
          packetId={packetId}
          leaving={leaving}
          bytes={found.bytes}
          name={found.name}
        />
        <div className="two">
          <Button variant="primary" isDisabled={task.status === 'running'} onPress={() => void save()}>
            {tried && task.status === 'failed' ? 'Try again' : 'Export'}
          </Button>
          <Button onPress={onDone}>Do not export</Button>
        </div>
      </div>
    </>
  )
}
