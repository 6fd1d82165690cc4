/**
 * A little room kept back on the disk: deleting and collecting write, too (a row, a page), and must work when nothing else
 * fits any more. Given up when the disk is full, taken again when there is room.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const RESERVE_BYTES = 512 * 1024

/** Keeps the room back, where there is enough of it. Noise: a disk that compresses would not keep room for zeros. */
export function keepReserve(path: string): void {
  take(path, free => (free < 8 * RESERVE_BYTES ? 0 : RESERVE_BYTES))
}

/** Takes back what is left of a reserve that was given up, so that nothing but making room uses it. */
export function takeBackReserve(path: string): void {
  take(path, free => Math.min(RESERVE_BYTES, free - RESERVE_BYTES / 4))
}

function take(path: string, sizeOf: (free: number) => number): void {
  try {
    const size = existsSync(path) ? 0 : sizeOf(freeBytes(path))
    if (size > 0) writeFileSync(path, randomBytes(size), { mode: 0o600 })
  } catch {
    // Half a reserve is one too; without one everything works as long as the disk has room.
  }
}

/** Gives the room up if the disk is full; true when there was some to give. */
export function giveReserve(path: string): boolean {
  try {
    if (!existsSync(path) || freeBytes(path) > RESERVE_BYTES) return false
    rmSync(path)
    return true
  } catch {
    return false
  }
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(dirname(path))
  return bavail * bsize
}
