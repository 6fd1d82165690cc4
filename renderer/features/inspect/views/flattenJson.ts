export interface FlatEntry {
  /** Dots path of a leaf, `rope_scaling.factor`; empty containers are leaves too. */
  readonly path: string
  readonly value: string
}

/** Every leaf of a JSON value with its path, in document order. */
export function flattenJson(value: unknown, path = ''): readonly FlatEntry[] {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (entries.length === 0)
    return [{ path: path === '' ? '(root)' : path, value: JSON.stringify(value) ?? 'undefined' }]
  return entries.flatMap(([key, item]) => flattenJson(item, path === '' ? key : `${path}.${key}`))
}
