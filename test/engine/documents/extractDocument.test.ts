import { constants, deflateRawSync, deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { extractDocument, guessNotes } from '#engine/documents/extractDocument.ts'
import { pdfFile } from './pdfFile.ts'

const bytes = (...parts: (string | readonly number[])[]) =>
  Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part, 'utf8') : Buffer.from(part))))
const utf16le = (text: string) => [...Buffer.from(text, 'utf16le')]
const utf16be = (text: string) => [...Buffer.from(text, 'utf16le').swap16()]

const CITY = 'name;city\nJosé;Málaga\n'
const LATIN = [...Buffer.from(CITY, 'latin1')]
const META = '<meta charset="Shift_JIS"><p>'

describe('a text is read in the encoding it is in', () => {
  it.each<[string, Buffer, string, string]>([
    ['UTF-8', bytes(CITY), CITY, 'utf-8'],
    ['UTF-8 with a mark', bytes([0xef, 0xbb, 0xbf], CITY), CITY, 'utf-8'],
    ['UTF-16, little end first, with a mark', bytes([0xff, 0xfe], utf16le(CITY)), CITY, 'utf-16le'],
    ['UTF-16, big end first, with a mark', bytes([0xfe, 0xff], utf16be(CITY)), CITY, 'utf-16be'],
    ['UTF-16 without a mark', bytes(utf16le(CITY)), CITY, 'utf-16le'],
    ['UTF-16, big end first, without one', bytes(utf16be(CITY)), CITY, 'utf-16be'],
    ['Windows-1252', bytes(LATIN), CITY, 'windows-1252'],
    [
      'its quotes and euro',
      bytes('say ', [0x93], 'yes', [0x94], ' for ', [0x80], '5'),
      'say “yes” for €5',
      'windows-1252',
    ],
    [
      'XML that says so',
      bytes('<?xml version="1.0" encoding="iso-8859-2"?><a>', [0xb1], '</a>'),
      '<?xml version="1.0" encoding="iso-8859-2"?><a>ą</a>',
      'iso-8859-2',
    ],
  ])('%s', async (_, content, text, encoding) => {
    const found = await extractDocument({ name: 'a.csv', bytes: content })
    expect(found).toMatchObject({ text, encoding })
    // What is recorded says that the bytes are not the text's own; nothing where they are.
    expect(found.extractor).toBe(encoding === 'utf-8' ? null : 'text/1')
    // Only where nothing in the bytes tells it.
    expect(found.guessed).toBe(encoding === 'windows-1252')
    expect(guessNotes('a.csv', found)).toEqual(
      found.guessed ? ['a.csv does not say how it is encoded: it was read as windows-1252, which is a guess.'] : [],
    )
  })

  it.each([
    ['windows-1251', [0xc4, 0xe2, 0xee, 0xf0], 'Двор'],
    ['koi8-r', [0xe4, 0xd7, 0xcf, 0xd2], 'Двор'],
    ['Shift_JIS', [0x93, 0xfa, 0x96, 0x7b], '日本'],
    ['latin2', [0xb1, 0xe8], 'ąč'],
  ])('%s where a person says so, which the recipe records', async (said, content, text) => {
    const found = await extractDocument({ name: 'a.txt', bytes: bytes(content), encoding: said })
    expect(found).toMatchObject({ text, guessed: false, extractor: `text/1 ${found.encoding}` })
    const page = await extractDocument({ name: 'a.html', bytes: bytes('<p>', content, '</p>'), encoding: said })
    expect(page).toMatchObject({ text, extractor: `html/1 ${found.encoding}` })
  })

  it('a mark counts more than the encoding that was said, and that more than what a page declares', async () => {
    const marked = bytes([0xef, 0xbb, 0xbf], CITY)
    const said = await extractDocument({ name: 'a.txt', bytes: marked, encoding: 'windows-1251' })
    expect(said).toMatchObject({ text: CITY, encoding: 'utf-8' })
    const page = bytes('<meta charset="utf-8"><p>', LATIN, '</p>')
    expect(await extractDocument({ name: 'a.html', bytes: page, encoding: 'iso-8859-1' })).toMatchObject({
      encoding: 'windows-1252',
    })
  })

  it('what is not text in the encoding that was said is refused, and so is one that does not exist', async () => {
    const content = bytes([0x93])
    await expect(extractDocument({ name: 'a.txt', bytes: content, encoding: 'shift_jis' })).rejects.toMatchObject({
      ...{ code: 'E_NOT_TEXT', message: expect.stringContaining('not text in shift_jis') },
    })
    await expect(extractDocument({ name: 'a.txt', bytes: content, encoding: 'cp-nothing' })).rejects.toMatchObject({
      code: 'E_BAD_INPUT',
    })
  })

  it.each(['A PDF begins with %PDF-1.7.\n', 'pdf: %PDF-'])('a text about PDFs is a text: %j', async text => {
    expect(await extractDocument({ name: 'notes.md', bytes: bytes(text) })).toMatchObject({ text, extractor: null })
  })

  it('a page in the encoding it declares', async () => {
    const page = bytes(META, [0x93, 0xfa, 0x96, 0x7b], '</p>')
    expect(await extractDocument({ name: 'a.HTML', bytes: page })).toMatchObject({
      text: '日本',
      encoding: 'shift_jis',
    })
  })

  it.each<[string, Buffer]>([
    ['a program', bytes([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0])],
    ['an archive', bytes('PK\u0003\u0004\0\0')],
    ['a picture', bytes([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13])],
    ['Shift-JIS that does not say so', bytes([0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea, 0x82, 0xcc])],
    ['half a UTF-16 character', bytes([0xff, 0xfe, 0x61])],
  ])('%s is refused with a way out', async (_, content) => {
    await expect(extractDocument({ name: 'a.txt', bytes: content })).rejects.toMatchObject({
      code: 'E_NOT_TEXT',
      message: expect.stringMatching(/^a\.txt .*UTF-8/),
    })
  })
})

