/** A model that is installed: where it is and what people call it. */
export interface ModelEntry {
  readonly id: string
  readonly folder: string
  readonly starter: boolean
  /** Its folder cannot be reached now: it is known, and cannot be opened. */
  readonly offline: boolean
}
