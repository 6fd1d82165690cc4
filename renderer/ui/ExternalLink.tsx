import { type ReactNode, useState } from 'react'
import { ConfirmDialog } from './ConfirmDialog.tsx'

function safeUrl(href: string | undefined): URL | null {
  try {
    const url = new URL(href ?? '')
    return url.protocol === 'https:' && url.username === '' && url.password === '' ? url : null
  } catch {
    return null
  }
}

/** A link out of the Studio. Shows where it leads and opens only after a yes; anything but https stays plain text. */
export function ExternalLink({ href, children }: { readonly href: string | undefined; readonly children: ReactNode }) {
  const [asking, setAsking] = useState(false)
  const url = safeUrl(href)
  if (url === null) return <>{children}</>
  return (
    <>
      <button type="button" className="link" onClick={() => setAsking(true)}>
        {children}
      </button>
      {asking ? (
        <ConfirmDialog
          title="Leave the Studio?"
          action="Open in the browser"
          cancel="Stay"
          onConfirm={() => {
            window.open(url, '_blank', 'noopener,noreferrer')
          }}
          onClose={() => setAsking(false)}
        >
          <p>This link leads to another site. It was written by whoever made the cartridge.</p>
          <p className="mono" style={{ overflowWrap: 'anywhere' }}>
            {url.href}
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  )
}
