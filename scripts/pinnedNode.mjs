// The Node this package brings with it (a devDependency), so that the machine's own Node may be an older one.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** This process's Node when it is new enough, else the pinned one; null when neither will do. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  const pinned = ['node', 'node.exe'].map(name => join(root, 'node_modules', 'node', 'bin', name))
  return pinned.find(file => existsSync(file)) ?? null
}
