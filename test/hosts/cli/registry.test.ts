/** push, pull and tags on the command line. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestRegistry, type TestRegistry } from '../../engine/registry/testRegistry.ts'
import { openHome } from './statepack.ts'

const home = openHome()
let registry: TestRegistry
beforeAll(async () => {
  registry = await startTestRegistry()
})
afterAll(async () => {
  await home.remove()
  await registry.close()
})

it('pushes with a word on what that gives away, lists, and pulls under the repository’s name', async () => {
  const place = `${registry.host}/me/handbook`
  await home.write('base.txt', 'Facts:\nThe fee of the club is 314. Write to club@example.org.\n')
  await home.ok(['create', '--base', 'base.txt', '--name', 'Club rules'])
  const looked = await home.ok(['push', 'Club rules', `${place}:v1`, '--review'])
  expect(looked).toMatchObject({ text: expect.stringContaining('314'), secrets: [{ kind: 'email address' }] })
  expect(registry.requests).toEqual([])
  const pushed = await home.run(['push', 'Club rules', `${place}:v1`])
  expect(pushed.stderr).toContain(`Anyone who may pull from ${place}:v1 can read its text: base.txt`)
  expect(pushed.stderr).toContain('email address')
  const { op, reference, packet_id, referrers, bytes_sent } = pushed.json()
  expect([op, reference, referrers]).toEqual(['publish', `${place}:v1@${packet_id}`, 2])
  expect(bytes_sent).toBeGreaterThan(1000)
  expect(await home.ok(['tags', place])).toEqual({ tags: ['v1'] })
  const pulled = await home.ok(['pull', `${place}@${packet_id}`, '--store', 'other'])
  expect(pulled).toMatchObject({ packet_id, name: 'handbook', trust: 'restricted', bytes_fetched: bytes_sent })
  const refused = await home.run(['pull', 'handbook:v1', '--store', 'other'])
  expect([refused.code, refused.error().code]).toEqual([3, 'E_BAD_INPUT'])
})
