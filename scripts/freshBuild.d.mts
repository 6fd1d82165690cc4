/** Resolves when out/ is up to date; throws when the build fails. */
export function freshBuild(root: string, node?: string): Promise<void>
