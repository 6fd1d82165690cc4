import { type ReactNode, useEffect, useRef } from 'react'
import { useSearchParams } from 'react-router'
import { SETTINGS_PARTS } from '#shared/domain/places.ts'
import { Panel } from '../../ui/Panel.tsx'

/** A part of the settings with an address of its own: eyes and keyboard are led to it. */
export function Section({
  id,
  children,
}: {
  readonly id: (typeof SETTINGS_PARTS)[number]['id']
  readonly children: ReactNode
}) {
  const isMeant = useSearchParams()[0].get('section') === id
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const heading = box.current?.querySelector('h2')
    if (!isMeant || heading === null || heading === undefined) return
    heading.tabIndex = -1
    heading.focus({ preventScroll: true })
    heading.scrollIntoView({ block: 'start' })
  }, [isMeant])
  return (
    <div ref={box}>
      <Panel title={SETTINGS_PARTS.find(part => part.id === id)?.label}>{children}</Panel>
    </div>
  )
}
