/** A stretch of text that looks like something nobody means to share. */
export interface Secret {
  readonly kind: string
  /** Its beginning only: a warning must not repeat the secret. */
  readonly excerpt: string
}

/** What has no issuer's mark, or one that the rules above do not know. Repetitions are bounded: texts may be made to be slow. */
const PATTERNS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['API key', /\b(?:sk|rk|pk)[-_](?:live|test|proj)?[-_]?[A-Za-z0-9_-]{20,200}/g],
  ['Google API key', /\bAIza[0-9A-Za-z_-]{35}\b/g],
  ['JSON web token', /\beyJ[A-Za-z0-9_-]{8,300}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,2000}/g],
  ['private key', /-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----/g],
  ['AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g],
  ['Hugging Face token', /\bhf_[A-Za-z0-9]{30,}\b/g],
  ['password', /\b(?:password|passwd|passphrase|passwort)\b[^\n.]{0,40}?(?:[:=]|\bis\b|\bist\b)\s*["']?\S{4,}/gi],
  ['password', /\b(?:secret|api[_ -]?key)\b["']?\s*[:=]\s*["']?\S{8,}/gi],
  ['access token', /\b(?:access|auth|bearer)[ _-]?token\b["']?\s*[:=]\s*["']?\S{12,}/gi],
  ['credentials in a link', /\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@]{1,200}:[^\s/@]{1,200}@/gi],
  ['card number', /\b(?:\d[ -]?){12,18}\d\b/g],
  ['email address', /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu],
]

const MOST = 100
/** Characters that are searched at once, and of the longest key. */
const PIECE = 256 * 1024
const LONGEST = 16 * 1024
const SHOWN = 12

/**
 * What in a text looks like a secret, so that sharing it can be thought over: by the shapes that issuers give their keys
 * (secretlint's recommended rules) and by a few that people write. It is a warning, not a filter.
 */
export async function findSecrets(text: string): Promise<Secret[]> {
  const spans: Span[] = []
  // Said once, by the rule that knows most of it.
  const add = (one: Span) => {
    if (!spans.some(({ start, end }) => start < one.end && one.start < end)) spans.push(one)
  }
  for await (const span of issuedIn(text)) {
    if (spans.length === MOST) break
    add(span)
  }
  for (const span of shapesIn(text)) {
    if (spans.length === MOST) break
    add(span)
  }
  return spans.map(({ kind, start }) => ({ kind, excerpt: `${text.slice(start, start + SHOWN)}…` }))
}

interface Span {
  readonly kind: string
  readonly start: number
  readonly end: number
}

/** What secretlint's rules find. Its own time grows with the square of what it finds, so it is given pieces that overlap. */
async function* issuedIn(text: string): AsyncGenerator<Span> {
  const { lintSource } = await import('@secretlint/core')
  const { creator } = await import('@secretlint/secretlint-rule-preset-recommend')
  const config = { rules: [{ id: 'known-shapes', rule: creator }] }
  for (let from = 0; from === 0 || from + LONGEST < text.length; from += PIECE - LONGEST) {
    // A text must not be able to switch the search off: the rules listen to comments with this word in them.
    const content = text.slice(from, from + PIECE).replace(/secretlint-/gi, 'secretlint_')
    const source = { filePath: 'text.txt', content, ext: '.txt', contentType: 'text' } as const
    const { messages } = await lintSource({ source, options: { config, maskSecrets: false } })
    for (const {
      ruleId,
      range: [start, end],
    } of messages)
      yield { kind: kindOf(ruleId), start: from + start, end: from + end }
  }
}

/** What {@link PATTERNS} match, one pattern after the other. */
function* shapesIn(text: string): Generator<Span> {
  for (const [kind, pattern] of PATTERNS) {
    for (const { 0: match, index: start } of text.matchAll(pattern))
      if (kind !== 'card number' || isCardNumber(match)) yield { kind, start, end: start + match.length }
  }
}

/** `@secretlint/secretlint-rule-privatekey` and the like, in words. */
function kindOf(rule: string): string {
  const name = rule.replace(/^.*secretlint-rule-/, '')
  return KINDS[name] ?? `${name} key`
}

const KINDS: Readonly<Record<string, string>> = {
  aws: 'AWS access key',
  github: 'GitHub token',
  openai: 'API key',
  anthropic: 'API key',
  slack: 'Slack token',
  huggingface: 'Hugging Face token',
  privatekey: 'private key',
  basicauth: 'credentials in a link',
  'database-connection-string': 'credentials in a link',
  gcp: 'Google Cloud key',
  npm: 'npm token',
}

/** Of 13 to 19 digits with the check digit of payment cards (ISO/IEC 7812-1), which random digits lack nine times of ten. */
function isCardNumber(text: string): boolean {
  const digits = [...text].filter(character => /\d/.test(character)).map(Number)
  const sum = digits.toReversed().reduce((total, digit, index) => {
    const doubled = index % 2 === 1 ? digit * 2 : digit
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  // Major industries 3 to 6 are banking's; years, telephones and timestamps mostly begin otherwise.
  return sum % 10 === 0 && /^[3-6]/.test(text) && new Set(digits).size > 2
}
