/** A space at which no line breaks: between a number and its unit, and before a dot that separates. */
export const NO_BREAK = '\u00a0'
