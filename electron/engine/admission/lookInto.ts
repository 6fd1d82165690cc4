import { StatePackError } from '#shared/domain/error.ts'
import type { PacketContext } from '../packets/context.ts'
import { type ImportCandidate, importCartridge } from '../store/cartridgeFile/importCartridge.ts'
import type { CartridgeSource } from './cartridgeSource.ts'

/** Reads a file as for an import, does something with what was read, and keeps nothing of it. */
export async function lookInto<T>(
  context: Pick<PacketContext, 'store'>,
  source: CartridgeSource,
  work: (candidate: ImportCandidate) => Promise<T>,
): Promise<T> {
  let found: { readonly value: T } | null = null
  const stop = new StatePackError('E_CANCELLED', 'Looked at.')
  try {
    await importCartridge(context.store.parts, source.chunks(), {
      lenient: source.lenient,
      review: async candidate => {
        found = { value: await work(candidate) }
        throw stop
      },
    })
  } catch (thrown) {
    if (thrown !== stop) throw thrown
  }
  const { value } = (found as { readonly value: T } | null) ?? refuse()
  return value
}

function refuse(): never {
  throw new StatePackError('E_INTERNAL', 'The file was read without being looked at.')
}
