import type { StateDtype, StateKind } from '#shared/domain/cartridge.ts'

/** float16 halves a KV cache; a recurrent state is small, and every merge would round it again. */
export function defaultDtype(kind: StateKind): StateDtype {
  return kind === 'kv' ? 'float16' : 'float32'
}
