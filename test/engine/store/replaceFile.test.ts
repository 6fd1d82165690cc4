import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replaceFile } from '#engine/store/replaceFile.ts'
import { freshFolder } from './fixture.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('writing over a file', () => {
  it('leaves the earlier one as it was when the new one cannot be finished', async () => {
    const folder = freshFolder()
    const path = join(folder, 'out')
    writeFileSync(path, 'earlier')
    const failing = replaceFile(path, async file => {
      await file.write(bytes('half of'))
      throw new Error('the disk is full')
    })
    await expect(failing).rejects.toThrow('the disk is full')
    expect(readFileSync(path, 'utf8')).toBe('earlier')
    expect(readdirSync(folder)).toEqual(['out'])
  })

  it('is for the owner alone, takes long names, and leaves nothing beside it', async () => {
    const folder = freshFolder()
    const name = 'a'.repeat(250)
    await replaceFile(join(folder, name), file => file.write(bytes('new')))
    expect(readFileSync(join(folder, name), 'utf8')).toBe('new')
    if (process.platform !== 'win32') expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    mkdirSync(join(folder, 'folder'))
    await expect(replaceFile(join(folder, 'folder'), file => file.write(bytes('x')))).rejects.toMatchObject({
      syscall: 'rename',
    })
    expect(readdirSync(folder).sort()).toEqual([name, 'folder'])
  })
})
