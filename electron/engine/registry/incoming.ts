/**
 * Blobs on their way in from registries, in a folder of the store, each under its digest: a pull that was cut short goes on
 * where it was, whoever asks for the blob next. One process at a time, each blob once at a time.
 */
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Digest, hexOf } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { Descriptor } from '#shared/domain/oci.ts'
import { digestOf, sizeIfThere, sizeOf, type WantedFile } from '../network/downloadFile.ts'
import { lockDownload } from '../network/downloadLock.ts'
import { orAborted } from '../orAborted.ts'
import type { Call } from '../packets/context.ts'
import { makeFolderDurably } from '../store/durableFolder.ts'
import type { StoreParts } from '../store/storeParts.ts'

const POLL_MS = 200

export class Incoming {
  readonly #parts: Pick<StoreParts, 'fs' | 'layout'>
  readonly #running = new Map<Digest, Promise<void>>()
  /** How many pulls need a blob that lies here. */
  readonly #users = new Map<Digest, number>()
  #pulls = 0
  #lock: Promise<Disposable> | null = null

  constructor(parts: Pick<StoreParts, 'fs' | 'layout'>) {
    this.#parts = parts
  }

  get folder(): string {
    return this.#parts.layout.incoming
  }

  /** Runs `work`, during which no other process touches the folder; waits for one that does. */
  async during<T>(work: () => Promise<T>, { signal, progress }: Call): Promise<T> {
    this.#pulls++
    try {
      this.#lock ??= this.#acquire()
      const lock = this.#lock
      lock.catch(() => {
        if (this.#lock === lock) this.#lock = null
      })
      progress?.({ phase: 'waiting for its turn' })
      await orAborted(lock, signal)
      return await work()
    } finally {
      this.#pulls--
      if (this.#pulls === 0) {
        const lock = this.#lock
        this.#lock = null
        lock?.then(held => held[Symbol.dispose]()).catch(() => {})
      }
    }
  }

  /** Bytes of a blob that are here already. */
  async bytesOf({ digest, size }: Descriptor): Promise<number> {
    return Math.min(size, Math.max(await sizeOf(this.path(digest)), await sizeOf(`${this.path(digest)}.part`)))
  }

  /** Makes sure that a blob is here, whole and right; `download` writes it where it is told. */
  async fetch(
    blob: Descriptor,
    download: (file: WantedFile, path: string) => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const file = wanted(blob)
    for (;;) {
      const running = this.#running.get(blob.digest)
      // Of another pull. Its failure is its own; this one then tries itself.
      if (running !== undefined)
        await orAborted(
          running.catch(() => {}),
          signal,
        )
      else if (await this.#isWhole(file, blob.digest)) return
      else if (!this.#running.has(blob.digest)) break
    }
    const run = rm(this.path(blob.digest), { force: true }).then(() => download(file, this.path(blob.digest)))
    this.#running.set(blob.digest, run)
    try {
      await run
    } finally {
      this.#running.delete(blob.digest)
    }
  }

  open(digest: Digest): AsyncIterable<Uint8Array> {
    return createReadStream(this.path(digest), { highWaterMark: 1024 * 1024 })
  }

  /** Says that a pull needs these blobs, until the returned function is called: with `true`, what nobody needs is removed. */
  use(digests: readonly Digest[]): (remove: boolean) => Promise<void> {
    for (const digest of digests) this.#users.set(digest, (this.#users.get(digest) ?? 0) + 1)
    return async remove => {
      for (const digest of digests) {
        const left = (this.#users.get(digest) ?? 1) - 1
        if (left > 0) this.#users.set(digest, left)
        else this.#users.delete(digest)
        if (!remove || left > 0) continue
        for (const path of [this.path(digest), `${this.path(digest)}.part`]) await rm(path, { force: true })
      }
    }
  }

  path(digest: Digest): string {
    return join(this.folder, hexOf(digest))
  }

  async #isWhole(file: WantedFile, digest: Digest): Promise<boolean> {
    const path = this.path(digest)
    // Null is not zero: a blob of no bytes is here only when its file is.
    return (await sizeIfThere(path)) === file.size && (await digestOf(path, file)) === file.digest.hex
  }

  async #acquire(): Promise<Disposable> {
    const { fs, layout } = this.#parts
    await makeFolderDurably(fs, layout.incoming)
    for (;;) {
      try {
        return lockDownload(join(layout.incoming, 'lock.sqlite'), 'A cartridge of this library')
      } catch (error) {
        // Another process is pulling. It may take as long as it takes; the caller can leave at any time.
        if (!(error instanceof StatePackError) || error.code !== 'E_CONFLICT' || this.#pulls === 0) throw error
        await sleep(POLL_MS)
      }
    }
  }
}

function wanted({ digest, size }: Descriptor): WantedFile {
  return { path: digest, size, digest: { algorithm: 'sha256', hex: hexOf(digest) } }
}
