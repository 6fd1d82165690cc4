import { describeAll } from './describePackets.ts'
import type { StoreParts } from './storeParts.ts'

/** Describes what the search index has not met yet. */
export async function fillIndex(parts: StoreParts): Promise<void> {
  const missing = parts.index.missing()
  if (missing.length > 0) parts.index.put(await describeAll(parts.blobs, parts.describe, missing))
}
