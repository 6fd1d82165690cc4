import type { ApiRoute } from './apiRoute.ts'

/** The route of a method and a path (without its query), and what the path says; null where there is none. */
export function routeAt(
  routes: readonly ApiRoute[],
  { method, path }: { readonly method: string; readonly path: string },
): { readonly route: ApiRoute; readonly inPath: Readonly<Record<string, string>> } | null {
  for (const route of routes) {
    const pattern = new RegExp(`^${route.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`)
    const match = pattern.exec(path)
    if (match !== null && route.method === method.toLowerCase()) return { route, inPath: { ...match.groups } }
  }
  return null
}
