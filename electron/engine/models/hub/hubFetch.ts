/** The only way to the hub: the token goes to the configured host and nowhere else. */
import type { PatientFetch } from '../../network/patientFetch.ts'
import { createSafeFetch, isLoopback } from '../../network/safeFetch.ts'

export interface HubAccess {
  /** As the settings have it: `https://huggingface.co`, or a mirror. */
  readonly endpoint: string
  readonly token?: string
}

export function createHubFetch({ endpoint, token }: HubAccess): PatientFetch {
  const home = new URL(endpoint)
  const fetch = createSafeFetch(home)
  // A token in plain text is for everyone on the way: only a hub on this machine gets it without TLS.
  const authorised = token !== undefined && token !== '' && (home.protocol === 'https:' || isLoopback(home))
  return (url, request) => {
    const isHome = new URL(url).origin === home.origin
    return fetch(url, { ...request, authorization: authorised && isHome ? `Bearer ${token}` : undefined })
  }
}
