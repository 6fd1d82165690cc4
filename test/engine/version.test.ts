import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { VERSION } from '#engine/version.ts'

it('the version is that of package.json', async () => {
  const text = await readFile(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')
  expect(VERSION).toBe(JSON.parse(text).version)
})
