import { CopyButton } from '../../../ui/CopyButton.tsx'
import { Facts } from '../../../ui/Facts.tsx'
import { formatCount, formatCounted, shortDigest } from '../../../ui/format.ts'
import type { Inspection } from '../inspectData.ts'

export function TokenizerView({ inspection }: { readonly inspection: Inspection }) {
  const { digest, vocabSize, special, chatTemplate, chat } = inspection.tokenizer
  return (
    <div className="stack">
      <Facts
        caption="Tokenizer"
        facts={[
          { label: 'Vocabulary', value: formatCounted(vocabSize, 'token') },
          {
            label: 'Digest',
            value:
              digest === null ? (
                'no tokenizer file'
              ) : (
                <span className="row">
                  <span className="mono">{shortDigest(digest)}</span>
                  <CopyButton text={digest} label="Copy tokenizer digest" />
                </span>
              ),
          },
          { label: 'Special tokens', value: formatCount(special.length) },
        ]}
      />
      {special.length === 0 ? null : (
        <ul className="Glyphs-list" aria-label="Special tokens">
          {special.map(token => (
            <li key={token}>
              <code className="Glyphs">{token}</code>
            </li>
          ))}
        </ul>
      )}
      <h3>Chat template</h3>
      {chat === null ? null : (
        <p>
          {chat.document === 'system'
            ? 'The text stands in the system message.'
            : 'The text stands at the beginning of the first user message.'}
          {chat.time === undefined ? '' : ` Told the date ${chat.time.replace('T', ', ')}, for every turn.`}
        </p>
      )}
      {chatTemplate === null ? (
        <p className="muted">The model comes without one: it reads plain text.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it
        <pre className="Code" tabIndex={0}>
          {chatTemplate}
        </pre>
      )}
    </div>
  )
}
