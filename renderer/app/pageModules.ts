import type { ComponentType } from 'react'

type PageModule = Readonly<Record<string, ComponentType>>

/** Every feature's page, `features/<name>/<Name>Page.tsx` exporting `<Name>Page`; loaded when its route is opened. */
export const pageModules = import.meta.glob<PageModule>('../features/*/*Page.tsx')
