import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StatePackError } from '#shared/domain/error.ts'

const MAX_PAGES = 10_000
const MAX_CHARACTERS = 40_000_000

const folder = dirname(fileURLToPath(import.meta.resolve('pdfjs-dist/package.json')))

/** Gives pdf.js its character maps: East Asian fonts name one that is not in the file. */
class CharacterMaps {
  async fetch({ filename }: { readonly filename: string }): Promise<Uint8Array> {
    return new Uint8Array(await readFile(join(folder, 'cmaps', basename(filename))))
  }
}

/**
 * The text layer of a PDF, page by page, lines as they are set; scripts in the file are never run. Throws `E_NOT_TEXT` for
 * what is no PDF or needs a password, `E_TOO_LARGE`.
 */
export async function pdfToText(bytes: Uint8Array): Promise<string> {
  // Loaded for PDFs only. The parser is given to pdf.js, which would look for a browser's worker.
  const [pdfjs, parser] = await Promise.all([
    import('pdfjs-dist/legacy/build/pdf.mjs'),
    import(import.meta.resolve('pdfjs-dist/legacy/build/pdf.worker.mjs')),
  ])
  Object.assign(globalThis, { pdfjsWorker: parser })
  const task = pdfjs.getDocument({
    data: bytes,
    ...{ BinaryDataFactory: CharacterMaps, cMapUrl: 'cmaps/', cMapPacked: true, useWorkerFetch: false },
    ...{ stopAtErrors: false, verbosity: pdfjs.VerbosityLevel.ERRORS },
  })
  try {
    const pdf = await task.promise.catch(cause => {
      throw new StatePackError('E_NOT_TEXT', 'This is not a readable PDF, or it needs a password.', {}, cause)
    })
    if (pdf.numPages > MAX_PAGES)
      throw new StatePackError('E_TOO_LARGE', `This PDF has ${pdf.numPages} pages; up to ${MAX_PAGES} are read.`)
    let text = ''
    for (let number = 1; number <= pdf.numPages; number++) {
      const page = await pdf.getPage(number)
      const content = await page.getTextContent()
      for (const item of content.items) {
        if ('str' in item) text += item.hasEOL ? `${item.str}\n` : item.str
      }
      text += '\n\n'
      page.cleanup()
      if (text.length > MAX_CHARACTERS) throw new StatePackError('E_TOO_LARGE', 'This PDF holds too much text.')
    }
    return text.trim()
  } finally {
    await task.destroy()
  }
}
