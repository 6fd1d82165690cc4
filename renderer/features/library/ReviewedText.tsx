import { TriangleAlert } from 'lucide-react'
import type { Output } from '#shared/rpc/client.ts'
import { formatCount, formatCounted } from '../../ui/format.ts'

/** A window shows so much of a text; what is longer is read in Inspect. */
const SHOWN = 50_000

/** What the model will have read, held-back text included, and whether the texts that came with it tell all of that. */
export function ReviewedText({ review }: { readonly review: Output<'packets.review'> }) {
  const { modelReads, heldBack, recoverableText, notFromTexts, generatedTokens, systemPrompt, withheldTokens } = review
  return (
    <>
      {notFromTexts === null ? null : (
        <div className="TrustNotice" role="note">
          <TriangleAlert aria-hidden />
          <div>
            <b>Its texts do not tell all that the model has read.</b>
            <p>{notFromTexts}</p>
          </div>
        </div>
      )}
      <section className="stack stack--tight" aria-label="What the model has read">
        <h3>What the model has read</h3>
        {withheldTokens === 0 ? null : (
          <p className="small">
            Text withheld by the publisher: its first {formatCounted(withheldTokens, 'token')} are not told. Nothing can
            prove what they were; who signed it is all there is to trust.
          </p>
        )}
        {systemPrompt === null || systemPrompt === '' ? null : (
          <p className="small">It begins with a system prompt: “{systemPrompt.slice(0, 2000)}”</p>
        )}
        {generatedTokens === 0 ? null : (
          <p className="small muted">
            {formatCount(generatedTokens)} of its tokens are said to be the model’s own words, not a text’s.
          </p>
        )}
        {modelReads === null ? (
          <p className="small muted">
            Only its model can tell, and that is not installed. The texts below may be all of it, or not.
          </p>
        ) : modelReads + heldBack === '' ? null : (
          <Text text={modelReads + heldBack} />
        )}
      </section>
      <section className="stack stack--tight" aria-label="Recoverable text">
        <h3>Text that anyone holding this file can read</h3>
        {recoverableText === '' ? (
          <p className="small muted">
            None as plain text. Its {withheldTokens === 0 ? 'tokens' : 'keys and values'} may still tell.
          </p>
        ) : recoverableText === modelReads + heldBack ? (
          <p className="small muted">The same text.</p>
        ) : (
          <Text text={recoverableText} />
        )}
      </section>
    </>
  )
}

function Text({ text }: { readonly text: string }) {
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keyboard users scroll it */}
      <pre className="Review-text" tabIndex={0}>
        {text.slice(0, SHOWN)}
      </pre>
      {text.length > SHOWN ? (
        <p className="small muted">
          {formatCounted(text.length - SHOWN, 'character')} more are not shown here. Import it restricted and inspect it
          before you trust it.
        </p>
      ) : null}
    </>
  )
}
