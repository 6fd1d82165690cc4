/** Cartridges that a collection may hold. */
export const MOST_COLLECTED = 10_000

/** Whose texts may be read again as one. */
export const MOST_COMPOSED = 64

/** Whose states may be mixed. */
export const MOST_MIXED = 16
