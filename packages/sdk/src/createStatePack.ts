import { StatePackError } from '../../../shared/domain/error.ts'
import type { Send } from './send.ts'
import type { Answer, CallOptions, OfferedState, Offers, StatePack } from './statePack.ts'

/** The SDK's calls in the words of the HTTP API, sent by `send`. */
export function createStatePack(send: Send, close: () => Promise<void>): StatePack {
  /** What comes back is what the server's schema of the route says: the API checks its own answers. */
  const call = async <T>(path: string, input: object | undefined, { signal }: CallOptions = {}) =>
    camelCased(await send(path, input && snakeCased(input), { signal })) as T
  return {
    createState: (input, options) => call('/states', input, options),
    async infer(input, { signal, onPiece } = {}) {
      if (onPiece === undefined) return call('/infer', input, { signal })
      let answer: unknown
      await send(
        '/infer',
        { ...snakeCased(input), stream: true },
        {
          signal,
          onEvent: ({ event, data }) => {
            if (event === 'piece') onPiece((data as { piece: string }).piece)
            else answer = data
          },
        },
      )
      if (answer === undefined) throw new StatePackError('E_NETWORK', 'The answer was cut off.')
      return camelCased(answer) as Answer
    },
    merge: (input, options) => call('/merge', input, options),
    compact: (input, options) => call('/compact', input, options),
    combine: ({ states, ...input }, options) => call('/combine', { ...input, states: states.map(snakeCased) }, options),
    saveState: ({ stateHash, ...input }, options) => call(`/states/${encodeURIComponent(stateHash)}`, input, options),
    state: (stateHash, options) => call(`/states/${encodeURIComponent(stateHash)}`, undefined, options),
    async states(search = {}, options = {}) {
      const found = await send(withQuery('/states', search), undefined, options)
      const { states, total } = found as { states: object[]; total: number }
      return { states: states.map(camelCased), total } as Awaited<ReturnType<StatePack['states']>>
    },
    async offers(search = {}, options = {}) {
      const found = await send(withQuery('/offers', search), undefined, options)
      const { offers, ...rest } = found as { offers: object[] } & Omit<Offers, 'offers'>
      return { offers: offers.map(camelCased) as Offers['offers'], ...rest }
    },
    addCatalogue: (place, options) => call('/catalogues', { place }, options),
    async tags(repository, options = {}) {
      const { tags } = (await send(withQuery('/tags', { repository }), undefined, options)) as { tags: string[] }
      return tags
    },
    uploadState: (input, options) => call('/push', input, options),
    downloadState: (input, options) => call('/pull', 'place' in input ? offered(input) : input, options),
    request: (path, body, options = {}) => send(path, body, options),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** What is sent for an offer: the very state that it names, from where it lies. */
function offered({ place, name, from, link, packetId }: OfferedState): object {
  return { from, link, packetId, entry: { place, name } }
}

function withQuery(path: string, fields: object): string {
  const given = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, `${value}`]]))
  return `${path}?${new URLSearchParams(given)}`
}

/** Names of a request's own fields; what is below them is the same in both worlds. */
function snakeCased(value: object): Record<string, unknown> {
  return renamed(value, name => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`))
}

function camelCased(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return renamed(value, name => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
}

function renamed(value: object, name: (from: string) => string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([from, to]) => [name(from), to]))
}
