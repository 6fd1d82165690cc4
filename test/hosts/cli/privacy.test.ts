import { mkdirSync, readdirSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { openHome } from './statepack.ts'

const home = openHome()
afterAll(() => home.remove())

it('running a model leaves no device id, event log or cache of the runtime’s maker anywhere', async () => {
  const folders = ['user', 'cache', 'temporary']
  for (const folder of folders) mkdirSync(home.path(folder))
  const [HOME = '', XDG_CACHE_HOME = '', TMPDIR = ''] = folders.map(folder => home.path(folder))
  await home.write('base.txt', 'Facts:\nThe fee of the club is 314.\n')
  const env = { HOME, XDG_CACHE_HOME, TMPDIR, XDG_DATA_HOME: HOME, XDG_CONFIG_HOME: HOME, XDG_STATE_HOME: HOME }
  await home.ok(['create', '--base', 'base.txt', '--out', 'st'], { env })
  for (const folder of folders) expect(readdirSync(home.path(folder), { recursive: true }), folder).toEqual([])
})
