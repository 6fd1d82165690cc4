/** A stretch of text that looks like something nobody means to share. */
export interface Secret {
  readonly kind: string
  /** Its beginning only: a warning must not repeat the secret. */
  readonly excerpt: string
}

const PATTERNS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/g],
  ['AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g],
  ['GitHub token', /\bgh[pousr]_[A-Za-z0-9]{36,}\b/g],
  ['API key', /\bsk-[A-Za-z0-9_-]{20,}\b/g],
  ['Slack token', /\bxox[abprs]-[A-Za-z0-9-]{10,}\b/g],
  ['Hugging Face token', /\bhf_[A-Za-z0-9]{30,}\b/g],
  ['Google API key', /\bAIza[0-9A-Za-z_-]{35}\b/g],
  ['JSON web token', /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g],
  ['password', /\b(?:password|passwd|secret|api[_-]?key|token)\b[^\n]{0,40}?(?:[:=]|\bis\b)\s*\S{4,}/gi],
  ['credentials in a link', /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:[^\s/@]+@/gi],
  ['card number', /\b(?:\d[ -]?){13,19}\b/g],
  ['email address', /\b[\w.+-]+@[\w-]+\.[\w.-]{2,}\b/g],
]

const MOST = 100

/** What in a text looks like a secret, so that sharing it can be thought over. Misses are possible; it is a warning, not a filter. */
export function findSecrets(text: string): Secret[] {
  const found: Secret[] = []
  for (const [kind, pattern] of PATTERNS) {
    for (const [match] of text.matchAll(pattern)) {
      if (kind === 'card number' && !passesLuhn(match)) continue
      found.push({ kind, excerpt: `${match.slice(0, 12)}…` })
      if (found.length === MOST) return found
    }
  }
  return found
}

/** The check digit of payment card numbers (ISO/IEC 7812-1): random digits fail it nine times of ten. */
function passesLuhn(text: string): boolean {
  const digits = [...text].filter(character => /\d/.test(character)).map(Number)
  const sum = digits.reverse().reduce((total, digit, index) => {
    const doubled = index % 2 === 1 ? digit * 2 : digit
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return sum % 10 === 0
}
