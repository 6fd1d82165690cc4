import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openKeys } from '#engine/receipts/keys.ts'
import { openReceiptLog } from '#engine/receipts/receiptLog.ts'
import { draftOf, randomOf, scratch } from './fixtures.ts'

const script = join(import.meta.dirname, 'appender.ts')

function appender(args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', text => {
    output += text
  })
  return {
    child,
    ready: async () => {
      while (!output.includes('ready\n')) await delay(5)
    },
    /** Ids whose whole line arrived: what the process was told is safe. */
    acknowledged: () =>
      output
        .split('\n')
        .slice(0, -1)
        .filter(line => line !== 'ready'),
  }
}

describe('receipt log between processes', () => {
  it('keeps every receipt of four processes that append at once, in one chain', async () => {
    await using place = await scratch()
    await using keyPlace = await scratch()
    const keys = await openKeys(keyPlace.path)
    const all = [0, 1, 2, 3].map(i => appender([place.path, keyPlace.path, String(i * 1000), '40']))
    await Promise.all(all.map(a => once(a.child, 'close')))
    expect(all.map(a => a.child.exitCode)).toEqual([0, 0, 0, 0])
    const ids = all.flatMap(a => a.acknowledged())
    expect(new Set(ids).size).toBe(160)
    const log = await openReceiptLog(place.path, { keys })
    expect(await log.verify()).toMatchObject({ ok: true, count: 160 })
    for (const id of ids) await log.get(id)
  })

  it('loses nothing acknowledged when the writer is killed at any moment', { timeout: 1_200_000 }, async () => {
    const kills = process.env.DEEP ? 200 : 6
    await using place = await scratch()
    await using keyPlace = await scratch()
    const keys = await openKeys(keyPlace.path)
    const random = randomOf(20261121)
    const acknowledged: string[] = []
    for (let i = 0; i < kills; i++) {
      const writer = appender([place.path, keyPlace.path, String(i * 10_000), '4000'])
      // Half of the kills fall into the first writes, half among many.
      await writer.ready()
      while (i % 2 === 0 && writer.acknowledged().length === 0) await delay(1)
      await delay(random.next() * 150)
      writer.child.kill('SIGKILL')
      await once(writer.child, 'close')
      acknowledged.push(...writer.acknowledged())
      const log = await openReceiptLog(place.path, { keys })
      await log.append(draftOf(i))
      expect(await log.verify()).toMatchObject({ ok: true, torn: false })
      await log.close()
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(kills / 2)
    const log = await openReceiptLog(place.path, { keys })
    for (const id of acknowledged) expect((await log.get(id)).receipt_id).toBe(id)
  })
})
