import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileForReview, openedByArguments, parseStudioLink } from '../../electron/shell/openRequest.ts'

const folder = mkdtempSync(join(tmpdir(), 'statepack-open-'))

describe('a statepack:// link', () => {
  it('opens the review sheet and nothing else', () => {
    const link = parseStudioLink(`statepack://import?from=${encodeURIComponent('https://example.com/a.cartridge')}`)
    expect(link).toEqual({ kind: 'review-link', link: 'https://example.com/a.cartridge' })
    expect(parseStudioLink('statepack://import?from=oci%3A%2F%2Fregistry.example%2Fa%3Av1')).toMatchObject({
      kind: 'review-link',
    })
  })

  it.each([
    'statepack://delete?from=https://example.com',
    'statepack://import',
    'statepack://import?from=',
    'statepack://import?from=file:///etc/passwd',
    'statepack://import?from=javascript:alert(1)',
    'statepack://import?from=http://127.0.0.1/x',
    'statepack://import?from=https://user:pw@example.com/',
    'statepack://evil@import?from=nothing',
    'https://import?from=https://example.com',
    'statepack:import?from=https://example.com',
    `statepack://import?from=https://example.com/${'a'.repeat(3000)}`,
    'statepack://import?from=https://a.example/&from=https://b.example/',
    'statepack://import?from=https%3A%2F%2Fa.example%5C%5Cb.example%2F',
    'statepack://import?from=%E0%A4%A',
    'statepack://import/x?from=https://a.example/',
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
      'statepack://import?from=x',
    ]
    expect(openedByArguments(args)).toEqual({
      files: ['a.cartridge', '/b/C.CARTRIDGE'],
      links: ['statepack://import?from=x'],
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
