import { StatePackError } from '#shared/domain/error.ts'

export interface HubModel {
  readonly hubId: string
  readonly revision: string
  /** Name of its folder on disk: `owner--name`, with the revision when it is not `main`. */
  readonly folderName: string
}

const NAME = /^(?=.{1,96}$)[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?$/

/** Checks a hub id (`owner/name`, or `name` of the hub's oldest models) and a revision. Throws `E_BAD_INPUT`. */
export function parseHubModel(hubId: string, revision = 'main'): HubModel {
  const parts = hubId.split('/')
  if (parts.length > 2 || parts.some(part => !NAME.test(part) || part.includes('..') || part.includes('--'))) {
    throw new StatePackError('E_BAD_INPUT', 'A model of the hub is called owner/name.', { field: 'hubId' })
  }
  if (!revision.split('/').every(part => NAME.test(part) && !part.includes('..'))) {
    throw new StatePackError('E_BAD_INPUT', 'A revision is a branch, a tag or a commit.', { field: 'revision' })
  }
  const suffix = revision === 'main' ? '' : `@${revision.replaceAll('/', '--')}`
  return { hubId, revision, folderName: `${parts.join('--')}${suffix}` }
}
