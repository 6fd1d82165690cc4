import { type ErrorValue, toStatePackError } from '#shared/domain/error.ts'
import type { CallOptions, Client, Output } from '#shared/rpc/client.ts'

type Offer = Output<'share.browse'>['entries'][number] & {
  /** The catalogue that lists it, or `hub`. */
  readonly place: string
}

export interface AvailableOffers {
  readonly offers: readonly Offer[]
  /** Of publishers that are blocked here. */
  readonly hidden: number
  /** Places that could not be looked into, and why. */
  readonly unreachable: readonly (Pick<ErrorValue, 'code' | 'message'> & { readonly place: string })[]
}

/**
 * What others offer in `places` (without any in all catalogues that this library knows), with `hub` also what the hub
 * finds. One place that does not answer hides none of the others. Throws what the first one threw when none answers.
 */
export async function availableOffers(
  client: Client,
  { query, places, hub }: { query: string; places?: readonly string[] | undefined; hub?: boolean | undefined },
  options: CallOptions,
): Promise<AvailableOffers> {
  const known = places ?? (await client.call('share.catalogues', {}, options)).catalogues.map(({ place }) => place)
  const asked = hub === true ? [...known, 'hub'] : known
  const looked = await Promise.all(
    asked.map(async place => {
      try {
        const { entries, hidden } = await client.call('share.browse', { place, query }, options)
        return { offers: entries.map(entry => ({ ...entry, place })), hidden }
      } catch (thrown) {
        return { failed: { place, error: toStatePackError(thrown) } }
      }
    }),
  )
  const failed = looked.flatMap(({ failed = [] }) => failed)
  const [first] = failed
  if (first !== undefined && (failed.length === asked.length || options.signal?.aborted)) throw first.error
  return {
    offers: looked.flatMap(({ offers = [] }) => offers),
    hidden: looked.reduce((sum, { hidden = 0 }) => sum + hidden, 0),
    unreachable: failed.map(({ place, error: { code, message } }) => ({ place, code, message })),
  }
}
