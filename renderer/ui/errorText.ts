/** What helps. `again`: trying once more, which only the place that shows the error can, with a button of its own. */
export type ErrorRemedy =
  | { readonly do: 'again' }
  | { readonly do: 'open'; readonly label: string; readonly route: `/${string}` }
  | { readonly do: 'useProcessor'; readonly label: string }
  | { readonly do: 'reloadWindow'; readonly label: string }

/** What the window says about a failure. */
export interface ErrorText {
  /** What happened, in one sentence. */
  readonly what: string
  /** What it means for the person, and what to do. */
  readonly meaning: string
  readonly action: ErrorRemedy
  /** Whether the engine's own words are a sentence about the thing at hand (which file, how many tokens) or a machine's. */
  readonly detail: 'shown' | 'folded'
}
