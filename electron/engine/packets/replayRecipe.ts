import type { Recipe } from '#shared/domain/cartridge.ts'
import { StatePackError } from '#shared/domain/error.ts'
import type { LoadedModel } from '../live/modelPool.ts'
import { composeText, readingOf } from './composeText.ts'
import { type Delta, emptyText, growText, isUnread, splitDelta, type TextState } from './growState.ts'
import { recipeByPlace } from './openState.ts'
import type { readDocuments } from './packet.ts'

export interface ReplayInput {
  readonly recipe: Recipe
  readonly sources: Awaited<ReturnType<typeof readDocuments>>['sources']
  readonly origin: TextState['origin']
  /** The token buffer: only what the recipe calls generated is taken from it. */
  readonly tokens: Int32Array
}

/** Of a model that says no length: far more than any cartridge was made with. */
const MOST_TOKENS = 2 ** 24

/** Every turn is rendered with all before it. No model reads a conversation of more. */
const MOST_TURNS = 1024

/** A text that the recipe calls a turn of a conversation, and what it was read after. */
export interface ReplayedTurn {
  readonly before: TextState
  readonly delta: Delta
}

export interface Replayed {
  readonly state: TextState
  readonly turns: readonly ReplayedTurn[]
}

/**
 * What a cartridge must have read if its recipe and its texts are true: tokens, held-back tail, segments and spans, by the
 * same functions that making and growing it went through. Runs no model. Throws `E_NOT_RECOMPUTED` for a recipe that cannot
 * be followed, and what tokenising throws.
 */
export function replayRecipe(loaded: Pick<LoadedModel, 'model'>, input: ReplayInput): Replayed {
  const most = loaded.model.contextLength ?? MOST_TOKENS
  if (input.tokens.length > most) throw notFollowed(`it has more tokens than the ${most} that its model reads`)
  const steps = recipeByPlace(input.recipe).steps
  // Every state's tokens are the first of these, once.
  const room = new Int32Array(input.tokens.length)
  const assertRoom = (tokens: number) => {
    if (tokens > room.length) throw notFollowed('its texts give more tokens than it has')
  }
  const turns: ReplayedTurn[] = []
  let at = 0
  let place = 0
  let state: TextState = {
    ...emptyText(loaded),
    origin: input.origin,
    recipe: { ...recipeByPlace(input.recipe), steps: [] },
  }
  const next = () => steps[at]
  const readsAnew = () => {
    const step = next()
    return step?.do === 'read' && step.join === undefined ? step : null
  }
  if (input.origin.kind === 'mix') {
    const step = next()
    if (step?.do !== 'mix') throw notFollowed('it does not begin with the mix that it comes from')
    state = { ...state, recipe: { ...state.recipe, steps: [step] } }
    at++
  } else if (readsAnew() !== null) {
    const seam = readsAnew()?.seam
    while (readsAnew() !== null) at++
    const sources = input.sources.slice(0, at)
    place = at
    const cut = next()
    if (cut?.do === 'first') at++
    const text = composeText(loaded.model, {
      sources,
      ...readingOf(input.recipe),
      seam,
      firstTokens: cut?.do === 'first' ? cut.tokens : undefined,
    })
    const isSame = text.sources.every(
      (part, index) => 'bytes' in part && part.bytes.byteLength === sources[index]?.bytes,
    )
    if (!isSame) throw notFollowed('a text is not stored as it is read')
    const { tokens, tail, segments, promptMeta } = text
    const { steps } = text.recipe
    assertRoom(tokens.length)
    room.set(tokens)
    state = {
      ...state,
      tokens: room.subarray(0, tokens.length),
      tail,
      segments,
      promptMeta,
      sources: layersOf(sources),
      recipe: { ...state.recipe, steps },
    }
  }
  while (at < steps.length) {
    const began = at
    const reads = next()
    const read = reads?.do === 'read' ? input.sources[place] : undefined
    const seam = readSeam(reads)
    if (read !== undefined) {
      place++
      at++
    }
    const how = reads?.do === 'read' ? reads : undefined
    const { said, messages, system, controlTokens } = how ?? {}
    const delta = { text: read?.text ?? '', said, messages, system, controlTokens }
    if (delta.said !== undefined) turns.push({ before: state, delta })
    if (turns.length > MOST_TURNS) throw notFollowed(`it has more than ${MOST_TURNS} turns`)
    const split = splitDelta(state, delta, seam)
    const flush = next()?.do === 'flush'
    if (flush) at++
    const generated = next()
    if (generated?.do === 'generated') at++
    // Neither read nor written by the model: a step that no operation makes, or in a place where none makes it.
    if (at === began) throw notFollowed(`it has a step "${next()?.do}" where none can be`)
    const count = generated?.do === 'generated' ? generated.tokens : 0
    const start = state.tokens.length + split.prefix.length + split.fold.length + (flush ? split.tailTokens.length : 0)
    assertRoom(start + count)
    const grown = growText(state, {
      delta,
      source: layersOf(read === undefined ? [] : [read])[0] ?? NOTHING,
      seam,
      split,
      flush: flush || count > 0,
      generated: input.tokens.subarray(start, start + count),
      room,
    })
    if (grown.recipe.steps.length === state.recipe.steps.length)
      throw notFollowed(`it has a step "${steps[began]?.do}" that does nothing`)
    state = grown
  }
  // A conversation begins with its tools, so that what rendering its first turn gives shows them.
  if (input.recipe.tools !== undefined && (turns[0] === undefined || !isUnread(turns[0].before)))
    throw notFollowed('it has tools that no conversation began with')
  return { state, turns }
}

const NOTHING = { name: '', bytes: new Uint8Array(0) }

function readSeam(step: TextState['recipe']['steps'][number] | undefined): 'exact' | 'concat' {
  return step?.do === 'read' && step.seam === 'concat' ? 'concat' : 'exact'
}

function layersOf(sources: ReplayInput['sources']): TextState['sources'] {
  return sources.map(({ name, layer, extractor }) => ({ name, layer, extractor }))
}

export function notFollowed(what: string): StatePackError {
  return new StatePackError('E_NOT_RECOMPUTED', `The recipe of this cartridge cannot be followed: ${what}.`, {
    component: 'tokens',
  })
}
