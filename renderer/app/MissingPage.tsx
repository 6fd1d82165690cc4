import { Compass } from 'lucide-react'
import { useNavigate } from 'react-router'
import { Button } from '../ui/Button.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { Page } from './Page.tsx'

/** Where an address leads that names no place. */
export function MissingPage() {
  const navigate = useNavigate()
  return (
    <Page title="Not here" fill>
      <EmptyState
        icon={<Compass />}
        title="There is nothing at this address"
        actions={
          <Button variant="primary" onPress={() => navigate('/library')}>
            Open the library
          </Button>
        }
      >
        It may have been a link from another version. Everything you have is in the library.
      </EmptyState>
    </Page>
  )
}
