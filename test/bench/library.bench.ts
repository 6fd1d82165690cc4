/** Opening, listing, searching and filtering a library of 10,000 cartridges, then the Library in a browser: `--count N`, `--no-window`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import { createClient, type Input } from '#shared/rpc/client.ts'
import { openStudio } from '../e2e/studio.ts'
import { openBenchEngine, row } from './benchEngine.ts'
import { fillLibrary } from './libraryStore.ts'
import { median } from './median.ts'
import { countFrames, enterStudio } from './windowFrames.ts'

const { values } = parseArgs({
  options: { count: { type: 'string', default: '10000' }, window: { type: 'boolean', default: true } },
  allowNegative: true,
})
const count = Number(values.count)
const home = await mkdtemp(join(tmpdir(), 'statepack-bench-library-'))

try {
  const began = performance.now()
  await fillLibrary(join(home, 'store'), count)
  console.log(`${count} cartridges made in ${((performance.now() - began) / 1000).toFixed(1)} s`)

  const rows = []
  const opened: number[] = []
  for (let i = 0; i < 5; i++) {
    const { engine, seconds } = await openBenchEngine(home)
    opened.push(seconds * 1000)
    await engine.dispose()
  }
  rows.push(row({ what: 'open the engine on it', 'median ms': median(opened), found: count }))

  const { engine } = await openBenchEngine(home)
  const client = createClient(createInProcessTransport(dispatch(engine.handlers), createEventHub()))
  const queries: Record<string, Input<'library.list'>> = {
    'the first page': { limit: 100 },
    'a page in the middle': { limit: 100, offset: Math.floor(count / 2) },
    'sorted by name': { limit: 100, sort: 'name' },
    'search: one word of every tenth': { query: 'garden', limit: 100 },
    'search: one cartridge': { query: `papers ${count - 3}`, limit: 100 },
    'search as typed: two letters': { query: 'ga', limit: 100 },
    'filter: kind': { kind: 'ssm', limit: 100 },
    'filter: tag': { tag: 'ledger', limit: 100 },
    'filter and search': { kind: 'kv', tag: 'contract', query: 'papers', limit: 100 },
  }
  for (const [what, query] of Object.entries(queries)) {
    const times: number[] = []
    let found = 0
    for (let i = 0; i < 9; i++) {
      const start = performance.now()
      found = (await client.call('library.list', query)).total
      times.push(performance.now() - start)
    }
    rows.push(row({ what, 'median ms': median(times), found }))
  }
  await engine.dispose()
  console.table(rows)

  if (values.window) {
    const studio = await openStudio({ home })
    try {
      const { page } = studio
      await enterStudio(page)
      const opened: number[] = []
      for (let i = 0; i < 9; i++) {
        const start = performance.now()
        await page.reload()
        await page.getByRole('option').first().waitFor()
        opened.push(performance.now() - start)
      }
      const frames = await countFrames(page, '[role=listbox]', 'scroll')
      console.table([row({ 'open the Library ms': median(opened), ...frames })])
    } finally {
      await studio.close()
    }
  }
} finally {
  await rm(home, { recursive: true, force: true })
}
