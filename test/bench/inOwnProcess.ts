/** Work in a process of its own. Measurements, as in the engine's: peak memory is theirs, and a driver that crashes takes nothing else with it. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ENGINE_V8_FLAGS, engineEnv } from '#hosts/engineProcess/engineChild.ts'
import type { Asked, AskOptions } from './askServer.ts'
import type { LlamaCppOptions } from './measureLlamaCpp.ts'
import type { MeasuredModel, MeasureOptions } from './measureModel.ts'
import type { TimelineOptions } from './measureTimeline.ts'

export function measureModel(options: MeasureOptions): Promise<MeasuredModel> {
  return run('measureModel.ts', options, ENGINE_V8_FLAGS)
}

export function measureLlamaCpp(options: LlamaCppOptions): Promise<Record<string, number>> {
  return run('measureLlamaCpp.ts', options, ENGINE_V8_FLAGS)
}

export function measureTimeline(options: TimelineOptions): Promise<{ readonly rows: Record<string, number>[] }> {
  return run('measureTimeline.ts', options, ENGINE_V8_FLAGS)
}

/** The callers of a server: what they do is no work of the server's process. */
export function askServer(options: AskOptions): Promise<Asked> {
  return run('askServer.ts', options)
}

/** Runs a program of this folder with its options as JSON; it prints its figures as JSON. */
async function run<T>(program: string, options: object, flags: readonly string[] = []): Promise<T> {
  const args = [...flags, join(import.meta.dirname, program), JSON.stringify(options)]
  const child = spawn(process.execPath, args, { env: engineEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
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
