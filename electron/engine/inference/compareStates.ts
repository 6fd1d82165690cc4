import { StatePackError } from '#shared/domain/error.ts'
import { argmax, logSumExp } from './logits.ts'
import type { StateSnapshot } from './stateSnapshot.ts'

/** How far two states lie apart in one tensor of one layer. */
export interface LayerDifference {
  readonly layer: number
  readonly tensor: 'key' | 'value' | 'conv' | 'ssm'
  readonly maxAbsDiff: number
  /** Largest magnitude of the first state there: what a relative tolerance is measured against. */
  readonly maxAbs: number
  /** Root of the mean square of the differences, as a share of that of the first state's values. */
  readonly rmsShare: number
}

/** Every value of every layer compared. Throws `E_COMPONENT_MISMATCH` when the states have different shapes. */
export function compareStates(a: StateSnapshot, b: StateSnapshot): LayerDifference[] {
  if (a.kind !== b.kind || a.position !== b.position || a.blocks.length !== b.blocks.length) {
    throw differentShape(`${a.kind}, ${a.position} tokens`, `${b.kind}, ${b.position} tokens`)
  }
  const found = new Map<
    string,
    Omit<LayerDifference, 'maxAbsDiff' | 'maxAbs' | 'rmsShare'> & {
      maxAbsDiff: number
      maxAbs: number
      squares: number
      squaresDiff: number
    }
  >()
  const add = (layer: number, tensor: LayerDifference['tensor'], x: Float32Array, y: Float32Array | undefined) => {
    if (y === undefined || x.length !== y.length) throw differentShape(`${x.length} values`, `${y?.length ?? 0} values`)
    const known = found.get(`${layer}.${tensor}`) ?? {
      layer,
      tensor,
      maxAbsDiff: 0,
      maxAbs: 0,
      squares: 0,
      squaresDiff: 0,
    }
    found.set(`${layer}.${tensor}`, known)
    for (let i = 0; i < x.length; i++) {
      const value = x[i] ?? 0
      const difference = Math.abs(value - (y[i] ?? 0))
      // Not `>`: a value that is not a number must not pass as equal.
      if (!(difference <= known.maxAbsDiff))
        known.maxAbsDiff = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
      if (Math.abs(value) > known.maxAbs) known.maxAbs = Math.abs(value)
      known.squares += value * value
      known.squaresDiff += difference * difference
    }
  }
  for (const [b1, block] of a.blocks.entries()) {
    for (const [l, layer] of block.layers.entries()) {
      const other = b.blocks[b1]?.layers[l]
      add(layer.layer, 'key', layer.key, other?.key)
      add(layer.layer, 'value', layer.value, other?.value)
    }
  }
  for (const [l, layer] of a.recurrent.entries()) {
    add(layer.layer, 'conv', layer.conv, b.recurrent[l]?.conv)
    add(layer.layer, 'ssm', layer.ssm, b.recurrent[l]?.ssm)
  }
  return [...found.values()]
    .map(({ squares, squaresDiff, ...rest }) => ({
      ...rest,
      rmsShare: Math.sqrt(squaresDiff / Math.max(squares, 1e-12)),
    }))
    .sort((x, y) => x.layer - y.layer)
}

/** How far two next-token distributions lie apart. */
export interface LogitsDifference {
  readonly maxAbsDiff: number
  /** Kullback-Leibler divergence of the second from the first, in bits. */
  readonly klBits: number
  /** Whether both have the same most likely token. */
  readonly sameTop1: boolean
}

export function compareLogits(a: Float32Array, b: Float32Array): LogitsDifference {
  if (a.length !== b.length) throw differentShape(`${a.length} logits`, `${b.length} logits`)
  const totalA = logSumExp(a)
  const totalB = logSumExp(b)
  let maxAbsDiff = 0
  let kl = 0
  for (let id = 0; id < a.length; id++) {
    const x = a[id] ?? 0
    const y = b[id] ?? 0
    const difference = Math.abs(x - y)
    if (!(difference <= maxAbsDiff)) maxAbsDiff = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
    const logP = x - totalA
    kl += Math.exp(logP) * (logP - (y - totalB))
  }
  return { maxAbsDiff, klBits: Math.max(0, kl / Math.LN2), sameTop1: argmax(a) === argmax(b) }
}

function differentShape(expected: string, found: string): StatePackError {
  return new StatePackError('E_COMPONENT_MISMATCH', `These two cannot be compared: ${expected} and ${found}.`, {
    component: 'cache',
    expected,
    found,
  })
}
