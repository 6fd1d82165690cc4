import type { StateKind } from '#shared/domain/cartridge.ts'
import { COMPONENTS, type ComponentId } from '#shared/domain/component.ts'

const CACHE = {
  kv: 'KV cache',
  ssm: 'SSM and conv state',
  hybrid: 'KV cache, SSM and conv state',
} as const satisfies Record<StateKind, string>

/** What a component is called for a kind of state: the first one is not the same thing for all of them. */
export function componentTitle(id: ComponentId, kind: StateKind): string {
  return id === 'cache' ? CACHE[kind] : (COMPONENTS.find(component => component.id === id)?.title ?? id)
}
