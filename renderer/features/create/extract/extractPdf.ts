import { StatePackError } from '#shared/domain/error.ts'

const MAX_PAGES = 10_000
const MAX_CHARACTERS = 40_000_000

/**
 * The text layer of a PDF, page by page, lines as they are set. pdf.js parses in its own worker; scripts in the file are
 * never run. Throws `E_NOT_TEXT` for a file that is no PDF or needs a password, `E_TOO_LARGE`, `E_CANCELLED`.
 */
export async function extractPdf(file: File, signal: AbortSignal): Promise<string> {
  // Loaded when the first PDF comes: half a megabyte that most windows never need.
  const [pdfjs, worker] = await Promise.all([import('pdfjs-dist'), import('pdfjs-dist/build/pdf.worker.min.mjs?url')])
  pdfjs.GlobalWorkerOptions.workerSrc = worker.default
  const task = pdfjs.getDocument({
    data: new Uint8Array(await file.arrayBuffer()),
    stopAtErrors: false,
  })
  try {
    const pdf = await task.promise.catch(() => {
      throw new StatePackError('E_NOT_TEXT', `${file.name} is not a readable PDF, or needs a password.`)
    })
    if (pdf.numPages > MAX_PAGES) {
      throw new StatePackError(
        'E_TOO_LARGE',
        `${file.name} has ${pdf.numPages} pages; up to ${MAX_PAGES} can be read here.`,
      )
    }
    let text = ''
    for (let number = 1; number <= pdf.numPages; number++) {
      if (signal.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
      const page = await pdf.getPage(number)
      const content = await page.getTextContent()
      for (const item of content.items) {
        if ('str' in item) text += item.hasEOL ? `${item.str}\n` : item.str
      }
      text += '\n\n'
      page.cleanup()
      if (text.length > MAX_CHARACTERS) throw new StatePackError('E_TOO_LARGE', `${file.name} holds too much text.`)
    }
    return text.trim()
  } finally {
    await task.destroy()
  }
}
