import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import { ask, type Repository, refusal } from './repository.ts'

const PAGE = 1000
const MOST_PAGES = 100
const pageSchema = z.object({ tags: z.array(z.string().max(128)).nullable() })
/** Tags by which registries without a referrers API list signatures: nobody's names. */
const REFERRERS = /^sha256-[0-9a-f]{64}$/

/** The tags of a repository, as the registry orders them. Throws `E_NOT_FOUND`, `E_UNAUTHORIZED`, `E_NETWORK`, `E_BAD_FORMAT`. */
export async function listTags(repository: Repository): Promise<string[]> {
  const tags = new Set<string>()
  const { origin } = repository.reference.home
  let next: string | null = repository.url(`tags/list?n=${PAGE}`)
  for (let page = 0; next !== null && page < MOST_PAGES; page++) {
    const answer = await ask(repository, next)
    if (answer.status !== 200) throw refusal(repository, answer)
    for (const tag of tagsOf(answer.body, repository)) if (!REFERRERS.test(tag)) tags.add(tag)
    const [, link] = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.get('link') ?? '') ?? []
    const following: URL | null = link !== undefined && URL.canParse(link, next) ? new URL(link, next) : null
    next = following?.origin === origin ? following.href : null
  }
  return [...tags]
}

function tagsOf(body: Uint8Array, { reference: { registry } }: Repository): readonly string[] {
  try {
    return pageSchema.parse(JSON.parse(new TextDecoder().decode(body))).tags ?? []
  } catch (cause) {
    throw new StatePackError('E_BAD_FORMAT', `${registry} sent something else than a list of tags.`, {}, cause)
  }
}
