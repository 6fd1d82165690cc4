/** An engine under mixed load, in a process as the hosts start it: `--minutes N` (11), `--v8 FLAGS` instead of the engine's own. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ENGINE_V8_FLAGS } from '#hosts/engineProcess/engineChild.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '11' }, v8: { type: 'string', default: ENGINE_V8_FLAGS.join(' ') } },
})
const flags = values.v8.split(' ').filter(flag => flag !== '')
const { status } = spawnSync(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', ...flags, join(import.meta.dirname, 'measureSoak.ts'), values.minutes],
  { stdio: 'inherit' },
)
process.exitCode = status ?? 1
