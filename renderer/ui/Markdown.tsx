import ReactMarkdown from 'react-markdown'
import { ExternalLink } from './ExternalLink.tsx'
import './markdown.css'

/** A card's text. Foreign: no raw HTML, no images (nothing is fetched), links ask first, headings stay below the page's own. */
export function Markdown({ text }: { readonly text: string }) {
  return (
    <div className="Markdown">
      <ReactMarkdown
        skipHtml
        disallowedElements={['img']}
        components={{
          a: ({ href, children }) => <ExternalLink href={href}>{children}</ExternalLink>,
          h1: ({ children }) => <h3>{children}</h3>,
          h2: ({ children }) => <h3>{children}</h3>,
          h4: ({ children }) => <h3>{children}</h3>,
          h5: ({ children }) => <h3>{children}</h3>,
          h6: ({ children }) => <h3>{children}</h3>,
        }}
      >
        {text}
      </ReactMarkdown>
    </div>
  )
}
