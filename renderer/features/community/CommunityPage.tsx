/** Community: cartridges that others made, by catalogue. Every way in leads through the review sheet. */
import { LibraryBig, Link2 } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { Page } from '../../app/Page.tsx'
import { useRead } from '../../stores/useRead.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorPanel } from '../../ui/ErrorPanel.tsx'
import { Switch } from '../../ui/Switch.tsx'
import { AddressDialog } from './AddressDialog.tsx'
import { CatalogueSection } from './CatalogueSection.tsx'
import { CataloguesDialog } from './CataloguesDialog.tsx'
import { HubSection } from './HubSection.tsx'
import './community.css'

export function CommunityPage() {
  const read = useRead('share.catalogues', {})
  const [text, setText] = useState('')
  const [onlyMine, setOnlyMine] = useState(false)
  const [open, setOpen] = useState<'address' | 'catalogues' | null>(null)
  const query = useDeferredValue(text.trim())
  const shown = { query, onlyMine }
  return (
    <Page
      title="Community"
      search={{ label: 'Search the catalogues', placeholder: 'Search the catalogues', value: text, onChange: setText }}
      actions={
        <>
          <Button icon={<LibraryBig aria-hidden />} onPress={() => setOpen('catalogues')}>
            Catalogues
          </Button>
          <Button variant="primary" icon={<Link2 aria-hidden />} onPress={() => setOpen('address')}>
            Open an address
          </Button>
        </>
      }
    >
      <div className="row">
        <Switch isSelected={onlyMine} onChange={setOnlyMine}>
          Only for models I have
        </Switch>
      </div>
      {read.error === null ? null : (
        <ErrorPanel error={read.error} action={{ label: 'Read again', onPress: () => void read.refetch() }} />
      )}
      {(read.data?.catalogues ?? []).map(({ place, title }) => (
        <CatalogueSection key={place} place={place} title={title} {...shown} />
      ))}
      {read.data === undefined ? null : <HubSection {...shown} />}
      {open === 'address' ? <AddressDialog onClose={() => setOpen(null)} /> : null}
      <CataloguesDialog
        isOpen={open === 'catalogues'}
        onClose={() => setOpen(null)}
        catalogues={read.data?.catalogues ?? []}
        blocked={read.data?.blocked ?? []}
      />
    </Page>
  )
}
