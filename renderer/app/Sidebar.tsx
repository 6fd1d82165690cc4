import { NavLink } from 'react-router'
import { EngineCard } from './EngineCard.tsx'
import { PLACES } from './places.ts'

/** Where one can go, and how the engine is. Shrinks to icons in a narrow window. */
export function Sidebar() {
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
        {PLACES.map(place => (
          <NavLink
            key={place.path}
            to={place.path}
            title={place.name}
            className={({ isActive }) =>
              `Nav-link${isActive ? ' Nav-link--on' : ''}${place.path === '/settings' ? ' Nav-link--foot' : ''}`
            }
          >
            <place.icon aria-hidden />
            <span className="Sidebar-text">{place.name}</span>
          </NavLink>
        ))}
      </nav>
      <EngineCard />
    </aside>
  )
}
