/** What a class may hold as it is; more would have to be told apart from ranges and ends. */
const IN_CLASS = /^[A-Za-z0-9 _:@/+,#%&=~<>!;'.*?()$]$/
const LITERAL = /^[A-Za-z0-9 _:@/,#%&=~<>!;'-]$/
const ESCAPED = /^[.+*?()[\]{}|^$/-]$/
const SHORT: Readonly<Record<string, string>> = { d: '0-9', w: 'A-Za-z0-9_' }
const TOKEN = /\\(?<escaped>.)|\[(?<inside>(?:\\.|[^\]\\])+)\]|(?<times>[*+?]|\{\d{1,3}(?:,\d{0,3})?\})|(?<other>.)/gsu

/**
 * The texts of a pattern of a JSON schema as EBNF; null for one that is not supported. Supported is what says, from `^` to `$`,
 * of which characters a text is made: plain ones, classes, groups, alternatives in groups, counts. Left out is what could mean
 * a quote, a backslash or a control character (`.`, `[^…]`, `\s`, `\W`), and what looks around.
 */
export function patternRule(pattern: string): string | null {
  const [, inside] = /^\^(.*)\$$/s.exec(pattern) ?? []
  if (inside === undefined || !isPattern(pattern)) return null
  let rule = ''
  let depth = 0
  for (const { groups = {} } of inside.matchAll(TOKEN)) {
    const { escaped, inside: members, times, other = '' } = groups
    if (escaped !== undefined) {
      const short = SHORT[escaped]
      if (short === undefined && !ESCAPED.test(escaped)) return null
      rule += short === undefined ? ` ${quoted(escaped)}` : ` [${short}]`
    } else if (members !== undefined) {
      const written = classOf(members)
      if (written === null) return null
      rule += ` [${written}]`
    } else if (times !== undefined) rule += times
    else if (other === '(') {
      depth += 1
      rule += ' ('
    } else if (other === ')') {
      depth -= 1
      rule += ' )'
    } else if (other === '|') {
      // Outside a group it would leave ^ and $ to the first and the last alternative.
      if (depth === 0) return null
      rule += ' |'
    } else if (LITERAL.test(other)) rule += ` ${quoted(other)}`
    else return null
  }
  // `(?` and `a|` are not said so in EBNF, nor is a count of a count.
  if (/[(|] *[*+?{|)]|[*+?}][*+?{]/.test(rule) || depth !== 0) return null
  return rule.trim() === '' ? '""' : rule.trim()
}

/** The members of a class; `-` between two of a kind is a range. */
function classOf(members: string): string | null {
  let written = ''
  for (const [, escaped, range, plain = ''] of members.matchAll(/\\(.)|([A-Z]-[A-Z]|[a-z]-[a-z]|\d-\d)|(.)/gsu)) {
    if (escaped !== undefined) {
      const short = SHORT[escaped]
      if (short === undefined && !ESCAPED.test(escaped)) return null
      written += short ?? classed(escaped)
    } else if (range !== undefined) written += range
    else if (IN_CLASS.test(plain)) written += classed(plain)
    // A hyphen at either end.
    else if (plain === '-' && (members.startsWith('-') || members.endsWith('-'))) written += '\\-'
    else return null
  }
  return written
}

const quoted = (character: string) => `"${character}"`
const classed = (character: string) => (/[\]^-]/.test(character) ? `\\${character}` : character)

function isPattern(pattern: string): boolean {
  try {
    return RegExp(pattern).source !== ''
  } catch {
    return false
  }
}
