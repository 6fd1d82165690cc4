import { Suspense } from 'react'
import { Outlet, useLocation } from 'react-router'
import { useStore } from 'zustand'
import { useStudio } from '../stores/studio.ts'
import { Toasts } from '../ui/toasts.tsx'
import { CommandPalette } from './CommandPalette.tsx'
import { ErrorBoundary } from './ErrorBoundary.tsx'
import { ShortcutHelp } from './ShortcutHelp.tsx'
import { Sidebar } from './Sidebar.tsx'
import { rememberedTheme, useTheme } from './theme.ts'
import { useShortcuts } from './useShortcuts.ts'
import './shell.css'

/** Sidebar, the current place, and what lies on top of every place. */
export function Shell() {
  const { settings } = useStudio()
  const theme = useTheme(useStore(settings, state => state.settings?.theme) ?? rememberedTheme())
  const { pathname } = useLocation()
  useShortcuts()
  return (
    <div className="Shell">
      <button type="button" className="Shell-skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <Sidebar />
      <main className="Shell-main" id="main" tabIndex={-1}>
        <ErrorBoundary resetKey={pathname}>
          <Suspense fallback={<div className="Shell-wait" role="status" aria-label="Loading" />}>
            <Outlet />
          </Suspense>
        </ErrorBoundary>
      </main>
      <CommandPalette />
      <ShortcutHelp />
      <Toasts theme={theme} />
    </div>
  )
}
