import { StatePackError } from '#shared/domain/error.ts'
import type { Output } from '#shared/rpc/client.ts'
import type { StateSnapshot } from '../inference/stateSnapshot.ts'
import type { PacketContext } from './context.ts'
import { readPacket, readSnapshot } from './packet.ts'
import { resolvePacketId } from './resolveRef.ts'

type TensorName = 'key' | 'value' | 'ssm' | 'conv'

/**
 * Norms of one state tensor. Keys and values: rows are layer x head, columns positions, each cell the Euclidean norm of the
 * `[headDim]` vector. Recurrent: rows are layers, columns heads (or channels), each cell the norm of what lies behind it.
 */
export async function heatmap(
  context: PacketContext,
  { ref, tensor }: { ref: string; tensor: TensorName },
): Promise<Output<'packets.heatmap'>> {
  const snapshot = await snapshotOf(context, ref)
  const map = tensor === 'key' || tensor === 'value' ? kvNorms(snapshot, tensor) : recurrentNorms(snapshot, tensor)
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const value of map.values) {
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return { ...map, min: map.values.length === 0 ? 0 : min, max: map.values.length === 0 ? 0 : max }
}

function kvNorms({ blocks, position }: StateSnapshot, tensor: 'key' | 'value') {
  const layers = blocks[0]?.layers ?? []
  const rowLabels = layers.flatMap(({ layer, kvHeads }) =>
    Array.from({ length: kvHeads }, (_, head) => `layer ${layer}, head ${head}`),
  )
  const values = new Float32Array(rowLabels.length * position)
  for (const block of blocks) {
    let row = 0
    for (const layer of block.layers) {
      const numbers = layer[tensor]
      for (let head = 0; head < layer.kvHeads; head++, row++) {
        for (let at = 0; at < block.tokens; at++) {
          const from = (head * block.tokens + at) * layer.headDim
          values[row * position + block.start + at] = norm(numbers, from, from + layer.headDim)
        }
      }
    }
  }
  return { rows: rowLabels.length, columns: position, values, rowLabels }
}

function recurrentNorms({ recurrent }: StateSnapshot, tensor: 'ssm' | 'conv') {
  const columns = dimsOf(recurrent[0], tensor)[0] ?? 0
  const values = new Float32Array(recurrent.length * columns)
  for (const [row, layer] of recurrent.entries()) {
    const numbers = layer[tensor]
    const width = columns === 0 ? 0 : numbers.length / columns
    for (let column = 0; column < columns; column++) {
      values[row * columns + column] = norm(numbers, column * width, (column + 1) * width)
    }
  }
  return { rows: recurrent.length, columns, values, rowLabels: recurrent.map(({ layer }) => `layer ${layer}`) }
}

/** The values behind one cell: `[headDim]` of a position, or the tensor of one head (or channel) of a recurrent layer. */
export async function tensorValues(
  context: PacketContext,
  {
    ref,
    tensor,
    layer,
    head,
    position,
  }: { ref: string; tensor: TensorName; layer: number; head: number; position: number },
): Promise<Output<'packets.tensor'>> {
  const snapshot = await snapshotOf(context, ref)
  if (tensor === 'key' || tensor === 'value') {
    const block = snapshot.blocks.find(({ start, tokens }) => position >= start && position < start + tokens)
    const found = block?.layers.find(candidate => candidate.layer === layer)
    if (block === undefined || found === undefined || head >= found.kvHeads)
      throw outside(tensor, { layer, head, position })
    const from = (head * block.tokens + position - block.start) * found.headDim
    return { shape: [found.headDim], values: found[tensor].slice(from, from + found.headDim) }
  }
  const found = snapshot.recurrent.find(candidate => candidate.layer === layer)
  const [heads = 0, ...shape] = dimsOf(found, tensor)
  if (found === undefined || head >= heads) throw outside(tensor, { layer, head, position })
  const width = found[tensor].length / heads
  return { shape, values: found[tensor].slice(head * width, (head + 1) * width) }
}

async function snapshotOf(context: PacketContext, ref: string): Promise<StateSnapshot> {
  return readSnapshot(context.blobs, await readPacket(context.blobs, await resolvePacketId(context, ref)))
}

function dimsOf(layer: StateSnapshot['recurrent'][number] | undefined, tensor: 'ssm' | 'conv'): readonly number[] {
  return (tensor === 'ssm' ? layer?.ssmDims : layer?.convDims) ?? []
}

function norm(values: Float32Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += (values[i] ?? 0) ** 2
  return Math.sqrt(sum)
}

function outside(tensor: string, where: { layer: number; head: number; position: number }): StatePackError {
  return new StatePackError('E_BAD_INPUT', `This state has no such place in its ${tensor} tensors.`, where)
}
