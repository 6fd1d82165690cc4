/** JSON as Python writes it: bare Infinity, -Infinity and NaN, and `{"__float__": "Infinity"}`. */
import { StatePackError } from '#shared/domain/error.ts'
import { modelText } from './modelText.ts'

const LITERALS: Readonly<Record<string, number>> = {
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  NaN: Number.NaN,
}

/**
 * A string, or a bare literal outside one: strings are matched first, so their contents are never touched. One that does not
 * end is matched, too, so that a text without an end is gone through once, not once from each of its quotes.
 */
const TOKENS = /"(?:[^"\\]|\\.)*(?:"|\\?$)|-?Infinity|NaN/gs

/** Parses a JSON object in UTF-8 (a byte-order mark is allowed). Throws `E_MODEL_CONFIG` naming the file. */
export function parsePythonJson(bytes: Uint8Array, file = 'config.json'): Record<string, unknown> {
  const text = modelText(bytes, file, 'E_MODEL_CONFIG')
  let value: unknown
  try {
    const plain = text.replace(TOKENS, token => (token in LITERALS ? `{"__float__":"${token}"}` : token))
    value = JSON.parse(plain, (_key, item: unknown) => floatOf(item) ?? item)
  } catch (error) {
    throw new StatePackError('E_MODEL_CONFIG', `${file} is not JSON.`, { file }, error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StatePackError('E_MODEL_CONFIG', `${file} is not a JSON object.`, { file })
  }
  return { ...value }
}

function floatOf(item: unknown): number | undefined {
  if (typeof item !== 'object' || item === null || !('__float__' in item) || Object.keys(item).length !== 1)
    return undefined
  return typeof item.__float__ === 'string' ? LITERALS[item.__float__] : undefined
}
