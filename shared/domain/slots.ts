/** Cartridges that a conversation may have in its slots. */
export const MOST_SLOTS = 1000

/** Of more than these, each one's answer would be more than anybody reads: a question goes to the one that it is about. */
export const MOST_EACH = 8
