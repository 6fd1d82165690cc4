import { type ComponentType, lazy } from 'react'
import { createHashRouter, Navigate } from 'react-router'
import { MissingPage } from './MissingPage.tsx'
import { pageModules } from './pageModules.ts'
import { Shell } from './Shell.tsx'

function page(feature: string, name: string): ComponentType {
  const load = pageModules[`../features/${feature}/${name}.tsx`]
  if (load === undefined) return MissingPage
  return lazy(async () => ({ default: (await load())[name] ?? MissingPage }))
}

const LibraryPage = page('library', 'LibraryPage')
const CommunityPage = page('community', 'CommunityPage')
const CreatePage = page('create', 'CreatePage')
const AskPage = page('ask', 'AskPage')
const InspectPage = page('inspect', 'InspectPage')
const RemixPage = page('remix', 'RemixPage')
const ReceiptsPage = page('receipts', 'ReceiptsPage')
const SavingsPage = page('savings', 'SavingsPage')
const ModelsPage = page('models', 'ModelsPage')
const MemoryPage = page('memory', 'MemoryPage')
const ServerPage = page('server', 'ServerPage')
const SettingsPage = page('settings', 'SettingsPage')

/** All places of the window. Hash routes, so that it opens from a file and from any host. */
export function createRoutes() {
  return createHashRouter([
    {
      path: '/',
      element: <Shell />,
      children: [
        { index: true, element: <Navigate to="/library" replace /> },
        { path: 'library', element: <LibraryPage /> },
        { path: 'community', element: <CommunityPage /> },
        { path: 'new', element: <CreatePage /> },
        { path: 'ask/:id?', element: <AskPage /> },
        { path: 'inspect/:id?', element: <InspectPage /> },
        { path: 'remix/:id?', element: <RemixPage /> },
        { path: 'receipts/:id?', element: <ReceiptsPage /> },
        { path: 'savings', element: <SavingsPage /> },
        { path: 'models', element: <ModelsPage /> },
        { path: 'memory', element: <MemoryPage /> },
        { path: 'server', element: <ServerPage /> },
        { path: 'settings', element: <SettingsPage /> },
        { path: '*', element: <MissingPage /> },
      ],
    },
  ])
}
