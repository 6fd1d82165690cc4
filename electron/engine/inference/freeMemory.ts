import { freemem, totalmem } from 'node:os'

/** Of a machine's memory, what a model may take: the rest is the system's, other states', and what graphs compute in between. */
export const MODEL_SHARE = 0.6

/**
 * Bytes of memory that can be taken now, caches of files among them. macOS counts those as used, so that only the machine's
 * size tells there. Within a container its limit counts, less what this process has; its caches are given back as well.
 */
export function freeMemory(): number {
  const own = process.memoryUsage.rss()
  const machine = process.platform === 'darwin' ? totalmem() * MODEL_SHARE - own : freemem()
  const limit = process.constrainedMemory()
  return Math.max(0, limit > 0 && limit < totalmem() ? Math.min(machine, limit - own) : machine)
}