describe('PDF', () => {
  const JAPANESE = 'BT /F1 24 Tf 20 40 Td <93FA967B8CEA> Tj ET'
  it.each([
    ['a font that only names its character map', JAPANESE, '日本語'],
    ['two scripts on one page', `BT /F2 12 Tf 20 80 Td (Invoice 4711) Tj ET\n${JAPANESE}`, 'Invoice 4711\n日本語'],
  ])('%s', async (_, show, text) => {
    const { extractor, guessed: _g, ...found } = await extractDocument({ name: 'scan.PDF', bytes: pdfFile(show) })
    expect(found).toEqual({ text, encoding: null })
    expect(extractor).toMatch(/^pdf\/1 pdf\.js\/\d/)
  })

  it('is one by its content, whatever its name; the caller keeps its bytes', async () => {
    const content = pdfFile(JAPANESE)
    const before = content.length
    expect((await extractDocument({ name: '', bytes: content })).text).toBe('日本語')
    expect(content.length).toBe(before)
  })

  it('that unpacks to more than the memory it may have is refused', async () => {
    // A MiB of zeros, 4,096 times: each flush ends where the next begins.
    const mebibyte = deflateRawSync(Buffer.alloc(2 ** 20), { finishFlush: constants.Z_FULL_FLUSH })
    const packed = deflateSync(Buffer.concat([Buffer.of(0x78, 0x9c), ...Array<Buffer>(2 ** 12).fill(mebibyte)]))
    const content = pdfFile(`${packed.toString('hex')}>`, '/ASCIIHexDecode/FlateDecode/FlateDecode')
    await expect(extractDocument({ name: 'bomb.pdf', bytes: content })).rejects.toMatchObject({
      code: 'E_TOO_LARGE',
      message: 'Reading this document takes too much memory.',
    })
  })

  it('without text, or broken, is said', async () => {
    await expect(extractDocument({ name: 'scan.pdf', bytes: pdfFile('') })).rejects.toMatchObject({
      code: 'E_EMPTY_TEXT',
      message: expect.stringContaining('OCR'),
    })
    await expect(extractDocument({ name: 'a.pdf', bytes: bytes('%PDF-1.4\n1 0 obj<<>>endobj') })).rejects.toMatchObject(
      {
        code: 'E_NOT_TEXT',
      },
    )
  })

  it('can be cancelled', async () => {
    const controller = new AbortController()
    const run = extractDocument({ name: 'a.pdf', bytes: pdfFile(JAPANESE) }, controller.signal)
    controller.abort()
    await expect(run).rejects.toMatchObject({ code: 'E_CANCELLED' })
  })
})

it('a page without words is said, a plain text may be empty', async () => {
  const page = bytes('<script>1</script>')
  await expect(extractDocument({ name: 'a.htm', bytes: page })).rejects.toMatchObject({ code: 'E_EMPTY_TEXT' })
  expect((await extractDocument({ name: '', bytes: bytes('') })).text).toBe('')
})
