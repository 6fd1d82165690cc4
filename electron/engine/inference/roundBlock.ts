import { unwrittenFloats } from '../unwritten.ts'
import { roundNumbers } from './float16.ts'
import { type KvBlock, numbersIn } from './stateSnapshot.ts'

/** The numbers of a block as float16, layer by layer, keys before values, into an array of just that length. */
export async function roundBlock(block: KvBlock, to: Float16Array): Promise<void> {
  if (block.halves === undefined) await roundNumbers(joined(block), to)
  else to.set(block.halves)
}

/** All numbers of a block: where they lie one after the other, as they are when read from a run's buffers, not copied. */
function joined(block: KvBlock): Float32Array {
  const parts = block.layers.flatMap(({ key, value }) => [key, value])
  const { buffer, byteOffset = 0 } = parts[0] ?? {}
  const length = numbersIn(block, block.tokens)
  let end = byteOffset
  const adjacent = parts.every(part => {
    const follows = part.buffer === buffer && part.byteOffset === end
    end += part.byteLength
    return follows
  })
  if (adjacent && buffer !== undefined) return new Float32Array(buffer, byteOffset, length)
  const copy = unwrittenFloats(length)
  let at = 0
  for (const part of parts) {
    copy.set(part, at)
    at += part.length
  }
  return copy
}
