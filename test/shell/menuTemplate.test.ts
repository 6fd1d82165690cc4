import type { MenuItemConstructorOptions } from 'electron'
import { describe, expect, it } from 'vitest'
import { PLACES } from '#shared/domain/places.ts'
import { type MenuAction, menuTemplate } from '../../electron/shell/menuTemplate.ts'

function flat(items: readonly MenuItemConstructorOptions[]): MenuItemConstructorOptions[] {
  return items.flatMap(item => [item, ...(Array.isArray(item.submenu) ? flat(item.submenu) : [])])
}

describe.each(['linux', 'darwin', 'win32'] as const)('the menu on %s', platform => {
  it('asks the page for what its entries say, and leaves no entry without an effect', () => {
    const asked: MenuAction[] = []
    const items = flat(menuTemplate(platform, action => asked.push(action)))
    const choose = (label: string) =>
      items.find(item => item.label === label)?.click?.(null as never, undefined, null as never)
    choose('New cartridge')
    choose('Import a .cartridge file…')
    choose('Commands: find anything')
    choose('New window')
    choose('Settings…')
    expect(asked).toEqual([
      { kind: 'go', route: '/new' },
      { kind: 'import' },
      { kind: 'command', command: 'palette' },
      { kind: 'new-window' },
      { kind: 'go', route: '/settings' },
    ])
    const inert = items.filter(item => !item.click && !item.role && !item.submenu && item.type !== 'separator')
    expect(inert).toEqual([])
  })

  it('goes to every place', () => {
    const labels = flat(menuTemplate(platform, () => {})).map(item => item.label?.replace('…', ''))
    expect(PLACES.map(({ name }) => name).filter(name => !labels.includes(name))).toEqual([])
  })

  it('has no two entries on one key, and none for developers', () => {
    const items = flat(menuTemplate(platform, () => {}))
    const keys = items.flatMap(item => item.accelerator ?? [])
    expect(new Set(keys).size).toBe(keys.length)
    expect(items.map(item => item.role)).not.toContain('toggleDevTools')
  })
})
