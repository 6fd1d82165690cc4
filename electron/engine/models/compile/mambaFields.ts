import type { Activation } from './activation.ts'
import type { ConfigFields } from './config.ts'
import { type Mamba2Shape, readStepLimit } from './mamba2Mixer.ts'

/** The `mamba_…` fields that hybrids with a Mamba-2 part have in common; `inner` is null where it is expand · width. */
export function readMambaFields(
  config: ConfigFields,
  model: { width: number; inner: number | null; epsilon: number; activation: Activation },
): Omit<Mamba2Shape, 'norm' | 'multipliers'> {
  const heads = config.count('mamba_n_heads', 128)
  const groups = config.count('mamba_n_groups', 1)
  const expanded = Math.trunc(config.positive('mamba_expand', 2) * model.width)
  const inner = model.inner ?? expanded
  const headDim = config.any('mamba_d_head') === 'auto' ? inner / heads : config.count('mamba_d_head', inner / heads)
  if (heads * headDim !== inner) {
    throw config.error('mamba_n_heads', `x mamba_d_head is ${heads * headDim}, the mixer's width is ${inner}`)
  }
  if (heads % groups !== 0) throw config.error('mamba_n_groups', `is ${groups} and does not divide ${heads} heads`)
  config.any('mamba_chunk_size') // how the reference cuts its scan
  const bias = config.flag('mamba_proj_bias', false)
  return {
    ...{ width: model.width, epsilon: model.epsilon, activation: model.activation },
    ...{ inner, heads, headDim, groups },
    state: config.count('mamba_d_state', 256),
    kernel: config.count('mamba_d_conv', 4),
    bias: { input: bias, output: bias, conv: config.flag('mamba_conv_bias', true) },
    stepLimit: readStepLimit(config),
  }
}
