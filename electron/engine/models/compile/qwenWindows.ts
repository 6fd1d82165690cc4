/** Which layers of a Qwen model look back through a sliding window. */
import type { ConfigFields } from './config.ts'

/**
 * `layer_types` decides where it is given; otherwise the layers from `max_window_layers` on have the window, and only
 * when `use_sliding_window` is set. null: the layer sees everything.
 */
export function qwenWindows(config: ConfigFields, layers: number): (number | null)[] {
  // null says "no window"; only a file that leaves the field out means the class's default.
  const isNull = config.given('sliding_window') && config.any('sliding_window') === null
  const size = isNull ? null : config.count('sliding_window', 4096)
  const used = config.flag('use_sliding_window', false) ? size : null
  const from = config.number('max_window_layers', 28)
  const types = config.layerTypes(layers, ['full_attention', 'sliding_attention'])
  if (types === null) return Array.from({ length: layers }, (_, layer) => (layer >= from ? used : null))
  return types.map(type => {
    if (type === 'full_attention') return null
    if (used === null) throw config.error('layer_types', 'has sliding_attention without use_sliding_window')
    return used
  })
}
