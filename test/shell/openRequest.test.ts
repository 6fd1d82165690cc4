import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileForReview, openedByArguments, parseStudioLink } from '../../electron/shell/openRequest.ts'

const folder = mkdtempSync(join(tmpdir(), 'statepack-open-'))

describe('a statepack:// link', () => {
  it('opens the review sheet and nothing else', () => {
    const link = parseStudioLink(`statepack://review?from=${encodeURIComponent('https://example.com/a.cartridge')}`)
    expect(link).toEqual({ kind: 'review-link', link: 'https://example.com/a.cartridge' })
    expect(parseStudioLink('statepack://review?from=oci%3A%2F%2Fregistry.example%2Fa%3Av1')).toMatchObject({
      kind: 'review-link',
    })
  })

  it.each([
    'statepack://delete?from=https://example.com',
    'statepack://review',
    'statepack://review?from=',
    'statepack://review?from=file:///etc/passwd',
    'statepack://review?from=javascript:alert(1)',
    'statepack://review?from=http://127.0.0.1/x',
    'statepack://review?from=https://user:pw@example.com/',
    'statepack://evil@review?from=nothing',
    'https://review?from=https://example.com',
    'statepack:review?from=https://example.com',
    `statepack://review?from=https://example.com/${'a'.repeat(3000)}`,
    'not a link',
  ])('is ignored when it is %s', link => expect(parseStudioLink(link)).toBeNull())
})

describe('a file to open', () => {
  it('is found among the arguments of a second start; switches are not looked at', () => {
    const args = [
      '/usr/bin/app',
      '.',
      '--inspect=1.cartridge',
      'a.cartridge',
      '/b/C.CARTRIDGE',
      'c.txt',
      'statepack://review?from=x',
    ]
    expect(openedByArguments(args)).toEqual({
      files: ['a.cartridge', '/b/C.CARTRIDGE'],
      links: ['statepack://review?from=x'],
    })
    expect(openedByArguments(['https://example.com/a.cartridge']).files).toEqual([])
  })

  it('is named for review: the engine reads it from where it lies', async () => {
    const file = join(folder, 'a.cartridge')
    writeFileSync(file, new Uint8Array([1, 2, 3]))
    expect(await fileForReview(file)).toEqual({ kind: 'review', file: { name: 'a.cartridge', size: 3, path: file } })
  })

  it('is refused with a sentence when it is absent, a folder, or something else', async () => {
    mkdirSync(join(folder, 'dir.cartridge'))
    writeFileSync(join(folder, 'a.txt'), 'x')
    await expect(fileForReview(join(folder, 'none.cartridge'))).rejects.toMatchObject({ code: 'E_NOT_FOUND' })
    await expect(fileForReview(join(folder, 'dir.cartridge'))).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    await expect(fileForReview(join(folder, 'a.txt'))).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
  })
})
