import type { StateGeometry } from '#engine/models/model.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { kvLayersOf, sizeOf, ssmLayersOf } from './layers.ts'
import { isLent } from './lentBlock.ts'
import { BLOCK_TOKENS, numbersIn, type StateSnapshot } from './stateSnapshot.ts'

/** What a snapshot must fit. */
export interface SnapshotTarget {
  readonly kind: StateSnapshot['kind']
  readonly geometry: StateGeometry
  readonly contextLength: number | null
}

/**
 * Checks that a snapshot is a state of this model: kind, layers, shapes, whole blocks up to `position`.
 * Throws `E_COMPONENT_MISMATCH` naming the component and what was expected and found, or `E_CONTEXT_LENGTH`.
 */
export function checkSnapshot(snapshot: StateSnapshot, target: SnapshotTarget): void {
  const { kind, geometry, contextLength } = target
  same('kind', kind, snapshot.kind)
  if (!Number.isInteger(snapshot.position) || snapshot.position < 0)
    throw mismatch('position', 'a count', `${snapshot.position}`)
  if (contextLength !== null && snapshot.position > contextLength) {
    const { position } = snapshot
    throw new StatePackError(
      'E_CONTEXT_LENGTH',
      `The state has ${position} tokens, this model reads ${contextLength}.`,
      {
        contextLength,
        position,
      },
    )
  }
  checkBlocks(snapshot, geometry)
  const ssmLayers = ssmLayersOf(geometry)
  same('recurrent layers', ssmLayers.length, snapshot.recurrent.length)
  for (const [index, expected] of ssmLayers.entries()) {
    const found = snapshot.recurrent[index]
    if (found === undefined) continue
    const where = `layer ${expected.layer}`
    same('layer order', expected.layer, found.layer)
    same(`conv state of ${where}`, expected.conv.join('×'), found.convDims.join('×'))
    same(`ssm state of ${where}`, expected.ssm.join('×'), found.ssmDims.join('×'))
    same(`conv numbers of ${where}`, sizeOf(expected.conv), found.conv.length)
    same(`ssm numbers of ${where}`, sizeOf(expected.ssm), found.ssm.length)
  }
}

function checkBlocks(snapshot: StateSnapshot, geometry: StateGeometry): void {
  const kvLayers = kvLayersOf(geometry)
  const expectedBlocks = kvLayers.length === 0 ? 0 : Math.ceil(snapshot.position / BLOCK_TOKENS)
  same('blocks', expectedBlocks, snapshot.blocks.length)
  for (const [b, block] of snapshot.blocks.entries()) {
    const start = b * BLOCK_TOKENS
    same(`start of block ${b}`, start, block.start)
    same(`tokens of block ${b}`, Math.min(BLOCK_TOKENS, snapshot.position - start), block.tokens)
    same(`layers of block ${b}`, kvLayers.length, block.layers.length)
    if (block.halves !== undefined)
      same(`numbers of block ${b}`, numbersIn({ layers: kvLayers }, block.tokens), block.halves.length)
    for (const [index, { layer, kvHeads, headDim }] of kvLayers.entries()) {
      const found = block.layers[index]
      if (found === undefined) continue
      const where = `layer ${layer}, block ${b}`
      same(`layer order in block ${b}`, layer, found.layer)
      same(`heads × width of ${where}`, `${kvHeads}×${headDim}`, `${found.kvHeads}×${found.headDim}`)
      if (block.halves !== undefined || isLent(block)) continue
      const size = kvHeads * block.tokens * headDim
      same(`keys of ${where}`, size, found.key.length)
      same(`values of ${where}`, size, found.value.length)
    }
  }
}

function same(what: string, expected: string | number, found: string | number): void {
  if (expected !== found) throw mismatch(what, String(expected), String(found))
}

function mismatch(what: string, expected: string, found: string): StatePackError {
  return new StatePackError(
    'E_COMPONENT_MISMATCH',
    `This state is not one of this model (${what}): expected ${expected}, found ${found}.`,
    { component: 'cache', what, expected, found },
  )
}
