import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openModel } from '#engine/models/sources/openModel.ts'
import { toStatePackError } from '#shared/domain/error.ts'
import { openTestEngine } from '../../testEngine.ts'
import { CHECKPOINT, normalizeBy, splitBy, withHostileFolder } from './hostileFolder.ts'

const BACKTRACKS = splitBy('(\\p{L}+)+!|\\s|.')
/** Another one: what was tried before in this process is known. */
const BACKTRACKS_TOO = splitBy('(\\p{L}+)*!|\\s|.')

let cacheFolder: string
beforeAll(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'statepack-trial-'))
})
afterAll(() => rm(cacheFolder, { recursive: true, force: true }))

test('while a hostile tokenizer is opened the engine answers; it is refused, marked, and not tried again', async () => {
  await withHostileFolder(CHECKPOINT, BACKTRACKS, async folder => {
    const { client, engine, close } = await openTestEngine()
    try {
      let [threads, running] = [0, 0]
      const count = (thread: Worker) => {
        threads++
        running++
        thread.once('exit', () => running--)
      }
      process.on('worker', count)
      /** How often the engine answers while a thread tries the tokenizer. */
      const answersWhileAdding = async () => {
        let answers = 0
        let isOpen = true
        const adding = client
          .call('models.add', { folder })
          .then(
            () => null,
            thrown => toStatePackError(thrown).code,
          )
          .finally(() => {
            isOpen = false
          })
        while (isOpen) {
          await client.call('engine.status', {})
          await setImmediate()
          if (running > 0) answers++
        }
        expect(await adding).toBe('E_TOKENIZER')
        return answers
      }
      // A trial takes seconds: an event loop that stood still meanwhile would give one answer or two.
      expect(await answersWhileAdding()).toBeGreaterThan(10)
      expect(threads).toBeGreaterThan(0)
      threads = 0
      await answersWhileAdding()
      expect(threads).toBe(0)
      process.off('worker', count)
      const marks = await readFile(join(engine.state.folders.data, 'digests', 'tried-tokenizers.json'), 'utf8')
      expect(marks).toContain('does not load')
    } finally {
      await close()
    }
  })
})

test('a text that the trial did not think of holds the engine for a moment, and once', async () => {
  await withHostileFolder(CHECKPOINT, splitBy('([xy]+)+!|\\s|.'), async folder => {
    const { tokenizer } = await openModel(folder)
    const work = () => {
      const before = process.cpuUsage()
      expect(() => tokenizer?.encode(`${'x'.repeat(60)}?`)).toThrow(/does not come to an end on this text/)
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1e6
    }
    expect(work()).toBeLessThan(8)
    // It is known now: no text is tried any more.
    expect(work()).toBeLessThan(0.4)
    expect(() => tokenizer?.encode('goat')).toThrow(/does not come to an end/)
  })
})

test('cancelling ends a trial and leaves no verdict', async () => {
  await withHostileFolder(CHECKPOINT, BACKTRACKS_TOO, async folder => {
    const cancelling = new AbortController()
    process.once('worker', thread => thread.once('online', () => cancelling.abort()))
    const trying = openModel(folder, { cacheFolder, signal: cancelling.signal })
    await expect(trying).rejects.toMatchObject({ code: 'E_CANCELLED' })
    await expect(readFile(join(cacheFolder, 'tried-tokenizers.json'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

test('one that opens is tried once; an error of its files is said each time', async () => {
  await withHostileFolder(CHECKPOINT, normalizeBy({ type: 'Unheard' }), async folder => {
    for (let times = 0; times < 2; times++) {
      await expect(openModel(folder, { cacheFolder })).rejects.toMatchObject({ code: 'E_TOKENIZER' })
    }
  })
  await withHostileFolder(CHECKPOINT, normalizeBy({ type: 'NFC' }), async folder => {
    expect((await openModel(folder, { cacheFolder })).tokenizer?.encode('goat').length).toBeGreaterThan(0)
    expect(Object.values(JSON.parse(await readFile(join(cacheFolder, 'tried-tokenizers.json'), 'utf8')))).toEqual([
      'loads',
    ])
  })
})
