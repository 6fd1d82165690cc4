import { StatePackError } from '#shared/domain/error.ts'
import { type ApiRoute, METHODS } from './apiRoute.ts'

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

/** What OpenAI has, and this server has no use of. */
const UNSUPPORTED = [
  {
    path: /^\/v1\/responses\/[^/]+\/cancel$/,
    message:
      'cancel is not supported by this server: nothing is answered in the background. Hang up to stop an answer.',
  },
] as const

/**
 * Why there is no route: `E_NOT_SUPPORTED` for what is known and not had, `E_NOT_FOUND` where nothing has the path, else
 * `E_BAD_METHOD` with what it takes (`allow`).
 */
export function noRoute(
  routes: readonly ApiRoute[],
  { method, path }: { readonly method: string; readonly path: string },
): StatePackError {
  const takes = METHODS.filter(each => routeAt(routes, { method: each, path }) !== null)
  const known = method === 'POST' ? UNSUPPORTED.find(each => each.path.test(path)) : undefined
  if (known !== undefined) return new StatePackError('E_NOT_SUPPORTED', known.message, { path })
  if (takes.length === 0) return new StatePackError('E_NOT_FOUND', `There is no ${method.toUpperCase()} ${path} here.`)
  const allow = [...takes.flatMap(each => (each === 'get' ? ['GET', 'HEAD'] : [each.toUpperCase()])), 'OPTIONS'].join(
    ', ',
  )
  return new StatePackError('E_BAD_METHOD', `${path} takes ${allow}, and not ${method.toUpperCase()}.`, { path, allow })
}
