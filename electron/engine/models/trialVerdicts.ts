/** What came of trying files that may be anybody's, kept by their digest so that each is tried once. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '#engine/store/replaceFile.ts'

export type TrialVerdict = 'loads' | 'does not load'

export class TrialVerdicts {
  readonly #name: string
  /** In this process. */
  readonly #known = new Map<string, TrialVerdict>()

  /** `name`: of the file in the folder of caches. */
  constructor(name: string) {
    this.#name = name
  }

  async of(digest: string, folder: string | undefined): Promise<TrialVerdict | null> {
    const known = this.#known.get(digest) ?? (folder === undefined ? null : (await this.#read(folder))[digest])
    return known === 'loads' || known === 'does not load' ? known : null
  }

  async keep(digest: string, verdict: TrialVerdict, folder: string | undefined): Promise<void> {
    this.#known.set(digest, verdict)
    if (folder === undefined) return
    // A cache: failing to keep it costs another trial, nothing else.
    await mkdir(folder, { recursive: true })
      .then(async () => JSON.stringify({ ...(await this.#read(folder)), [digest]: verdict }))
      .then(text => replaceFile(join(folder, this.#name), file => file.write(Buffer.from(text))))
      .catch(() => undefined)
  }

  async #read(folder: string): Promise<Record<string, unknown>> {
    try {
      return { ...Object(JSON.parse(await readFile(join(folder, this.#name), 'utf8'))) }
    } catch {
      return {} // absent or damaged: everything is tried again
    }
  }
}
