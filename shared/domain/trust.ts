/**
 * The one trust policy: what may be done with a cartridge, by how it came to be here. The engine asks it for every call,
 * whoever calls (window, command line, SDK, HTTP, MCP); windows ask it for what they offer.
 */

/** `own`: made here. `starter`: came with the app. `trusted`: imported, then trusted. `restricted`: imported, nobody said so yet. */
export const TRUST_LEVELS = ['own', 'starter', 'trusted', 'restricted'] as const
export type Trust = (typeof TRUST_LEVELS)[number]

/**
 * `look`: show it to a person, check it, name it, delete it. `run`: restore its state, or read its texts, for an answer or a
 * new cartridge. `share`: let it leave. `quote`: hand its texts to a program that could take them for orders.
 */
export type Act = 'look' | 'run' | 'share' | 'quote'

const EVERYTHING: readonly Act[] = ['look', 'run', 'share', 'quote']

const ALLOWED = {
  own: EVERYTHING,
  starter: EVERYTHING,
  trusted: EVERYTHING,
  restricted: ['look'],
} satisfies Record<Trust, readonly Act[]>

/** Whose signature it is. */
export interface Publisher {
  /** SHA-256 of the public key. */
  readonly keyid: string
  readonly name: string
}

/**
 * Whether a cartridge may come into a library, or be trusted there, whatever way it comes: not if a blocked publisher is among
 * its signers (keys of its signatures, and those that these follow), whoever else signed it. The one in the way, or null.
 */
export function refusedSigner(signers: readonly string[], blocked: readonly Publisher[]): Publisher | null {
  return blocked.find(({ keyid }) => signers.includes(keyid)) ?? null
}

export function allows(trust: Trust, act: Act): boolean {
  const allowed: readonly Act[] = ALLOWED[trust]
  return allowed.includes(act)
}
