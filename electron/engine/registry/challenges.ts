/** What a registry asks for before it answers (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

const LONGEST = 8192
/** A scheme, where one begins, and one parameter. */
const PART = /\s*,?\s*(?:([A-Za-z][A-Za-z0-9-]*)\s+)?([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y

/** The challenges of a `WWW-Authenticate` header, in order; what cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  const text = header.slice(0, LONGEST)
  PART.lastIndex = 0
  for (let part = PART.exec(text); part !== null; part = PART.exec(text)) {
    const [, scheme, name = '', quoted, bare = ''] = part
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    challenges.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare)
  }
  // `Basic` may stand alone.
  return challenges.length === 0 && /^\s*basic\s*$/i.test(text)
    ? [{ scheme: 'basic', parameters: new Map() }]
    : challenges
}
