/** Texts and splits that are hard on seams, from a seed. */

/** A number in [0, 1) at each call; the same sequence for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function pick<T>(random: () => number, list: readonly T[]): T {
  const item = list[Math.floor(random() * list.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}

/** Everyday text: what the length of the held-back tail is judged on. */
export const ENGLISH = [
  "The deadline of Project Falcon is 14 March. Who is responsible? It's Lena's team, we'll see; they've said no.\n\nStep 2: don't worry, 12,345.67 dollars (about 10%).",
  'def total(items):\n    return sum(item.price * 1.19 for item in items)\n\n\nprint(total([]))\r\n',
  'Dear all,\n\nplease find the minutes of Tuesday attached. Anna (Bern) takes over the budget, EUR 120,000, from April.\n\nKind regards\nP.S. The old server will be switched off on 28 February 2027 at 17:00.\n',
]

const FRAGMENTS = [
  ...[' ', '  ', '    ', '\n', '\n\n', '\r\n', '\r', '\t', '\u00a0', '\u3000', '\u2028', '\u0085', '\ufeff', '\u200d'],
  ...[
    "'",
    "'l",
    "'ll",
    "'LL",
    "'re",
    "'s",
    'we',
    'l',
    'don',
    'x',
    'xxxxxxxx',
    'ABC',
    'Ab',
    'aB',
    '.',
    '...',
    '!',
    '_',
    '/',
  ],
  ...['1', '23', '4567', '½', '²', '٣', '3.14', '12,345'],
  ...[
    'e\u0301',
    '\u0301',
    '\u0308',
    'é',
    'A\u030a',
    'Å',
    '\u1100',
    '\u1161',
    '\u11a8',
    '가',
    'ﬁ',
    'ｶﾞ',
    '\u{1d15e}',
    '\u0344',
  ],
  ...[
    '東京',
    'は',
    'Привет',
    'مرحبا',
    '\u064b',
    'नि',
    'กำ',
    'ß',
    'İ',
    'Σ',
    'ς',
    '👍🏽',
    '👩‍👩‍👧‍👦',
    '🏳️‍🌈',
    '🇨🇭',
    '\u0000',
  ],
  ...['▁', '▁▁', '<0x41>', '<', '|', '<|im_', 'start|>', '_end|>', '[', 'INST', ']', '</', 's>'],
]

export interface SeamMaterial {
  readonly cases: readonly string[]
  readonly addedTokens: readonly string[]
}

/** A text of pieces of the cases, awkward fragments, added tokens whole and cut, and random code points. */
export function awkwardText(random: () => number, { cases, addedTokens }: SeamMaterial): string {
  let text = ''
  for (let left = 1 + Math.floor(random() * 12); left > 0; left--) {
    const kind = random()
    if (kind < 0.15) text += pick(random, cases)
    else if (kind < 0.4) {
      const from = pick(random, cases)
      const start = Math.floor(random() * from.length)
      text += from.slice(start, start + Math.floor(random() * 20))
    } else if (kind < 0.75) text += pick(random, FRAGMENTS)
    else if (kind < 0.88 && addedTokens.length > 0) {
      const token = pick(random, addedTokens)
      text += random() < 0.5 ? token : token.slice(0, Math.ceil(random() * token.length))
    } else {
      const limit = pick(random, [0x80, 0x800, 0xd800, 0x10ffff])
      text += String.fromCodePoint(Math.floor(random() * limit))
    }
  }
  return text
}

/** Where to cut a text of this length: once, in up to ten places, or now and then between every two characters. */
export function awkwardSplit(random: () => number, length: number): number[] {
  const kind = random()
  if (kind < 0.05) return Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1)
  const count = kind < 0.5 ? 1 : 1 + Math.floor(random() * 10)
  const cuts = Array.from({ length: count }, () => Math.floor(random() * (length + 1)))
  return [...new Set(cuts)].sort((a, b) => a - b)
}
