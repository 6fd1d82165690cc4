import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import './ui/tokens.css'
import './ui/base.css'
import { createRoot } from 'react-dom/client'
import { createClient } from '#shared/rpc/client.ts'
import { App } from './app/App.tsx'
import { applyTheme, rememberedTheme } from './app/theme.ts'
import { createTransport } from './client/createTransport.ts'
import { createStudio } from './stores/studio.ts'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
// Before the first paint, from what this window remembers; the settings decide a moment later.
applyTheme(rememberedTheme())
const studio = createStudio(createClient(await createTransport()))
createRoot(root).render(<App studio={studio} />)
