// npm ci, and npx in this folder: builds out/ when it is missing or of other sources. Where the build tools were left out
// (npm prune --omit=dev) what was built stays as it is; where it is of other sources, that is said.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { freshBuild } from './freshBuild.mjs'
import { root } from './pinnedNode.mjs'

try {
  await freshBuild(root)
  if (!existsSync(join(root, 'out', 'main', 'serve.js')))
    throw new Error('The Studio is not built, and its build tools were left out. Run: npm ci && npm prune --omit=dev')
} catch (problem) {
  console.error(problem.message)
  process.exitCode = 1
}
