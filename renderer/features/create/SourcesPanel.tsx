import { FilePlus2, FileText, X } from 'lucide-react'
import { DOCUMENT_ENDINGS } from '../../app/documentEndings.ts'
import { openFiles } from '../../app/openFiles.ts'
import { isReadable, MOST_OPENED, type SourceFile, type SourcesState } from '../../stores/sourcesStore.ts'
import { Button } from '../../ui/Button.tsx'
import { describeError } from '../../ui/describeError.ts'
import { formatBytes, formatCounted } from '../../ui/format.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { Select } from '../../ui/Select.tsx'
import { TextArea } from '../../ui/TextArea.tsx'
import { VirtualTable } from '../../ui/VirtualTable.tsx'

export interface SourcesPanelProps {
  readonly sources: SourcesState
  readonly text: string
  readonly onText: (text: string) => void
  /** Several files: one cartridge each, or one of all. */
  readonly each: boolean
  readonly onEach: (each: boolean) => void
}

/** What the model shall read: pasted text and files. */
export function SourcesPanel({ sources, text, onText, each, onEach }: SourcesPanelProps) {
  const { files } = sources
  const choose = () => openFiles(DOCUMENT_ENDINGS.join(','), sources.add)
  return (
    <Panel
      title="Text"
      note="Stays on this computer"
      actions={
        <>
          {files.length > MOST_OPENED ? (
            <Button variant="quiet" onPress={sources.clear}>
              Remove all
            </Button>
          ) : null}
          <Button icon={<FilePlus2 aria-hidden />} onPress={choose}>
            Add files
          </Button>
        </>
      }
    >
      <div className="stack">
        {files.length === 0 ? (
          <p className="Create-drop">
            <FileText aria-hidden />
            <span>
              <b>Drop files or folders anywhere in this window</b>
              <span className="muted">Text, Markdown, PDF, HTML, JSON or CSV. Or paste below.</span>
            </span>
          </p>
        ) : (
          <FileList files={files} onRemove={sources.remove} onReadAs={sources.readAs} />
        )}
        {files.length + (text.trim() === '' ? 0 : 1) < 2 ? null : (
          <SegmentedControl
            label="Several texts"
            value={each ? 'each' : 'all'}
            onChange={value => onEach(value === 'each')}
            segments={[
              { id: 'each', label: 'One cartridge each' },
              { id: 'all', label: 'One of all' },
            ]}
          />
        )}
        <TextArea
          label="Paste text"
          value={text}
          onChange={onText}
          rows={files.length === 0 ? 12 : 5}
          placeholder="What the model shall know. It is read once, in full."
        />
        {text === '' ? null : <span className="small muted">{formatCounted(text.length, 'character')}</span>}
      </div>
    </Panel>
  )
}

/** A line for each of a few files, a table of many. */
function FileList({
  files,
  onRemove,
  onReadAs,
}: {
  readonly files: readonly SourceFile[]
  readonly onRemove: (id: string) => void
  readonly onReadAs: (id: string, encoding: string) => void
}) {
  if (files.length <= MOST_OPENED) {
    return (
      <ul className="Create-files" aria-label="Files">
        {files.map(file => (
          <FileLine
            key={file.id}
            file={file}
            onRemove={() => onRemove(file.id)}
            onReadAs={encoding => onReadAs(file.id, encoding)}
          />
        ))}
      </ul>
    )
  }
  const isAsked = files.some(({ readings }) => readings.length > 0)
  return (
    <VirtualTable
      caption="Files"
      rows={files}
      rowKey={file => file.id}
      maxHeight={300}
      columns={[
        {
          id: 'name',
          title: formatCounted(files.length, 'file'),
          width: 'minmax(120px, 1fr)',
          cell: file => (
            <span className={file.error === null ? 'truncate' : 'truncate Create-problem'}>
              {file.name}
              {file.error === null ? '' : `: ${problemOf(file)}`}
            </span>
          ),
        },
        ...(isAsked
          ? [
              {
                id: 'encoding',
                title: 'Encoding',
                width: '150px',
                cell: (file: SourceFile) => (
                  <EncodingSelect file={file} onReadAs={encoding => onReadAs(file.id, encoding)} />
                ),
              },
            ]
          : []),
        { id: 'size', title: 'Size', width: '90px', numeric: true, cell: file => formatBytes(file.bytes) },
        {
          id: 'remove',
          title: <span className="visually-hidden">Remove</span>,
          width: '48px',
          cell: file => (
            <IconButton label={`Remove ${file.name}`} onPress={() => onRemove(file.id)}>
              <X aria-hidden />
            </IconButton>
          ),
        },
      ]}
    />
  )
}

function FileLine({
  file,
  onRemove,
  onReadAs,
}: {
  readonly file: SourceFile
  readonly onRemove: () => void
  readonly onReadAs: (encoding: string) => void
}) {
  return (
    <li>
      <FileText aria-hidden />
      <span className="grow">
        <b className="truncate">{file.name}</b>
        {file.error !== null ? (
          <span className="Create-problem">{problemOf(file)}</span>
        ) : (
          <span className="muted">
            {formatBytes(file.bytes)} ·{' '}
            {file.text === null || !isReadable(file)
              ? 'extracting its text'
              : `${formatCounted(file.text.length, 'character')}${encodingOf(file)}`}
          </span>
        )}
      </span>
      <EncodingSelect file={file} onReadAs={onReadAs} />
      <IconButton label={`Remove ${file.name}`} onPress={onRemove}>
        <X aria-hidden />
      </IconButton>
    </li>
  )
}

/** Nothing of what is read as it stands. */
function encodingOf({ encoding, guessed }: SourceFile): string {
  return encoding === null || encoding === 'utf-8' ? '' : `, read as ${encoding}${guessed ? ', a guess' : ''}`
}

/** Why there is no text, or none other than before. */
function problemOf({ error, readings, chosen, text, encoding }: SourceFile): string {
  if (chosen === null && readings.length > 0) return 'Nothing says how it is encoded. Choose the reading that is right.'
  const { line, meaning } = describeError(error)
  return `${line} ${text === null ? meaning : `Its text is still the one that was read as ${encoding}.`}`
}

function EncodingSelect({
  file: { name, readings, error, chosen, encoding },
  onReadAs,
}: {
  readonly file: SourceFile
  readonly onReadAs: (encoding: string) => void
}) {
  if (readings.length === 0) return null
  return (
    <Select
      label={`Encoding of ${name}`}
      hideLabel
      pill
      placeholder="Encoding"
      options={readings.map(reading => ({
        id: reading.encoding,
        label: reading.encoding,
        description: reading.excerpt,
      }))}
      value={error === null ? (chosen ?? encoding) : encoding}
      onChange={onReadAs}
    />
  )
}
