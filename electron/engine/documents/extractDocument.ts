import { createRequire } from 'node:module'
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import { decodeText, isEncoding } from './decodeText.ts'
import { parseDocument } from './parseDocument.ts'

export interface DocumentFile {
  /** Tells HTML from plain text by its ending, in any case; empty for a text without a name. */
  readonly name: string
  readonly bytes: Uint8Array
  /** What somebody says of a text that has no byte order mark. */
  readonly encoding?: string | undefined
}

export interface ExtractedDocument {
  readonly text: string
  /** What made the text, with its version; null for UTF-8 text, which is taken as it is. Recorded in the recipe. */
  readonly extractor: string | null
  /** Lower-case WHATWG name; null for a PDF. */
  readonly encoding: string | null
  /** Nothing says that it is that encoding: whoever reads the text is told. */
  readonly guessed: boolean
}

/** What to say of a text whose encoding is a guess; nothing of others. */
export function guessNotes(
  name: string,
  { guessed, encoding }: Pick<ExtractedDocument, 'guessed' | 'encoding'>,
): string[] {
  const what = name === '' ? 'The text' : name
  return guessed ? [`${what} does not say how it is encoded: it was read as ${encoding}, which is a guess.`] : []
}

const pdfjs = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('pdfjs-dist/package.json'))

/** A number is raised whenever the same file would give another text. */
const EXTRACTORS = { text: 'text/1', html: 'html/1', pdf: `pdf/1 pdf.js/${pdfjs.version}` } as const

const MAX_TEXT_BYTES = 64 * 1024 ** 2
const MAX_PDF_BYTES = 512 * 1024 ** 2

/**
 * The text of a document, the same for the window and the command line: PDF page by page, HTML without its markup, anything
 * else as it is, in whatever encoding. Throws `E_TOO_LARGE`, `E_NOT_TEXT`, `E_EMPTY_TEXT`, `E_BAD_INPUT` (an encoding that does not
 * exist), `E_CANCELLED`.
 */
export async function extractDocument(file: DocumentFile, signal?: AbortSignal): Promise<ExtractedDocument> {
  const { name, bytes } = file
  const what = name === '' ? 'This' : name
  const isPdf = startsAsPdf(bytes, name)
  const limit = isPdf ? MAX_PDF_BYTES : MAX_TEXT_BYTES
  if (bytes.byteLength > limit) {
    const problem = `${what} has ${bytes.byteLength} bytes; up to ${limit} can be read.`
    throw new StatePackError('E_TOO_LARGE', problem, { name, bytes: bytes.byteLength, limit })
  }
  const document = isPdf ? await pdf(bytes, signal) : await text({ ...file, what }, signal)
  // A plain text may be empty on purpose; whoever reads it says whether that is enough.
  if (document.extractor === null || document.text.trim() !== '') return document
  const hint = isPdf ? ' Its pages may be pictures: run it through text recognition (OCR) first.' : ''
  throw new StatePackError('E_EMPTY_TEXT', `There is no text in ${name === '' ? 'this' : name}.${hint}`, { name })
}

/**
 * ISO 32000 wants the mark first; readers look for it in the first kilobyte. There it makes a PDF only of what is called one
 * or is no text: a text may well be about PDFs.
 */
function startsAsPdf(bytes: Uint8Array, name: string): boolean {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 1024))
  if (/^(ï»¿)?\s*%PDF-/.test(head)) return true
  return head.includes('%PDF-') && (/\.pdf$/i.test(name) || decodeText(bytes) === null)
}

async function pdf(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<ExtractedDocument> {
  // A copy: the thread takes its bytes with it.
  const text = await parseDocument({ kind: 'pdf', bytes: new Uint8Array(bytes) }, signal)
  return { text, extractor: EXTRACTORS.pdf, encoding: null, guessed: false }
}

async function text(
  { name, bytes, what, encoding: said }: DocumentFile & { readonly what: string },
  signal: AbortSignal | undefined,
): Promise<ExtractedDocument> {
  if (said !== undefined && !isEncoding(said)) {
    throw new StatePackError('E_BAD_INPUT', `There is no encoding ${said}: say windows-1251, shift_jis or the like.`, {
      encoding: said,
    })
  }
  const decoded = decodeText(bytes, said)
  if (decoded === null) {
    const problem =
      said === undefined
        ? `${what} is not UTF-8 text, and its encoding cannot be told. If it is text, say its encoding, or save it as UTF-8.`
        : `${what} is not text in ${said}. If it is text, say another encoding, or save it as UTF-8.`
    throw new StatePackError('E_NOT_TEXT', problem, { name })
  }
  const { encoding, guessed } = decoded
  // What a person said cannot be seen in the file again.
  const as = said === undefined || encoding === 'utf-8' ? '' : ` ${encoding}`
  if (/\.x?html?$/i.test(name)) {
    const parsed = await parseDocument({ kind: 'html', text: decoded.text }, signal)
    return { text: parsed, extractor: `${EXTRACTORS.html}${as}`, encoding, guessed }
  }
  const extractor = encoding === 'utf-8' ? null : `${EXTRACTORS.text}${as}`
  return { text: decoded.text, extractor, encoding, guessed }
}
