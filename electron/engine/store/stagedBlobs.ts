import type { BlobWriter, FoundBlob, StagedBlob } from './blobWriter.ts'
import type { NewBlob } from './newBlob.ts'

/**
 * Blobs of a packet that is still being made: on stable storage as soon as each is known, under temporary names, so that nobody sees
 * them before the packet is published, and nothing of them is left where it never is.
 */
export class StagedBlobs implements AsyncDisposable {
  readonly #writer: Pick<BlobWriter, 'find' | 'stageBlob' | 'discard'>
  readonly #staged: Promise<StagedBlob>[] = []

  constructor(writer: Pick<BlobWriter, 'find' | 'stageBlob' | 'discard'>) {
    this.#writer = writer
  }

  /** Throws storage errors. */
  readonly add = (blob: NewBlob): Promise<StagedBlob> => {
    const staged = this.#writer.stageBlob(blob)
    this.#staged.push(staged)
    return staged
  }

  /** The same of one that the store may have; if so, it is checked and nothing is written. */
  readonly addNew = async (blob: NewBlob): Promise<StagedBlob | FoundBlob> =>
    (await this.#writer.find(blob)) ?? (await this.add(blob))

  async [Symbol.asyncDispose](): Promise<void> {
    const settled = await Promise.allSettled(this.#staged)
    await this.#writer.discard(settled.flatMap(result => (result.status === 'fulfilled' ? [result.value] : [])))
  }
}
