import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startApiServer } from '#hosts/api/apiServer.ts'
import { forkEngine } from '#hosts/engineProcess/engineChild.ts'
import { superviseEngine } from '#hosts/engineProcess/supervisor.ts'
import { ASSETS } from '../../engine/testEngine.ts'

const ENTRY = join(import.meta.dirname, '..', '..', '..', 'electron', 'hosts', 'engineProcess', 'main.ts')

describe('a full queue', () => {
  it('refuses with 429 and Retry-After, while health is answered at once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'statepack-api-'))
    const supervisor = superviseEngine({
      start: () => forkEngine(ENTRY),
      engine: { storeFolder: join(folder, 'store'), dataFolder: folder, modelFolders: [], assetsFolder: ASSETS },
      maxInFlight: 1,
      maxWaiting: 2,
    })
    const api = await startApiServer({ transport: supervisor, health: () => supervisor.health() })
    const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ base_text: 'The lease runs for ten years.', model: 'starter-transformer' })
    // The engine is still being started: all of them wait.
    const answers = Array.from({ length: 6 }, () => fetch(`${api.address}/states`, { method: 'POST', headers, body }))
    const refused = await Promise.race(answers)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('1')
    const health = await (await fetch(`${api.address}/health`)).json()
    expect(health).toMatchObject({ requests_waiting_limit: 2 })
    expect(health.requests_waiting).toBeLessThanOrEqual(2)
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.filter(status => status === 200).length).toBeGreaterThan(0)
    expect(statuses.every(status => status === 200 || status === 429)).toBe(true)
    await api.close()
    await supervisor.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  it('answers every /health while 200 requests wait', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'statepack-api-'))
    const supervisor = superviseEngine({
      start: () => forkEngine(ENTRY),
      engine: { storeFolder: join(folder, 'store'), dataFolder: folder, modelFolders: [], assetsFolder: ASSETS },
      // However fast it is, none of them is begun.
      maxInFlight: 0,
    })
    const api = await startApiServer({ transport: supervisor, health: () => supervisor.health() })
    const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ base_text: 'The lease runs for ten years.', model: 'starter-transformer' })
    const stop = new AbortController()
    let settled = 0
    const asked = Array.from({ length: 200 }, () =>
      fetch(`${api.address}/states`, { method: 'POST', headers, body, signal: stop.signal })
        .catch(() => {})
        .finally(() => settled++),
    )
    const health = () => fetch(`${api.address}/health`).then(response => response.json())
    await expect.poll(async () => (await health()).requests_waiting).toBeGreaterThanOrEqual(200)
    const answers = await Promise.all(Array.from({ length: 100 }, health))
    expect(settled).toBe(0)
    expect(Math.min(...answers.map(({ requests_waiting }) => requests_waiting))).toBeGreaterThanOrEqual(200)
    stop.abort()
    await Promise.all(asked)
    // The one that is left asks how many states there are, for health itself.
    await expect.poll(() => supervisor.health().waiting).toBeLessThan(2)
    await api.close()
    await supervisor.dispose()
    await rm(folder, { recursive: true, force: true })
  })
})
