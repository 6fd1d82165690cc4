import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import { createHubFetch, type HubAccess } from '../models/hub/hubFetch.ts'
import type { HubModel } from '../models/hub/hubId.ts'
import { statusError } from '../models/hub/repoFiles.ts'
import { type FetchOptions, PATIENCE, type Patience } from '../network/patientFetch.ts'
import { readAnswer } from '../network/readAnswer.ts'
import type { Call } from '../packets/context.ts'

/** The hub that the settings name, and whose requests they are. */
export interface Hub extends HubAccess {
  readonly patience?: Partial<Patience>
}

/** A repository at one commit: what it holds does not change under whoever reads it. */
export interface HubRepository {
  readonly hubId: string
  /** 40 hexadecimal digits. */
  readonly commit: string
  readonly options: FetchOptions
  /** The address of a file. */
  url(path: string): string
  refusal(answer: { readonly status: number }): StatePackError
}

const infoSchema = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/, 'a commit is expected') })
/** Of what the hub says about a repository. */
const MOST_INFO = 8 << 20

/** What a branch, a tag or a commit is now. Throws `E_NOT_FOUND`, `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_NETWORK`. */
export async function openHubRepository(
  { hubId, revision }: HubModel,
  hub: Hub,
  { signal, onWait }: Pick<Call, 'signal'> & Pick<FetchOptions, 'onWait'>,
): Promise<HubRepository> {
  const endpoint = hub.endpoint.replace(/\/+$/, '')
  const options: FetchOptions = {
    server: 'The hub',
    fetch: createHubFetch({ ...hub, endpoint }),
    patience: { ...PATIENCE, ...hub.patience },
    ...{ signal, ...(onWait === undefined ? {} : { onWait }) },
  }
  const refusal = ({ status }: { readonly status: number }) => statusError(status, hubId, endpoint)
  const asked = `${endpoint}/api/models/${hubId}/revision/${encodeURIComponent(revision)}`
  const answer = await readAnswer(asked, { ...options, mostBytes: MOST_INFO })
  if (answer.status === 404 && revision !== 'main') {
    const { host } = new URL(endpoint)
    throw new StatePackError('E_NOT_FOUND', `There is no ${hubId}@${revision} on ${host}.`, { hubId, revision })
  }
  if (answer.status !== 200) throw refusal(answer)
  const found = infoSchema.safeParse(jsonOf(answer.body))
  if (!found.success) throw new StatePackError('E_BAD_FORMAT', 'The hub does not say which commit that is.', { hubId })
  const { sha: commit } = found.data
  return { hubId, commit, options, refusal, url: path => `${endpoint}/${hubId}/resolve/${commit}/${path}` }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}
