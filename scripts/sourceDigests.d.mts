/** SHA-256 in hex by the name of a source; null for one that is not there. */
export type SourceDigests = Readonly<Record<string, string | null>>
/** The digests of the sources as they are. */
export function sourceDigests(root: string): SourceDigests
/** The digests of what out/ was built of; null where no build was finished. */
export function builtOf(root: string): SourceDigests | null
/** Says that out/ is of these sources; null, of none that are known, while a build writes it. */
export function setBuiltOf(root: string, digests: SourceDigests | null): void
