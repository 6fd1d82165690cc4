import { lazy, Suspense } from 'react'
import { Outlet, useLocation } from 'react-router'
import { JobsTray } from '../features/jobs/JobsTray.tsx'
import { useEngine } from '../stores/useEngine.ts'
import { useSettings } from '../stores/useSettings.ts'
import { Toasts } from '../ui/toasts.tsx'
import { CommandPalette } from './CommandPalette.tsx'
import { DropZone } from './DropZone.tsx'
import { EngineBanner } from './EngineBanner.tsx'
import { ErrorBoundary } from './ErrorBoundary.tsx'
import { Onboarding } from './Onboarding.tsx'
import { ShortcutHelp } from './ShortcutHelp.tsx'
import { Sidebar } from './Sidebar.tsx'
import { SignedOut } from './SignedOut.tsx'
import { rememberedTheme, useTheme } from './theme.ts'
import { useUi } from './uiStore.ts'
import { useOpenRequests } from './useOpenRequests.ts'
import { useShortcuts } from './useShortcuts.ts'
import './shell.css'

const ImportSheet = lazy(async () => ({ default: (await import('../features/library/ImportSheet.tsx')).ImportSheet }))
const ExportSheet = lazy(async () => ({ default: (await import('../features/library/ExportSheet.tsx')).ExportSheet }))
const RenameDialog = lazy(async () => ({
  default: (await import('../features/library/RenameDialog.tsx')).RenameDialog,
}))

/** Sidebar, the current place, and what lies on top of every place. */
export function Shell() {
  const { signedOut } = useEngine()
  const theme = useTheme(useSettings()?.theme ?? rememberedTheme())
  const { pathname } = useLocation()
  const exporting = useUi(ui => ui.exports.length > 0)
  const importing = useUi(ui => ui.imports.length > 0)
  const renaming = useUi(ui => ui.renaming)
  const setRenaming = useUi(ui => ui.setRenaming)
  useShortcuts()
  useOpenRequests()
  if (signedOut) return <SignedOut />
  return (
    <>
      <div className="Shell">
        <button type="button" className="Shell-skip" onClick={() => document.getElementById('main')?.focus()}>
          Skip to content
        </button>
        <Sidebar />
        <main className="Shell-main" id="main" tabIndex={-1}>
          <EngineBanner />
          <ErrorBoundary resetKey={pathname}>
            <Suspense fallback={<div className="Shell-wait" role="status" aria-label="Loading" />}>
              <Outlet />
            </Suspense>
          </ErrorBoundary>
          <JobsTray />
        </main>
      </div>
      <CommandPalette />
      <ShortcutHelp />
      <DropZone />
      <Onboarding />
      <Suspense>{importing ? <ImportSheet /> : null}</Suspense>
      <Suspense>{exporting ? <ExportSheet /> : null}</Suspense>
      <Suspense>
        {renaming === null ? null : <RenameDialog item={renaming} onClose={() => setRenaming(null)} />}
      </Suspense>
      <Toasts theme={theme} />
    </>
  )
}
