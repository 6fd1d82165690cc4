import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openTestStore } from './fixture.ts'

describe('what a process leaves half-written', () => {
  it('stays while anybody else has the store open, whoever that is, and goes when nobody has', async () => {
    const writer = await openTestStore()
    // As a process in another container would name it: its id says nothing here.
    const foreign = join(writer.folder, 'tmp', '999999.ffffffffffffffff.0')
    writeFileSync(foreign, 'half')
    const reader = await openTestStore(writer.folder)
    expect(existsSync(foreign)).toBe(true)
    await reader.gc()
    expect(existsSync(foreign)).toBe(true)
    await reader.close()
    await writer.close()
    await openTestStore(writer.folder)
    expect(existsSync(foreign)).toBe(false)
  })

  it('goes after a day, however many have the store open', async () => {
    const writer = await openTestStore()
    const old = join(writer.folder, 'tmp', 'ffffffffffffffff.0')
    writeFileSync(old, 'half')
    utimesSync(old, 1, 1)
    await openTestStore(writer.folder)
    expect(existsSync(old)).toBe(false)
  })
})

describe('the lock file', () => {
  it('holds nothing, so noise in it stops nobody, and it still locks', async () => {
    const first = await openTestStore()
    await first.close()
    writeFileSync(join(first.folder, 'lock.sqlite'), 'noise '.repeat(1000))
    const a = await openTestStore(first.folder)
    const b = await openTestStore(first.folder)
    let inside = 0
    const enter = async () => {
      expect(++inside).toBe(1)
      await new Promise(resolve => setTimeout(resolve, 5))
      inside--
    }
    await Promise.all([a, b, a, b].map(store => store.parts.lock.exclusive(enter)))
  })
})
