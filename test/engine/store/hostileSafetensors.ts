/** Fixed hostile safetensors files: each is a header that some reader somewhere has accepted or crashed on. */

/** A file with this header text, padded as the format wants, and `buffer` bytes after it. */
export function safetensorsOf(header: string | Uint8Array, buffer: number): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const start = Math.ceil((8 + json.length) / 64) * 64
  const out = new Uint8Array(start + buffer).fill(0x20, 0, start)
  new DataView(out.buffer).setBigUint64(0, BigInt(start - 8), true)
  out.set(json, 8)
  return out
}

/** A raw file: this length field, then these bytes. */
function raw(length: bigint, rest: Uint8Array | string): Uint8Array {
  const bytes = typeof rest === 'string' ? new TextEncoder().encode(rest) : rest
  const out = new Uint8Array(8 + bytes.length)
  new DataView(out.buffer).setBigUint64(0, length, true)
  out.set(bytes, 8)
  return out
}

const entry = (dtype: string, shape: string, offsets: string) =>
  `{"x":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`
const two = (a: string, b: string) =>
  `{"x":{"dtype":"U8","shape":[4],"data_offsets":${a}},"y":{"dtype":"U8","shape":[4],"data_offsets":${b}}}`

const cases: [string, Uint8Array, string?][] = [
  ['an empty file', new Uint8Array(0)],
  ['seven bytes', new Uint8Array(7)],
  ['a zero-length header', raw(0n, '')],
  ['a length of 2^64-1', raw(2n ** 64n - 1n, '{}'), 'E_TOO_LARGE'],
  ['a length of 2^63', raw(2n ** 63n, '{}'), 'E_TOO_LARGE'],
  ['a length just over the cap', raw(8n * 1024n * 1024n + 1n, '{}'), 'E_TOO_LARGE'],
  ['a length at the cap, past the end', raw(8n * 1024n * 1024n - 8n, '{}')],
  ['a length one past the end', raw(57n, `{}${' '.repeat(54)}`)],
  ['a header that is not padded', raw(2n, '{}')],
  ['a header padded to 8 bytes only', raw(8n, '{}      ')],
  ['64 bytes more padding than needed', raw(120n, `{}${' '.repeat(118)}`)],
  ['zero bytes as padding', raw(56n, `{}${'\0'.repeat(54)}`)],
  ['newlines as padding', raw(56n, `{}${'\n'.repeat(54)}`)],
  ['a space before the header', safetensorsOf(` ${entry('F32', '[2]', '[0,8]')}`, 8)],
  ['a byte order mark', safetensorsOf(`\ufeff${entry('F32', '[2]', '[0,8]')}`, 8)],
  ['a list instead of an object', safetensorsOf('[]', 0)],
  ['two documents', safetensorsOf('{}{}', 0)],
  ['not UTF-8', safetensorsOf(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 0)],
  ['a truncated document', safetensorsOf('{"x":{"dtype":"F32"}', 0)],
  ['a comment', safetensorsOf('{/**/}', 0)],
  ['a trailing comma', safetensorsOf('{"__metadata__":{},}', 0)],
  [
    'a duplicate tensor',
    safetensorsOf(
      `{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}`,
      8,
    ),
  ],
  [
    'a duplicate tensor spelt with an escape',
    safetensorsOf(
      `{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\\u0078":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}`,
      8,
    ),
  ],
  ['a duplicate member', safetensorsOf('{"x":{"dtype":"U8","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 8)],
  ['a duplicate metadata key', safetensorsOf('{"__metadata__":{"a":"1","a":"2"}}', 0)],
  ['metadata that is not text', safetensorsOf('{"__metadata__":{"a":1}}', 0)],
  ['metadata that is a list', safetensorsOf('{"__metadata__":[]}', 0)],
  ['nesting beyond the cap', safetensorsOf(`{"x":${'['.repeat(200)}${']'.repeat(200)}}`, 0)],
  ['nesting that would exhaust a stack', safetensorsOf(`{"x":${'['.repeat(200_000)}`, 0)],
  ['an unknown dtype', safetensorsOf(entry('F64', '[1]', '[0,8]'), 8)],
  ['a dtype named like an object member', safetensorsOf(entry('constructor', '[8]', '[0,8]'), 8)],
  ['a dtype in lower case', safetensorsOf(entry('f32', '[2]', '[0,8]'), 8)],
  ['a negative dimension', safetensorsOf(entry('F32', '[-2]', '[0,8]'), 8)],
  ['a fractional dimension', safetensorsOf(entry('F32', '[2.0]', '[0,8]'), 8)],
  ['an exponent', safetensorsOf(entry('F32', '[2e0]', '[0,8]'), 8)],
  ['a leading zero', safetensorsOf(entry('F32', '[02]', '[0,8]'), 8)],
  ['a minus zero', safetensorsOf(entry('F32', '[-0]', '[0,0]'), 0)],
  ['a dimension of 2^53', safetensorsOf(entry('U8', '[9007199254740992]', '[0,8]'), 8)],
  ['a product that overflows', safetensorsOf(entry('U8', '[4294967296,4294967296]', '[0,0]'), 0)],
  [
    'a product that overflows, hidden by a zero',
    safetensorsOf(entry('F32', '[9007199254740991,9007199254740991,0]', '[0,0]'), 0),
  ],
  ['a null shape', safetensorsOf(entry('F32', 'null', '[0,8]'), 8)],
  ['a nested shape', safetensorsOf(entry('F32', '[[2]]', '[0,8]'), 8)],
  ['too many dimensions', safetensorsOf(entry('U8', '[1,1,1,1,1,1,1,1,8]', '[0,8]'), 8)],
  ['offsets past the end', safetensorsOf(entry('F32', '[4]', '[0,16]'), 8)],
  ['offsets backwards', safetensorsOf(entry('F32', '[2]', '[8,0]'), 8)],
  ['one offset', safetensorsOf(entry('F32', '[2]', '[8]'), 8)],
  ['three offsets', safetensorsOf(entry('F32', '[2]', '[0,8,8]'), 8)],
  ['offsets of another size than the shape', safetensorsOf(entry('F32', '[1]', '[0,8]'), 8)],
  ['a hole before', safetensorsOf(entry('U8', '[4]', '[4,8]'), 8)],
  ['a hole between', safetensorsOf(two('[0,4]', '[8,12]'), 12)],
  ['an overlap', safetensorsOf(two('[0,4]', '[2,6]'), 6)],
  ['the same bytes twice', safetensorsOf(two('[0,4]', '[0,4]'), 4)],
  ['bytes after the last tensor', safetensorsOf(entry('U8', '[4]', '[0,4]'), 5)],
  ['a buffer without tensors', safetensorsOf('{}', 4)],
  ['a missing member', safetensorsOf('{"x":{"dtype":"U8","shape":[4]}}', 4)],
  ['an extra member', safetensorsOf('{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"y":1}}', 4)],
  ['a tensor that is null', safetensorsOf('{"x":null}', 0)],
  ['an empty name', safetensorsOf('{"":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', 4)],
  [
    'a name with a control character',
    safetensorsOf('{"a\\u0000b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', 4),
  ],
  ['a name with a lone surrogate', safetensorsOf('{"\\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', 4)],
  ['a very long name', safetensorsOf(`{"${'n'.repeat(300)}":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4)],
]

export const hostileHeaders = cases.map(([name, bytes, code = 'E_BAD_FORMAT']) => ({ name, bytes, code }))
