import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DEFAULT_STATE, fitToScreens, readWindowState, writeWindowState } from '../../electron/shell/windowState.ts'

const file = join(mkdtempSync(join(tmpdir(), 'statepack-window-')), 'deep', 'window.json')
const screen = { x: 0, y: 0, width: 1920, height: 1080 }
const at = (x: number, y: number) => ({ bounds: { x, y, width: 1000, height: 700 }, maximized: false })

describe('the state of a window', () => {
  it('comes back as it was written', async () => {
    const state = { ...at(40, 50), maximized: true }
    await writeWindowState(file, state)
    expect(readWindowState(file)).toEqual(state)
  })

  it.each([
    '',
    '{',
    '[]',
    '{"bounds":{}}',
    '{"bounds":{"width":1e9,"height":500},"maximized":false}',
    '{"bounds":{"width":500,"height":500},"maximized":false,"preload":"x"}',
  ])('is the default when the file holds %j', text => {
    writeFileSync(file, text)
    expect(readWindowState(file)).toEqual(DEFAULT_STATE)
  })

  it('drops a position that no screen shows, and keeps one that a screen does', () => {
    expect(fitToScreens(at(100, 100), [screen])).toEqual(at(100, 100))
    for (const lost of [at(5000, 100), at(-2000, 100), at(100, -50), at(100, 1070)]) {
      expect(fitToScreens(lost, [screen]).bounds).toEqual({ width: 1000, height: 700 })
    }
    expect(fitToScreens(at(2000, 100), [screen, { x: 1920, y: 0, width: 1280, height: 1024 }])).toEqual(at(2000, 100))
  })
})
