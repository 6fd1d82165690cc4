import type { CartridgeConfig } from '#shared/domain/cartridge.ts'
import { COMPONENTS, type Component, type ComponentId } from '#shared/domain/component.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import type { Model } from '../models/model.ts'
import { sha256 } from '../sha256.ts'

/** SHA-256 of the RFC 8785 list of digests: one name for several blobs or layers, order included. */
export function digestOfList(digests: readonly string[]): Digest {
  return sha256(canonicalBytes(digests))
}

function digestOfValue(value: unknown): Digest {
  return sha256(canonicalBytes(value))
}

/** What the twelve components are computed from, besides the model. */
export interface ComponentSources extends Pick<CartridgeConfig, 'kind' | 'origin' | 'attentionMask' | 'promptMeta'> {
  readonly cache: Pick<CartridgeConfig['cache'], 'formatVersion' | 'dtype' | 'blockTokens' | 'blocks'>
  readonly position: CartridgeConfig['position']
  readonly tokensDigest: Digest
  readonly modelConfigDigests: readonly Digest[]
  readonly logitsDigest: Digest | null
}

/** A component without its id: the union kept apart by status. */
type ComponentStatus =
  | { readonly status: 'captured'; readonly digest: Digest }
  | { readonly status: 'bound'; readonly digest: Digest; readonly reason?: string }
  | { readonly status: 'not-applicable'; readonly reason: string }

type Bound = Pick<Model, 'components' | 'tokenizer'>

/** The twelve components of a state, in their fixed order. */
export function componentsOf(state: ComponentSources, model: Bound): Component[] {
  const mixed = state.origin.kind === 'mix'
  const captured = (digest: Digest) => ({ status: 'captured' as const, digest })
  const bound = (digest: Digest, reason?: string) => ({
    status: 'bound' as const,
    digest,
    ...(reason === undefined ? {} : { reason }),
  })
  const without = (reason: string) => ({ status: 'not-applicable' as const, reason })
  const byId: Record<ComponentId, ComponentStatus> = {
    cache: captured(digestOfList(state.cache.blocks)),
    embeddings: bound(model.components.embeddings.digest, model.components.embeddings.reason),
    position: captured(digestOfValue(state.position)),
    tokens: tokensComponent(state),
    mask: maskComponent(state),
    config: captured(digestOfList(state.modelConfigDigests)),
    norms: bound(digestOfList(model.components.norms.map(norm => norm.digest)), model.components.norms[0]?.reason),
    mixers: bound(digestOfList(model.components.mixers.map(mixer => mixer.digest)), model.components.mixers[0]?.reason),
    logits:
      state.logitsDigest === null
        ? without(mixed ? 'A mix has read no last token.' : 'No token has been read yet.')
        : captured(state.logitsDigest),
    tokenizer:
      model.tokenizer === null ? without('The model came without a tokenizer.') : bound(model.tokenizer.digest),
    format: captured(digestOfValue(formatOf(state.cache))),
    prompt: captured(digestOfValue(state.promptMeta)),
  }
  return COMPONENTS.map(({ id }): Component => {
    const component = byId[id]
    return { id, ...component }
  })
}

export function tokensComponent({
  origin,
  tokensDigest,
}: Pick<ComponentSources, 'origin' | 'tokensDigest'>): ComponentStatus {
  if (origin.kind === 'mix')
    return { status: 'not-applicable', reason: 'A mix has no token sequence of its own.' } as const
  if (origin.kind === 'withheld')
    return { status: 'not-applicable', reason: 'Its first tokens were withheld by who shared it.' } as const
  return { status: 'captured', digest: tokensDigest } as const
}

function maskComponent({ kind, origin, attentionMask }: ComponentSources): ComponentStatus {
  if (origin.kind === 'mix')
    return { status: 'not-applicable', reason: 'A mix has no token sequence of its own.' } as const
  if (kind === 'ssm') {
    return { status: 'not-applicable', reason: 'A recurrent state attends to nothing: it has no mask.' } as const
  }
  return { status: 'captured', digest: digestOfValue(attentionMask) } as const
}

function formatOf({ formatVersion, dtype, blockTokens }: ComponentSources['cache']) {
  return { formatVersion, dtype, blockTokens }
}

export interface ComponentCheck {
  readonly component: ComponentId
  readonly ok: boolean
  readonly expected: string
  readonly found: string
  readonly message: string
}

/**
 * Compares a cartridge's components with what they must be for its own contents and the installed model. `expected` is
 * what the cartridge was made with, `found` what is here.
 */
export function checkComponents(config: CartridgeConfig, actual: readonly Component[]): ComponentCheck[] {
  return COMPONENTS.map(({ id, title }) => {
    const expected = digestText(config.components.find(component => component.id === id))
    const found = digestText(actual.find(component => component.id === id))
    const ok = expected === found
    return { component: id, ok, expected, found, message: ok ? `${title}: as recorded.` : `${title} differs.` }
  })
}

function digestText(component: Component | undefined): string {
  if (component === undefined) return 'missing'
  return component.status === 'not-applicable' ? 'not applicable' : component.digest
}

/** Throws `E_COMPONENT_MISMATCH` naming the first component that differs, what was expected and what was found. */
export function refuseMismatch(checks: readonly ComponentCheck[], modelName: string): void {
  const failed = checks.filter(check => !check.ok)
  const [first] = failed
  if (first === undefined) return
  const title = COMPONENTS.find(component => component.id === first.component)?.title ?? first.component
  throw new StatePackError(
    'E_COMPONENT_MISMATCH',
    `This cartridge does not fit ${modelName}: component "${title}" is not the one it was made with.`,
    {
      component: first.component,
      expected: first.expected,
      found: first.found,
      components: failed.map(check => check.component).join(','),
    },
  )
}
