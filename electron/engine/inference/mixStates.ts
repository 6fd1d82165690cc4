import { StatePackError } from '#shared/domain/error.ts'
import type { RecurrentLayer, StateSnapshot } from './stateSnapshot.ts'

/** A state and its share of the mix. */
export interface WeightedState {
  readonly state: StateSnapshot
  /** Not negative; the weights are scaled to sum to one. */
  readonly weight: number
}

const REFUSALS = {
  kv: 'Keys and values of a transformer belong to positions and cannot be averaged. To join two texts, merge them.',
  hybrid:
    'The attention layers of a hybrid keep keys and values, which belong to positions and cannot be averaged; its recurrent layers alone would remember what attention has not seen. To join two texts, merge them.',
}

/**
 * The weighted mean of recurrent states ("State Soup", Pióro et al. 2024): one state that remembers something of each.
 * Summed in float64 in the order given, so the same parents and weights give the same bits. `position` is the longest
 * parent's; a recurrent model does not use it.
 *
 * Throws `E_NOT_SUPPORTED` for states with keys and values, `E_BAD_INPUT` for weights, `E_COMPONENT_MISMATCH` for different shapes.
 */
export function mixStates(parents: readonly WeightedState[]): StateSnapshot {
  const [first] = parents
  if (first === undefined) throw new StatePackError('E_BAD_INPUT', 'A mix needs at least one state.')
  const unmixable = parents.map(({ state }) => state.kind).find(kind => kind !== 'ssm')
  if (unmixable !== undefined) {
    throw new StatePackError('E_NOT_SUPPORTED', REFUSALS[unmixable], { kind: unmixable, instead: 'merge' })
  }
  const total = parents.reduce((sum, { weight }) => sum + weight, 0)
  if (parents.some(({ weight }) => !(weight >= 0)) || !(total > 0) || !Number.isFinite(total)) {
    throw new StatePackError('E_BAD_INPUT', 'The weights of a mix must not be negative and must not all be zero.')
  }
  const recurrent = first.state.recurrent.map((layer, index): RecurrentLayer => {
    const mean = (pick: (layer: RecurrentLayer) => Float32Array) => {
      const sum = new Float64Array(pick(layer).length)
      for (const { state, weight } of parents) {
        const other = state.recurrent[index]
        if (other === undefined || pick(other).length !== sum.length) throw differentShape(layer.layer)
        const values = pick(other)
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (weight / total) * (values[i] ?? 0)
      }
      return Float32Array.from(sum)
    }
    return { ...layer, conv: mean(state => state.conv), ssm: mean(state => state.ssm) }
  })
  const position = Math.max(...parents.map(({ state }) => state.position))
  return { kind: 'ssm', position, blocks: [], recurrent }
}

function differentShape(layer: number): StatePackError {
  return new StatePackError(
    'E_COMPONENT_MISMATCH',
    `These states are not of one model: layer ${layer} differs in shape.`,
    {
      component: 'cache',
      layer,
    },
  )
}
