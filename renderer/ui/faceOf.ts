import type { StateKind } from '#shared/domain/cartridge.ts'

const MOTIFS = ['bars', 'waves', 'rings', 'bands', 'dots', 'chevrons', 'discs', 'rays'] as const

export interface FaceLook {
  /** Of the ground, in degrees: tells the kind. */
  readonly ground: number
  /** Of what is drawn on it, in degrees. */
  readonly ink: number
  readonly motif: (typeof MOTIFS)[number]
  /** 0 to 1: where the motif stands and how large its parts are. */
  readonly shift: number
  readonly scale: number
  /** Two letters of the name; empty for none. */
  readonly initials: string
}

const GROUNDS = { ssm: 172, kv: 234, hybrid: 288 } as const satisfies Record<StateKind, number>
/** Inks that one tells apart beside each other, around the wheel. */
const INKS = [8, 32, 50, 84, 128, 190, 212, 262, 304, 334] as const

/** What makes the picture of a cartridge: the ground by its kind, all else by its digest, so that equal digests look alike. */
export function faceOf(digest: string, kind: StateKind, name = ''): FaceLook {
  const hex = digest.replace(/^sha256:/, '')
  const byte = (at: number) => {
    const value = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16)
    return Number.isNaN(value) ? hex.charCodeAt(at % Math.max(1, hex.length)) || 0 : value
  }
  return {
    ground: GROUNDS[kind],
    ink: INKS[byte(0) % INKS.length] ?? 0,
    motif: MOTIFS[byte(1) % MOTIFS.length] ?? 'bars',
    shift: byte(2) / 255,
    scale: byte(3) / 255,
    initials: initialsOf(name),
  }
}

/** `Station card` is `SC`, `Harbour` is `Ha`; words that begin with a sign are passed over. */
function initialsOf(name: string): string {
  const [first, second] = name.match(/[\p{L}\p{N}]+/gu) ?? []
  if (first === undefined) return ''
  const letters = [...first]
  return second === undefined
    ? letters.slice(0, 2).join('')
    : `${letters[0] ?? ''}${[...second][0] ?? ''}`.toUpperCase()
}
