import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { z } from 'zod'
import { type ExtractedDocument, extractDocument } from '#engine/documents/extractDocument.ts'
import { StatePackError } from '#shared/domain/error.ts'

const CAP = 64 * 1024 * 1024
/** Of what may be a PDF; texts are held to less where they are read. */
const DOCUMENT_CAP = 512 * 1024 * 1024

/** The text of a file, whatever document it is; see {@link readDocument}. */
export async function readTextFile(path: string): Promise<string> {
  return (await readDocument(path)).text
}

/**
 * A file as the window takes it too: PDF, HTML or text in any encoding; `-` is standard input. Throws `E_NOT_FOUND`,
 * `E_TOO_LARGE`, `E_NOT_TEXT`, `E_EMPTY_TEXT`, `E_BAD_INPUT` (no such encoding).
 */
export async function readDocument(path: string, encoding?: string): Promise<ExtractedDocument> {
  const name = path === '-' ? '' : basename(path)
  return extractDocument({ name, bytes: await readBytes(path, DOCUMENT_CAP), encoding })
}

/** A file's bytes; `-` is standard input. Throws `E_NOT_FOUND`, `E_TOO_LARGE`. */
export async function readBytes(path: string, cap = CAP): Promise<Uint8Array> {
  if (path === '-') {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of process.stdin) {
      size += chunk.length
      if (size > cap) throw tooLarge(path, cap)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new StatePackError('E_BAD_INPUT', `${path} is not a file.`, { path })
    if (found.size > cap) throw tooLarge(path, cap)
    return await readFile(path)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new StatePackError(
        'E_NOT_FOUND',
        `There is no file ${path}. Name one, or - for standard input.`,
        { path },
        thrown,
      )
    }
    throw thrown
  }
}

/** Throws `E_BAD_JSON`. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StatePackError('E_BAD_JSON', `${where} is not JSON: ${reason}.`, { where }, cause)
  }
}

/** One sentence for JSON of another shape: which field is wrong, and why. */
export function wrongShape(code: 'E_BAD_FORMAT' | 'E_BAD_INPUT', what: string, error: z.ZodError): StatePackError {
  const [issue] = error.issues
  const field = issue?.path.join('.') ?? ''
  const where = field === '' ? '' : ` “${field}”`
  return new StatePackError(code, `${what}:${where} ${issue?.message ?? 'something is wrong'}.`.replace(/\.\.$/, '.'), {
    field,
  })
}

function tooLarge(path: string, cap: number): StatePackError {
  return new StatePackError('E_TOO_LARGE', `${path} has more than ${cap} bytes.`, { path, cap })
}
