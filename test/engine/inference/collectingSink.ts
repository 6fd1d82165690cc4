import { firstTokens } from '#engine/inference/kvRows.ts'
import type { BlockSink, KvBlock, StateSnapshot } from '#engine/inference/stateSnapshot.ts'

/** Keeps copies of the blocks that it is given, taken once `patience` is over: until then nobody else may have written to them. */
export function collectingSink(patience: () => Promise<unknown> = async () => {}) {
  const blocks: KvBlock[] = []
  const sink: BlockSink = {
    get length() {
      return blocks.length
    },
    async add(block) {
      await patience()
      blocks.push(firstTokens(block, block.tokens))
    },
  }
  const stateWith = ({ kind, position, recurrent }: Omit<StateSnapshot, 'blocks'>): StateSnapshot => {
    return { kind, position, blocks, recurrent }
  }
  return { sink, stateWith }
}
