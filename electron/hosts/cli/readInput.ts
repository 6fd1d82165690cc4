import { readFile, stat } from 'node:fs/promises'
import type { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'

const CAP = 64 * 1024 * 1024

/** A text file as UTF-8; `-` is standard input. Throws `E_NOT_FOUND`, `E_TOO_LARGE`, `E_NOT_TEXT`. */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readBytes(path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new StatePackError('E_NOT_TEXT', `${path} is not UTF-8 text.`, { path }, cause)
  }
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
      throw new StatePackError('E_NOT_FOUND', `There is no file ${path}.`, { path }, thrown)
    }
    throw thrown
  }
}

/** A JSON file. Throws `E_BAD_JSON` saying where. */
export async function readJsonFile(path: string): Promise<unknown> {
  return parseJson(await readTextFile(path), path)
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
