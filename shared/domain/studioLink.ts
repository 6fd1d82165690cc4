/** `statepack://import?from=<address>`: a link that opens a review, and does nothing else. */

const LONGEST = 2048
/** Nothing that hides where it leads: no password, no space, no control character, no backslash. */
const ADDRESS = /^(?:https|oci|hf):\/\/[^\s\p{Cc}\\@/?#]+(?:[/?#][^\s\p{Cc}\\]*)?$/iu

/** Whether a text is such a link, well-formed or not. */
export function isStudioLink(text: string): boolean {
  return /^statepack:/i.test(text)
}

/** The address that a link names, an https, oci or hf one; null for any other link, and for what is no link. */
export function addressIn(link: string): string | null {
  if (link.length > LONGEST) return null
  const [, query = ''] = /^statepack:\/\/import\/?\?([^#]*)$/i.exec(link) ?? []
  const given = query.split('&').filter(field => field.startsWith('from='))
  const [from] = given
  if (from === undefined || given.length > 1) return null
  const address = decoded(from.slice('from='.length))
  return address !== null && ADDRESS.test(address) ? address : null
}

/** The link to an address. */
export function studioLink(address: string): string {
  return `statepack://import?from=${encodeURIComponent(address)}`
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
