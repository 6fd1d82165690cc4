/**
 * `npm run test:other-machines -- [--qemu FOLDER] [--sysroot FOLDER] [--cache FOLDER] [MACHINE ...]`: cartridges that this machine makes are
 * recomputed on others, with weights in every precision. All that are honest must be accepted, all whose state is another text's
 * refused. A machine that cannot be had is skipped with its reason. The last lines are the table of docs/verification.md.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { type Machine, machines } from './machines.ts'
import type { Recomputed } from './recompute.ts'
import { MODELS, makeShelf, PRECISIONS } from './shelf.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    qemu: { type: 'string' },
    sysroot: { type: 'string', default: '/usr/aarch64-linux-gnu' },
    cache: { type: 'string' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'statepack-machines-'))
try {
  process.exitCode = (await run()) ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function run(): Promise<boolean> {
  const shelf = await makeShelf(join(folder, 'shelf'))
  const list = join(folder, 'shelf.json')
  writeFileSync(list, JSON.stringify(shelf))
  const { qemu, sysroot, cache = folder } = values
  const table: string[] = []
  let isRight = true
  for (const machine of machines({ qemu, sysroot, folder: cache })) {
    if (positionals.length > 0 && !positionals.some(word => machine.name.includes(word))) continue
    if (machine.missing !== null) {
      console.log(`skipped: ${machine.name}: ${machine.missing}`)
      continue
    }
    const done: Recomputed[] = []
    for await (const one of recomputed(machine, list)) {
      const isExpected = one.nature === 'honest' ? one.accepted : one.code === 'E_NOT_RECOMPUTED'
      isRight &&= isExpected
      done.push(one)
      const verdict = `${one.accepted ? 'accepted' : `refused (${one.code})`}, differs by ${one.share?.toExponential(1)}, rms ${one.rms?.toExponential(1)}`
      console.log(
        `${isExpected ? 'ok' : 'WRONG'}: ${machine.name}: ${one.nature} ${one.model}, ${one.precision} weights: ${verdict} (${one.seconds.toFixed(0)} s)`,
      )
    }
    if (done.length < shelf.length) {
      console.log(`WRONG: ${machine.name}: ended after ${done.length} of ${shelf.length}`)
      isRight = false
    }
    table.push(...MODELS.map(model => row(machine, model, done)))
  }
  console.log(['', `| machine | model | ${PRECISIONS.join(' | ')} | swapped, the least |`, ...table].join('\n'))
  return isRight
}

async function* recomputed({ node }: Machine, list: string): AsyncGenerator<Recomputed> {
  const [command = '', ...args] = node
  const script = join(import.meta.dirname, 'recompute.ts')
  const child = spawn(command, [...args, script, list], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface(child.stdout)) yield JSON.parse(line)
}

/** The largest differences of what is honest in each precision, and the smallest of what is not: of a value, and root mean square. */
function row({ name }: Machine, model: string, done: readonly Recomputed[]): string {
  const of = (pick: (...values: number[]) => number, nature: string, precision?: string) => {
    const those = done.filter(
      one => one.model === model && one.nature === nature && (precision ?? one.precision) === one.precision,
    )
    const most = (field: 'share' | 'rms') => pick(...those.map(one => one[field] ?? Number.NaN)).toExponential(1)
    return `${most('share')}, ${most('rms')}`
  }
  const honest = PRECISIONS.map(precision => of(Math.max, 'honest', precision))
  return `| ${[name, model, ...honest, of(Math.min, 'swapped')].join(' | ')} |`
}
