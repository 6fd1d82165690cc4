/** `npm run golden -- FOLDER`: one JSON line per case found under FOLDER (default test/golden); exit 1 when one fails. */
import { resolve } from 'node:path'
import { findGoldenCases } from './goldenCases.ts'

const folder = resolve(process.argv[2] ?? 'test/golden')
const cases = await findGoldenCases(folder)
let failed = 0
for (const each of cases) {
  const line = await each.run()
  if (!line.ok) failed += 1
  console.log(JSON.stringify(line))
}
if (cases.length === 0) console.error(`No golden case under ${folder}.`)
process.exitCode = failed > 0 || cases.length === 0 ? 1 : 0
