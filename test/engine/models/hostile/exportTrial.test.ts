import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requireLoadable } from '#engine/inference/exportTrial.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { EXPORT, endlessSlice, withHostileFolder } from './hostileFolder.ts'

let cacheFolder: string
beforeAll(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'statepack-trial-'))
})
afterAll(() => rm(cacheFolder, { recursive: true, force: true }))

const limits = { bytes: 600 << 20, ms: 60_000 }

describe.runIf(process.platform === 'linux')('an export is loaded once where it can be ended', () => {
  test('one that takes all memory is refused, and remembered', async () => {
    await withHostileFolder(EXPORT, endlessSlice, async folder => {
      const model = await openModel(folder)
      const trying = requireLoadable(model, { cacheFolder, limits })
      await expect(trying).rejects.toMatchObject({ code: 'E_MODEL_WEIGHTS' })
      const again = requireLoadable(model, { cacheFolder, limits: { bytes: 0, ms: 0 } })
      await expect(again).rejects.toMatchObject({ code: 'E_MODEL_WEIGHTS' })
      expect(await readFile(join(cacheFolder, 'tried-exports.json'), 'utf8')).toContain('does not load')
    })
  })

  test('one that loads is tried once; cancelling ends a trial and leaves no verdict', async () => {
    const model = await openModel(resolve(EXPORT))
    const cancelling = new AbortController()
    const cancelOnceItRuns = (message: unknown) =>
      (message as { process: ChildProcess }).process.once('spawn', () => cancelling.abort())
    subscribe('child_process', cancelOnceItRuns)
    const trying = requireLoadable(model, { cacheFolder, signal: cancelling.signal, limits })
    await expect(trying).rejects.toMatchObject({ code: 'E_CANCELLED' })
    unsubscribe('child_process', cancelOnceItRuns)
    await requireLoadable(model, { cacheFolder, limits })
    await requireLoadable(model, { cacheFolder, limits: { bytes: 0, ms: 0 } })
  })
})
