import { type DragEvent, useState } from 'react'
import { NavLink, useNavigate } from 'react-router'
import { PLACES } from '#shared/domain/places.ts'
import { askAddress } from './askAddress.ts'
import { holdsCartridges, readCartridges } from './cartridgeDrag.ts'
import { EngineCard } from './EngineCard.tsx'
import { PLACE_ICONS } from './placeIcons.ts'

const TAKES_CARTRIDGES = new Set(['/ask', '/inspect', '/remix'])

/** Where one can go, and how the engine is. Shrinks to icons in a narrow window. */
export function Sidebar() {
  const navigate = useNavigate()
  const [over, setOver] = useState<string | null>(null)

  /** Places that take a cartridge are drop targets for one. */
  const dropTarget = (path: string) => ({
    onDragOver: (event: DragEvent) => {
      if (!TAKES_CARTRIDGES.has(path) || !holdsCartridges(event.dataTransfer)) return
      event.preventDefault()
      setOver(path)
    },
    onDragLeave: () => setOver(null),
    onDrop: (event: DragEvent) => {
      setOver(null)
      const ids = readCartridges(event.dataTransfer)
      const [id] = ids
      if (id === undefined || !TAKES_CARTRIDGES.has(path)) return
      event.preventDefault()
      void navigate(path === '/ask' ? askAddress(ids) : `${path}/${encodeURIComponent(id)}`)
    },
  })

  return (
    <aside className="Sidebar">
      <div className="Brand">
        <span className="Brand-mark" aria-hidden>
          <i />
          <i />
          <i />
        </span>
        <span className="Sidebar-text">State Pack</span>
      </div>
      <nav className="Nav" aria-label="Places">
        {PLACES.map(({ path, name }) => {
          const Icon = PLACE_ICONS[path]
          return (
            <NavLink
              key={path}
              to={path}
              title={name}
              {...dropTarget(path)}
              className={({ isActive }) =>
                `Nav-link${isActive ? ' Nav-link--on' : ''}${path === '/settings' ? ' Nav-link--foot' : ''}${over === path ? ' Nav-link--drop' : ''}`
              }
            >
              <Icon aria-hidden />
              <span className="Sidebar-text">{name}</span>
            </NavLink>
          )
        })}
      </nav>
      <EngineCard />
    </aside>
  )
}
