import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestEngine, type TestEngine } from '../testEngine.ts'

let test: TestEngine
beforeAll(async () => {
  test = await openTestEngine()
})
afterAll(async () => {
  await test.close()
  rmSync(test.folder, { recursive: true, force: true })
})

const source = { name: 'goat', text: 'Facts about the red goat. The goat lives in Oslo.\n'.repeat(20) }
const create = (text: string) =>
  test.client.call('packets.create', { model: 'starter-transformer', sources: [{ ...source, text }] })

it('says that the disk failed while the stored beginning was looked for, and does not read it all again', async () => {
  const { cartridge } = await create(source.text)
  const { blobs } = test.engine.state.store
  const read = blobs.read.bind(blobs)
  const failing = async () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'read' })
  }
  Object.assign(blobs, { read: failing, check: failing })
  await expect(create(source.text)).rejects.toMatchObject({ code: 'E_IO' })
  Object.assign(blobs, { read, check: Object.getPrototypeOf(blobs).check })
  expect(await create(source.text)).toMatchObject({ cacheHit: true, cartridge: { packetId: cartridge.packetId } })
})
