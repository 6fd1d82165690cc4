import { useEffect, useState } from 'react'

/** The named design tokens as they are computed now; reads them again when the theme changes. For canvas, which has no CSS. */
export function useThemeColours<Name extends string>(names: readonly Name[]): Readonly<Record<Name, string>> {
  const key = names.join(' ')
  const [colours, setColours] = useState(() => readColours(names))
  useEffect(() => {
    const read = () => setColours(readColours(key.split(' ') as Name[]))
    const observer = new MutationObserver(read)
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class', 'style'] })
    const dark = window.matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', read)
    read()
    return () => {
      observer.disconnect()
      dark.removeEventListener('change', read)
    }
  }, [key])
  return colours
}

function readColours<Name extends string>(names: readonly Name[]): Readonly<Record<Name, string>> {
  const style = getComputedStyle(document.documentElement)
  return Object.fromEntries(names.map(name => [name, style.getPropertyValue(`--${name}`).trim()])) as Record<
    Name,
    string
  >
}
