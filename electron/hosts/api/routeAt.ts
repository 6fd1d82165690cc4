import { StatePackError } from '#shared/domain/error.ts'
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

/** Why there is no route: `E_NOT_FOUND` where nothing has the path, else `E_BAD_METHOD` with what it takes (`allow`). */
export function noRoute(
  routes: readonly ApiRoute[],
  { method, path }: { readonly method: string; readonly path: string },
): StatePackError {
  const takes = (['get', 'post'] as const).filter(each => routeAt(routes, { method: each, path }) !== null)
  if (takes.length === 0) return new StatePackError('E_NOT_FOUND', `There is no ${method.toUpperCase()} ${path} here.`)
  const allow = [...takes.flatMap(each => (each === 'get' ? ['GET', 'HEAD'] : ['POST'])), 'OPTIONS'].join(', ')
  return new StatePackError('E_BAD_METHOD', `${path} takes ${allow}, and not ${method.toUpperCase()}.`, { path, allow })
}
