/** Measurements in a process of their own, as the engine's: peak memory is theirs, and a driver that crashes takes nothing else with it. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ENGINE_V8_FLAGS } from '#hosts/engineProcess/engineChild.ts'
import type { LlamaCppOptions } from './measureLlamaCpp.ts'
import type { MeasureOptions } from './measureModel.ts'

export function measureModel(options: MeasureOptions): Promise<Record<string, number>> {
  return run('measureModel.ts', options)
}

export function measureLlamaCpp(options: LlamaCppOptions): Promise<Record<string, number>> {
  return run('measureLlamaCpp.ts', options)
}

/** Runs a program of this folder with its options as JSON; it prints its figures as JSON. */
async function run(program: string, options: object): Promise<Record<string, number>> {
  const args = [...ENGINE_V8_FLAGS, join(import.meta.dirname, program), JSON.stringify(options)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, errors] = ['', '']
  child.stdout.on('data', chunk => {
    out += chunk
  })
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  const code = await new Promise<number | null>(done => child.on('close', done))
  if (code === 0) return JSON.parse(out)
  const reason = errors.split('\n').find(line => /Error: /.test(line)) ?? ''
  throw new Error(
    reason.replace(/^\w*Error: /, '').slice(0, 240) || `its process ended with ${child.signalCode ?? code}`,
  )
}
