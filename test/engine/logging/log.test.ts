import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openLog } from '#engine/logging/openLog.ts'
import { turningFile } from '#engine/logging/turningFile.ts'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { openTestEngine } from '../testEngine.ts'

const CANARY = 'zanzibarquokka'
const folder = mkdtempSync(join(tmpdir(), 'statepack-log-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const linesOf = (name: string) =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)

describe('the log', () => {
  it('says what happened and never what about, at the most talkative level', async () => {
    const log = openLog(folder, 'engine', 'debug')
    const { engine, close } = await openTestEngine({ log })
    const { call } = dispatch(engine.handlers, log)
    const made = await call('packets.create', {
      ...{ model: 'starter-transformer', name: CANARY, card: CANARY, systemPrompt: CANARY },
      sources: [{ name: CANARY, text: `The word is ${CANARY}.\n` }],
    })
    expect(made).toMatchObject({ ok: true })
    await call('ask.ask', { ref: CANARY, question: `Is it ${CANARY}?`, maxNewTokens: 2 })
    for (const [method, input] of [
      ['packets.inspect', { ref: CANARY.repeat(3) }],
      ['packets.create', { model: CANARY, sources: [{ name: CANARY, text: CANARY }] }],
      ['packets.merge', { ref: CANARY, delta: CANARY, name: CANARY, nonsense: CANARY }],
      [CANARY, { CANARY }],
      ['library.list', { query: CANARY }],
    ] as const)
      await call(method, input)
    const broken = dispatch(
      {
        'savings.reset': async () => {
          throw new TypeError(`cannot read ${CANARY}`)
        },
      },
      log,
    )
    await broken.call('savings.reset', {})
    await close()
    const lines = linesOf('engine.log')
    expect(JSON.stringify(lines)).not.toContain(CANARY)
    expect(lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['opened', 'recorded', 'answered', 'refused', 'unexpected', 'closed']),
    )
    expect(lines.filter(({ msg }) => msg === 'recorded').map(({ op }) => op)).toEqual(['create', 'infer'])
    expect(lines.find(({ msg }) => msg === 'refused')).toMatchObject({ code: expect.stringMatching(/^E_/) })
    expect(lines.find(({ msg }) => msg === 'unexpected')).toMatchObject({
      code: 'E_INTERNAL',
      at: expect.arrayContaining([expect.stringMatching(/^at .*log\.test\.ts/)]),
    })
  })

  it('keeps to its level, and is its owner’s alone', () => {
    const log = openLog(folder, 'quiet', 'warn')
    log.info('opened')
    log.warn('engine', { state: 'restarting' })
    log.failed('not metered', new StatePackError('E_DISK_FULL', CANARY))
    expect(linesOf('quiet.log').map(({ msg, code }) => [msg, code])).toEqual([
      ['engine', undefined],
      ['not metered', 'E_DISK_FULL'],
    ])
    if (process.platform !== 'win32') expect(statSync(join(folder, 'quiet.log')).mode & 0o777).toBe(0o600)
  })

  it('turns over and keeps three, and a place that cannot be written to fails nothing', () => {
    const file = turningFile(join(folder, 'turning.log'), 100)
    for (let i = 0; i < 100; i++) file.write(`line number ${i}\n`)
    const kept = readdirSync(folder).filter(name => name.startsWith('turning.log'))
    expect(kept.sort()).toEqual(['turning.log', 'turning.log.1', 'turning.log.2', 'turning.log.3'])
    expect(readFileSync(join(folder, 'turning.log'), 'utf8')).toMatch(/line number 99\n$/)
    for (const name of kept) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100)
    turningFile(join(folder, 'no', 'such', 'folder.log')).write('lost\n')
    openLog(join(folder, 'quiet.log', 'x'), 'lost', 'debug').info('opened')
    expect(readdirSync(folder)).not.toContain('lost.log')
  })
})
