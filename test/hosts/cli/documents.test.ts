/** A document is the same context from the command line and from a window, and its recipe says how its text was taken. */
import { afterAll, expect, it } from 'vitest'
import { readDocuments, readPacket } from '#engine/packets/packet.ts'
import { digestSchema } from '#shared/domain/cartridge.ts'
import { pdfFile } from '../../engine/documents/pdfFile.ts'
import { openTestEngine } from '../../engine/testEngine.ts'
import { openHome } from './statepack.ts'

const home = openHome()
afterAll(() => home.remove())

it('a text in an encoding that nothing tells is read in the one that is said; a guess is said', async () => {
  const path = await home.write('dvor.txt', Buffer.from([0xc4, 0xe2, 0xee, 0xf0, 0x2e]))
  const create = ['create', '--base', path, '--store', home.path('store')]
  const failed = await home.run(create)
  expect(failed.code).not.toBe(0)
  expect(failed.stderr).toContain('--encoding')
  expect(await home.ok([...create, '--encoding', 'windows-1251'])).toMatchObject({ notes: [], base_bytes: 9 })
  const guessed = await home.write('city.txt', Buffer.from('José sells honey.', 'latin1'))
  expect(await home.ok(['create', '--base', guessed, '--store', home.path('store'), '--quiet'])).toMatchObject({
    notes: ['city.txt does not say how it is encoded: it was read as windows-1252, which is a guess.'],
  })
})

const FACT = 'The goat lives in Oslo.'
it.each<[string, string | Uint8Array, RegExp]>([
  ['page.HTML', `<html><head><script>var x=1</script></head><body><p>${FACT}</p></body></html>`, /^html\/1$/],
  ['scan.PDF', pdfFile(`BT /F2 12 Tf 20 80 Td (${FACT}) Tj ET`), /^pdf\/1 pdf\.js\//],
  ['wide.Txt', Buffer.from(`\ufeff${FACT}`, 'utf16le'), /^text\/1$/],
])('%s', async (name, content, extractor) => {
  const path = await home.write(name, content)
  const fromShell = await home.ok(['create', '--base', path, '--store', home.path('store')])
  const test = await openTestEngine()
  try {
    const bytes = new Uint8Array(Buffer.from(content))
    const document = await test.client.call('documents.extract', { name, bytes })
    expect(document.text).toBe(FACT)
    const source = { name, text: document.text, extractor: document.extractor ?? undefined }
    const { cartridge } = await test.client.call('packets.create', {
      model: 'starter-transformer',
      sources: [source],
    })
    expect(fromShell).toMatchObject({ context_id: cartridge.contextId })

    // Whatever is read after it, the recipe goes on saying how the first text was taken.
    const { cartridge: more } = await test.client.call('packets.merge', {
      ref: cartridge.packetId,
      delta: ' It likes pears.',
    })
    const { blobs } = test.engine.state.store
    const { recipe } = await readDocuments(blobs, await readPacket(blobs, digestSchema.parse(more.packetId)))
    expect(recipe?.steps).toMatchObject([{ name, extractor: expect.stringMatching(extractor) }, { do: 'read' }])
    expect(recipe?.steps[1]).not.toHaveProperty('extractor')
  } finally {
    await test.close()
  }
})
