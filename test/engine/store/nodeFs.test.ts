import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFs } from '#engine/store/nodeFs.ts'
import { freshFolder } from './fixture.ts'

/** Calls that other threads have been asked for while `work` ran to its first wait. */
async function askedBy(work: () => Promise<unknown>): Promise<number> {
  const pending = () => process.getActiveResourcesInfo().filter(name => name === 'FSReqCallback').length
  const before = pending()
  const working = work()
  const asked = pending() - before
  await working
  return asked
}

describe('the real disk', () => {
  it('holds up nobody who writes a file piece by piece, however small they are, or closes one', async () => {
    const file = await nodeFs.open(join(freshFolder(), 'file'), 'create')
    expect(await askedBy(() => file.write(new Uint8Array(512)))).toBe(1)
    expect(await askedBy(() => file.write(new Uint8Array(1024 ** 2)))).toBe(1)
    expect(await file.size()).toBe(1024 ** 2 + 512)
    expect(await askedBy(() => file.close())).toBe(1)
  })

  it('writes a small file of the store without another thread, a large one with it', async () => {
    const file = await nodeFs.open(join(freshFolder(), 'file'), 'create')
    expect(await askedBy(() => file.writeNow(new Uint8Array(4096)))).toBe(0)
    expect(await askedBy(() => file.writeNow(new Uint8Array(1024 ** 2)))).toBe(1)
    expect(await file.size()).toBe(1024 ** 2 + 4096)
    await file.close()
  })
})
