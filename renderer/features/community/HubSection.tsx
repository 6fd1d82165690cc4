import { useState } from 'react'
import { useSettings } from '../../stores/useSettings.ts'
import { Button } from '../../ui/Button.tsx'
import { CatalogueSection, type Shown } from './CatalogueSection.tsx'

/** The hub's own search. Nothing is asked of it before a person says so. */
export function HubSection(shown: Shown) {
  const endpoint = useSettings()?.hubEndpoint
  const [asked, setAsked] = useState(false)
  if (endpoint === undefined) return null
  const { host } = new URL(endpoint)
  const title = host === 'huggingface.co' ? 'Hugging Face' : host
  if (asked) return <CatalogueSection place="hub" title={title} {...shown} />
  return (
    <section className="stack" aria-label={title}>
      <div className="Community-head">
        <h2>{title}</h2>
      </div>
      <p className="muted">Repositories of {host} that hold a cartridge. It is asked only when you say so.</p>
      <div className="row">
        <Button onPress={() => setAsked(true)}>Search {title}</Button>
      </div>
    </section>
  )
}
