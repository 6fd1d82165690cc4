import { StatePackError } from '#shared/domain/error.ts'
import type { WantedFile } from '../../network/downloadFile.ts'
import type { FetchOptions } from '../../network/patientFetch.ts'
import { readAnswer } from '../../network/readAnswer.ts'
import type { HubModel } from './hubId.ts'

const MOST_FILES = 10_000
/** Of one page of the list. */
const MOST_BYTES = 32 << 20

/** Every file of the repository. Throws `E_NOT_FOUND`, `E_UNAUTHORIZED`, `E_FORBIDDEN`, `E_NETWORK`, `E_BAD_FORMAT`. */
export async function listRepoFiles(
  model: HubModel,
  { endpoint, ...options }: FetchOptions & { readonly endpoint: string },
): Promise<WantedFile[]> {
  const files: WantedFile[] = []
  const { listFiles } = await import('@huggingface/hub')
  const found = listFiles({
    repo: { type: 'model', name: model.hubId },
    revision: encodeURIComponent(model.revision),
    recursive: true,
    hubUrl: endpoint,
    // The library's own fetch would follow redirects with the token in its hands.
    fetch: async input => {
      const { status, headers, body } = await readAnswer(String(input), { ...options, mostBytes: MOST_BYTES })
      if (status !== 200) throw statusError(status, model.hubId, endpoint)
      return new Response(body, { headers })
    },
  })
  try {
    for await (const { type, path, size, lfs, oid } of found) {
      if (type !== 'file') continue
      const digest =
        lfs === undefined
          ? ({ algorithm: 'git-sha1', hex: oid ?? '' } as const)
          : ({ algorithm: 'sha256', hex: lfs.oid } as const)
      files.push(checked({ path, size: lfs?.size ?? size, digest }))
      if (files.length > MOST_FILES) throw badList(`it has more than ${MOST_FILES} files`)
    }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (error instanceof StatePackError) throw error
    throw badList('it is not a list of files', error)
  }
  return files
}

function checked(file: WantedFile): WantedFile {
  const { path, size, digest } = file
  if (typeof path !== 'string' || !Number.isSafeInteger(size) || size < 0) throw badList('a file has no size')
  const length = digest.algorithm === 'sha256' ? 64 : 40
  if (typeof digest.hex !== 'string' || digest.hex.length !== length || !/^[0-9a-f]+$/.test(digest.hex)) {
    throw badList(`${path} has no digest`)
  }
  return file
}

/** What a refusal of the hub means to a person. */
export function statusError(status: number, hubId: string, endpoint: string): StatePackError {
  const { host } = new URL(endpoint)
  const details = { hubId, host, status }
  if (status === 401) {
    const message = `${host} does not show ${hubId} without a token: there is no such model, or it is private or gated. Set HF_TOKEN.`
    return new StatePackError('E_UNAUTHORIZED', message, details)
  }
  if (status === 403) {
    const message = `${host} refuses ${hubId}: its licence must be accepted there first, with the account of HF_TOKEN.`
    return new StatePackError('E_FORBIDDEN', message, details)
  }
  if (status === 404) return new StatePackError('E_NOT_FOUND', `There is no ${hubId} on ${host}.`, details)
  return new StatePackError('E_NETWORK', `${host} answered ${status} when asked for ${hubId}.`, details)
}

function badList(what: string, cause?: unknown): StatePackError {
  return new StatePackError('E_BAD_FORMAT', `The hub's list of files cannot be used: ${what}.`, {}, cause)
}
