import { type KeyRing, openKeys } from './keys.ts'

/** The keys of an installation as a running engine has them: what changes them is seen by all that sign or check. */
export class KeyStore implements KeyRing {
  readonly folder: string
  #ring: KeyRing

  private constructor(folder: string, ring: KeyRing) {
    this.folder = folder
    this.#ring = ring
  }

  /** Throws what {@link openKeys} throws. */
  static async open(folder: string): Promise<KeyStore> {
    return new KeyStore(folder, await openKeys(folder))
  }

  get current() {
    return this.#ring.current
  }

  get trusted() {
    return this.#ring.trusted
  }

  get rotations() {
    return this.#ring.rotations
  }

  get revoked() {
    return this.#ring.revoked
  }

  /** Does something with the key files, and takes in what they are then. */
  async change<T>(work: (folder: string) => Promise<T>): Promise<T> {
    try {
      return await work(this.folder)
    } finally {
      this.#ring = await openKeys(this.folder)
    }
  }
}
