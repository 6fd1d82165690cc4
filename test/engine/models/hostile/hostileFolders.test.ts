import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Model } from '#engine/models/model.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { withinTime } from '#engine/models/withinTime.ts'
import { StatePackError, toErrorValue } from '#shared/domain/error.ts'
import { seeded } from '../../../model/seamTexts.ts'
import {
  CHECKPOINT,
  doubling,
  EXPORT,
  edited,
  HAS_DEVICES,
  nested,
  normalizeBy,
  renderBy,
  replaced,
  splitBy,
  THINGS,
  withHostileFolder,
} from './hostileFolder.ts'

const messages = [{ role: 'user', content: 'Where does the goat live?' }]

/** Everything that is done with a model before it runs; the code of what it throws, null when all goes well. */
async function use(folder: string): Promise<string | null> {
  try {
    exercise(await openModel(folder))
    return null
  } catch (thrown) {
    return toErrorValue(thrown).code
  }
}

function exercise({ tokenizer }: Model): void {
  if (tokenizer === null) return
  const { tokens, ...state } = tokenizer.fold(tokenizer.startRun(), 'The goat lives in Oslo.  It likes pears!\n')
  tokenizer.decode([...tokens, ...tokenizer.flush(state)])
  if (tokenizer.chatTemplate !== null) tokenizer.renderChat(messages)
}

describe.runIf(HAS_DEVICES)('only regular files of a sane size are read', () => {
  const FILES: [model: string, file: string, code: string][] = [
    [CHECKPOINT, 'config.json', 'E_MODEL_CONFIG'],
    [CHECKPOINT, 'generation_config.json', 'E_MODEL_CONFIG'],
    [CHECKPOINT, 'tokenizer.json', 'E_TOKENIZER'],
    [CHECKPOINT, 'tokenizer_config.json', 'E_TOKENIZER'],
    [CHECKPOINT, 'special_tokens_map.json', 'E_TOKENIZER'],
    [CHECKPOINT, 'chat_template.jinja', 'E_TOKENIZER'],
    [CHECKPOINT, 'model.safetensors', 'E_MODEL_WEIGHTS'],
  ]
  for (const [model, file, code] of FILES) {
    test.each(Object.entries(THINGS))(`${file} as %s`, async (name, make) => {
      const found = await withHostileFolder(model, replaced(file, make), use)
      // A link to itself is no file at all: some are absent then, and nothing is wrong.
      if (name !== 'a link to itself') expect(found).toBe(code)
      else expect(found).not.toBe('E_INTERNAL')
    })
  }

  test.each(Object.entries(THINGS))('an ONNX export as %s', async (_, make) => {
    expect(await withHostileFolder(EXPORT, replaced('model.onnx', make), use)).toMatch(/^E_(MODEL|NOT|IO)/)
  })

  test.each(Object.entries(THINGS))('a GGUF file as %s', async (_, make) => {
    const code = await withHostileFolder(CHECKPOINT, replaced('model.gguf', make), folder =>
      use(join(folder, 'model.gguf')),
    )
    expect(code).toMatch(/^E_(MODEL|UNKNOWN|NOT|IO)/)
  })
})

describe('what a folder makes the app do has an end', () => {
  test.each([
    ['a pattern that backtracks', splitBy('(\\p{L}+)+!|\\s|.')],
    ['a normaliser that grows', normalizeBy(doubling(40))],
    ['a normaliser of very many stages', normalizeBy(doubling(5000))],
    ['a normaliser that nests', nested('normalizer', 'normalizers')],
    [
      'a replacement that is huge',
      normalizeBy({ type: 'Replace', pattern: { String: 'a' }, content: 'x'.repeat(1e6) }),
    ],
    ['a pre-tokeniser that nests', nested('pre_tokenizer', 'pretokenizers')],
    [
      'a template that loops',
      renderBy('{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}'),
    ],
    [
      'a template that grows',
      renderBy('{% set n = namespace(s="x") %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}'),
    ],
    ['a template that nests', renderBy(`{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`)],
  ])('%s', async (_, change) => {
    expect(await withHostileFolder(CHECKPOINT, change, use)).toBe('E_TOKENIZER')
  })

  test('a pattern that backtracks over one text only is ended where it meets it', () => {
    const late = () => new StatePackError('E_TOKENIZER', 'late')
    expect(() => withinTime(50, late, () => /^(a|aa)+$/.test(`${'a'.repeat(60)}b`))).toThrow('late')
    expect(withinTime(5000, late, () => withinTime(5000, late, () => 'nested'))).toBe('nested')
    expect(() =>
      withinTime(5000, late, () => {
        throw new TypeError('its own')
      }),
    ).toThrow('its own')
  })
})

/** Values where others are expected. */
const ODD: readonly unknown[] = [
  ...[
    null,
    true,
    -1,
    0,
    1e308,
    0.5,
    '',
    'x'.repeat(5000),
    [],
    {},
    [[]],
    '\u0000',
    'Infinity',
    2 ** 53,
    '../../etc/passwd',
  ],
]

/** Checkpoints and exports of every kind that is read; the last has quantised weights in blocks. */
const STARTS = [
  CHECKPOINT,
  'assets/models/starter-mamba',
  'test/golden/granite-hybrid',
  EXPORT,
  'test/golden/onnx/genai-llama-int4',
  'test/golden/gguf/gguf-llama-q4_k',
  'test/golden/gguf/layout-granite-hybrid',
]
const VARIATIONS = process.env.DEEP ? 200 : 8

/** Something odd in one place of a JSON file, or in two. */
function oddJson(file: string, random: () => number): (folder: string) => Promise<void> {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  return edited(file, json => {
    for (let times = 0; times < 1 + Math.floor(random() * 2); times++) {
      let place: Record<string, unknown> = json
      let key = pick(Object.keys(place))
      while (random() < 0.6) {
        const inner = place[key]
        const keys = typeof inner === 'object' && inner !== null ? Object.keys(inner).slice(0, 50) : []
        if (keys.length === 0) break
        place = inner as Record<string, unknown>
        key = pick(keys)
      }
      place[key] = pick(ODD)
    }
  })
}

/** One to eight other bytes, mostly near the beginning, where shapes and sizes stand. */
function oddBytes(file: string, random: () => number): (folder: string) => Promise<void> {
  return async folder => {
    const path = join(folder, file)
    const bytes = await readFile(path)
    for (let times = 0; times < 1 + Math.floor(random() * 8); times++) {
      const reach = random() < 0.8 ? Math.min(4096, bytes.length) : bytes.length
      bytes[Math.floor(random() * reach)] = Math.floor(random() * 256)
    }
    await writeFile(path, bytes)
  }
}

test.each(STARTS)(
  `%s with something odd anywhere in its files, ${VARIATIONS} times: opens, or says what is wrong`,
  async start => {
    const random = seeded(7433 + STARTS.indexOf(start))
    const files = (await readdir(start))
      .filter(name => /^(?!golden).*\.(json|safetensors|onnx|gguf)$/.test(name))
      .sort()
    for (let i = 0; i < VARIATIONS; i++) {
      const file = files[Math.floor(random() * files.length)] ?? ''
      const odd = (file.endsWith('.json') ? oddJson : oddBytes)(file, random)
      const code = await withHostileFolder(start, odd, folder =>
        use(file.endsWith('.gguf') ? join(folder, file) : folder),
      )
      expect(code, `variation ${i}: ${file}`).not.toBe('E_INTERNAL')
    }
  },
)
