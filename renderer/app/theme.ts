import { useEffect, useState } from 'react'
import type { Settings } from '#shared/rpc/methods/engine.ts'

type Theme = Settings['theme']
const KEY = 'studio.theme'
const dark = () => window.matchMedia('(prefers-color-scheme: dark)')

/** The theme this window showed last. */
export function rememberedTheme(): Theme {
  const stored = localStorage.getItem(KEY)
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}

/** Shows `theme` and remembers it for the next start. Returns what is really shown. */
export function applyTheme(theme: Theme): 'light' | 'dark' {
  const shown = theme === 'system' ? (dark().matches ? 'dark' : 'light') : theme
  document.documentElement.dataset.theme = shown
  localStorage.setItem(KEY, theme)
  return shown
}

/** Keeps the document in the wanted theme, following the system where asked to. */
export function useTheme(theme: Theme): 'light' | 'dark' {
  const [shown, setShown] = useState<'light' | 'dark'>('light')
  useEffect(() => {
    const apply = () => setShown(applyTheme(theme))
    apply()
    const query = dark()
    query.addEventListener('change', apply)
    return () => query.removeEventListener('change', apply)
  }, [theme])
  return shown
}
