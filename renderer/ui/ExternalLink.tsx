import { type ReactNode, useState } from 'react'
import { Button } from './Button.tsx'
import { Dialog } from './Dialog.tsx'

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
      <Dialog
        title="Leave the Studio?"
        isOpen={asking}
        onClose={() => setAsking(false)}
        footer={
          <>
            <Button onPress={() => setAsking(false)}>Stay</Button>
            <Button
              variant="primary"
              onPress={() => {
                window.open(url, '_blank', 'noopener,noreferrer')
                setAsking(false)
              }}
            >
              Open in the browser
            </Button>
          </>
        }
      >
        <p>This link leads to another site. It was written by whoever made the cartridge.</p>
        <p className="mono" style={{ overflowWrap: 'anywhere' }}>
          {url.href}
        </p>
      </Dialog>
    </>
  )
}
