import { Button } from '../ui/Button.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { useUi } from './uiStore.ts'

/** A `statepack://` link was opened: shows where it leads. Nothing is fetched by looking at it. */
export function LinkReview() {
  const link = useUi(ui => ui.link)
  const close = () => useUi.getState().setLink(null)
  const isWeb = link?.startsWith('https://') ?? false
  return (
    <Dialog
      title="A link to a cartridge"
      isOpen={link !== null}
      onClose={close}
      footer={
        <>
          <Button onPress={close}>Close</Button>
          {isWeb ? (
            <Button
              variant="primary"
              onPress={() => {
                if (link !== null) window.open(link, '_blank', 'noopener,noreferrer')
                close()
              }}
            >
              Open in the browser
            </Button>
          ) : null}
        </>
      }
    >
      <p>
        {isWeb
          ? 'Somebody offers a cartridge at this address. Download it in the browser, then drop the file here: it is reviewed before anything is written.'
          : 'Somebody offers a cartridge in this registry. Get its file from there, then drop it here: it is reviewed before anything is written.'}
      </p>
      <div className="row">
        <span className="mono grow" style={{ overflowWrap: 'anywhere' }}>
          {link}
        </span>
        <CopyButton text={link ?? ''} label="Copy the address" />
      </div>
    </Dialog>
  )
}
