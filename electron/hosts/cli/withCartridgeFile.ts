import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'

/**
 * Runs `use` with the place of a `.cartridge` file, which it may read more than once; `-` is standard input, kept in a temporary
 * file until then. Throws what `use` throws, and what writing that file throws.
 */
export async function withCartridgeFile<T>(
  file: string,
  signal: AbortSignal | undefined,
  use: (path: string) => Promise<T>,
): Promise<T> {
  if (file !== '-') return use(resolve(file))
  const folder = await mkdtemp(join(tmpdir(), 'statepack-stdin-'))
  try {
    const path = join(folder, 'stdin.cartridge')
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }), { signal })
    return await use(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
