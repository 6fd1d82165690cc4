/** One opening at a time for each key; a failed one is forgotten so that it can be tried again. */
export function once<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const running = map.get(key)
  if (running !== undefined) return running
  const made = make()
  map.set(key, made)
  made.catch(() => map.delete(key))
  return made
}
