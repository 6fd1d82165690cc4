/** A copy of `items` with the one at `from` standing at `to`; places outside of the list change nothing. */
export function moveItem<T>(items: readonly T[], from: number, to: number): readonly T[] {
  if (from < 0 || from >= items.length || to < 0 || to >= items.length) return items
  return items.toSpliced(from, 1).toSpliced(to, 0, ...items.slice(from, from + 1))
}
