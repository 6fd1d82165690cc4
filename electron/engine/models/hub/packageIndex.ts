/** Where a Python package index has a file: the simple repository API, as JSON (PEP 691) or as a page of links (PEP 503). */
import { z } from 'zod'
import { StatePackError } from '#shared/domain/error.ts'
import type { FetchOptions } from '../../network/patientFetch.ts'
import { readAnswer } from '../../network/readAnswer.ts'

/** Of one page of links: those of packages with thousands of versions are a few megabytes. */
const MOST_BYTES = 32 << 20
const ACCEPT = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1'

const pageSchema = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) })

export interface PackageFile {
  /** Of the project, normalised: lower case, hyphens. */
  readonly project: string
  readonly fileName: string
}

/**
 * The address of a file of a package. `index`: the simple API's root, such as `https://pypi.org/simple`. What comes from
 * that address is held to a digest known beforehand, so nothing else of the page is believed. Throws `E_NOT_FOUND`,
 * `E_NETWORK`, `E_BAD_FORMAT`, and {@link indexRefusal}'s.
 */
export async function findInIndex(
  { project, fileName }: PackageFile,
  { index, ...options }: FetchOptions & { readonly index: string },
): Promise<string> {
  const page = `${index.replace(/\/+$/, '')}/${project}/`
  const { status, headers, body } = await readAnswer(page, {
    ...options,
    headers: { accept: ACCEPT },
    mostBytes: MOST_BYTES,
  })
  if (status !== 200) throw indexRefusal(status, { index, project })
  const text = Buffer.from(body).toString('utf8')
  const isJson = /json/.test(headers.get('content-type') ?? '')
  const found = (isJson ? filesOf(text) : await linksOf(text)).find(file => file.name === fileName)
  if (found === undefined || !URL.canParse(found.url, page)) {
    const { host } = new URL(index)
    throw new StatePackError('E_NOT_FOUND', `${host} has no ${fileName}.`, { host, file: fileName })
  }
  const url = new URL(found.url, page)
  url.hash = ''
  return url.href
}

/** What a refusal of an index means to a person. */
export function indexRefusal(
  status: number,
  { index, project }: { readonly index: string; readonly project: string },
): StatePackError {
  const { host } = new URL(index)
  const details = { host, status, project }
  if (status === 404) return new StatePackError('E_NOT_FOUND', `${host} has no package ${project}.`, details)
  if (status === 401 || status === 403)
    return new StatePackError('E_FORBIDDEN', `${host} does not give out ${project} to everybody.`, details)
  return new StatePackError('E_NETWORK', `${host} answered ${status} when asked for ${project}.`, details)
}

interface Link {
  readonly name: string
  readonly url: string
}

function filesOf(text: string): Link[] {
  try {
    return pageSchema.parse(JSON.parse(text)).files.map(({ filename, url }) => ({ name: filename, url }))
  } catch (error) {
    throw new StatePackError('E_BAD_FORMAT', "The package index's list of files cannot be used.", {}, error)
  }
}

/** The text of each link is the file's name. */
async function linksOf(html: string): Promise<Link[]> {
  const { parse } = await import('parse5')
  const links: Link[] = []
  const todo: unknown[] = [parse(html)]
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    const { nodeName, attrs, childNodes } = nodeSchema.parse(node)
    const url = attrs.find(({ name }) => name === 'href')?.value
    const name = childNodes
      .map(child => nodeSchema.parse(child).value)
      .join('')
      .trim()
    if (nodeName === 'a' && url !== undefined) links.push({ name, url })
    for (const child of childNodes) todo.push(child)
  }
  return links
}

const nodeSchema = z.object({
  nodeName: z.string(),
  attrs: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  childNodes: z.array(z.unknown()).default([]),
  value: z.string().default(''),
})
