import { spawn } from 'node:child_process'
import { expect } from 'vitest'
import { seededRandom } from './simulatedDisk.ts'

export interface Killed {
  /** packet_id -> receipt_id, of what the child had called done. */
  readonly acknowledged: ReadonlyMap<string, string>
  /** Every line that it wrote. */
  readonly lines: readonly string[]
}

/**
 * Lets a program work on a folder until a random moment after a random number of its lines (fewer than `lines`), sometimes of
 * its start, and kills it with SIGKILL. It is started with the folder, the seed and `when`. It writes `ack PACKET_ID RECEIPT_ID` for what is done.
 */
export async function untilKilled(
  program: string,
  folder: string,
  { seed, when = 'in-time', lines: most = 6 }: { seed: number; when?: string; lines?: number },
): Promise<Killed> {
  const random = seededRandom(seed)
  const child = spawn(process.execPath, [program, folder, String(seed), when], { stdio: ['ignore', 'pipe', 'pipe'] })
  const waitFor = Math.floor(random() * most)
  const delay = random() * 80
  const atStart = seed % 8 === 7
  let out = ''
  let errors = ''
  let isAimed = false
  const aim = (after: number) => {
    if (!isAimed) setTimeout(() => child.kill('SIGKILL'), after)
    isAimed = true
  }
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  child.stdout.on('data', chunk => {
    out += chunk
    if (out.split('\n').length > waitFor + 1) aim(delay)
  })
  if (atStart) aim(300 + random() * 600)
  const signal = await new Promise<string | null>(done => child.on('close', (_, name) => done(name)))
  expect(signal, errors).toBe('SIGKILL')
  const lines = out.split('\n').slice(0, -1)
  return {
    lines,
    acknowledged: new Map(
      lines.flatMap(line => {
        const [word, packetId, receiptId] = line.split(' ')
        return word === 'ack' && packetId !== undefined && receiptId !== undefined ? [[packetId, receiptId]] : []
      }),
    ),
  }
}
