/** For every token the kind of the innermost (last named) span that covers it; null where it is the person's own text. */
export function spanKindsAt(
  tokens: number,
  spans: readonly { readonly kind: string; readonly start: number; readonly end: number }[],
): readonly (string | null)[] {
  const kinds: (string | null)[] = new Array(tokens).fill(null)
  for (const span of spans) kinds.fill(span.kind, span.start, Math.min(span.end, tokens))
  return kinds
}
