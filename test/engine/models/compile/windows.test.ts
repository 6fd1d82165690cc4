import { describe, expect, test } from 'vitest'
import { prepareArchitecture } from '#engine/models/compile/compile.ts'

/** Tokens each layer of a model sees; null: all. */
function windows(fields: Record<string, unknown>): unknown {
  const shape = { num_hidden_layers: 3, hidden_size: 32, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8 }
  return prepareArchitecture({ ...shape, ...fields }).config.windows
}

describe('a window is the one the file gives, none where it says null, and else that of the class', () => {
  test('Mistral', () => {
    const fields = { model_type: 'mistral' }
    expect(windows({ ...fields, sliding_window: 7 })).toEqual([7, 7, 7])
    expect(windows({ ...fields, sliding_window: null })).toEqual([null, null, null])
    expect(windows(fields)).toEqual([4096, 4096, 4096])
  })

  test.each(['qwen2', 'qwen3'])('%s, from a layer on and where it is switched on', model_type => {
    const fields = { model_type, use_sliding_window: true, max_window_layers: 1 }
    expect(windows({ ...fields, sliding_window: 7 })).toEqual([null, 7, 7])
    expect(windows({ ...fields, sliding_window: null })).toEqual([null, null, null])
    expect(windows(fields)).toEqual([null, 4096, 4096])
    expect(windows({ ...fields, use_sliding_window: false, sliding_window: 7 })).toEqual([null, null, null])
  })
})
