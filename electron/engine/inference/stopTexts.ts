/** Watches an answer for texts that end it. Pieces may split them anywhere. */
export interface StopWatch {
  /** Takes the next piece; gives what of the answer can be shown now, and whether a stop text has come. */
  push(piece: string): { readonly shown: string; readonly stopped: boolean }
  /** What was held back because it could have become a stop text. */
  end(): string
  /** Characters of the answer before the stop text; null while none has come. */
  readonly length: number | null
  /** The stop text that came; null while none has. */
  readonly found: string | null
}

/** Ends an answer at the first of `stops`, which is no part of it. */
export function watchForStops(stops: readonly string[]): StopWatch {
  const wanted = stops.filter(stop => stop !== '')
  let text = ''
  let shown = 0
  let length: number | null = null
  const show = (to: number): string => {
    const piece = text.slice(shown, to)
    shown = Math.max(shown, to)
    return piece
  }
  return {
    push(piece) {
      text += piece
      const found = wanted.map(stop => text.indexOf(stop, Math.max(0, shown - stop.length))).filter(at => at >= 0)
      if (found.length > 0) {
        length = Math.min(...found)
        return { shown: show(length), stopped: true }
      }
      return { shown: show(text.length - unfinished(text, wanted)), stopped: false }
    },
    end: () => (length === null ? show(text.length) : ''),
    get length() {
      return length
    },
    get found() {
      return length === null ? null : (wanted.find(stop => text.startsWith(stop, length ?? 0)) ?? null)
    },
  }
}

/** Characters at the end of a text that a stop text could begin with. */
function unfinished(text: string, stops: readonly string[]): number {
  let most = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > most; length--) {
      if (text.endsWith(stop.slice(0, length))) most = length
    }
  }
  return most
}
