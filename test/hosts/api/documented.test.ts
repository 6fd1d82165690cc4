/** The curl lines of docs/server.md, run by a shell as they stand. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from './startTestApi.ts'

const docs = await readFile(join(import.meta.dirname, '..', '..', '..', 'docs', 'server.md'), 'utf8')
const lines = docs.split('\n').filter(line => line.startsWith('curl '))
/** State Pack’s own forms of the same calls: other names of the fields, hashes without `sha256:`. */
const STATE_PACK = [
  `curl -s -X POST $URL/infer -H "$AUTH" -H "$JSON" -d '{"state_hash": "'\${HASH#sha256:}'", "delta": "Step 1: clause 1 affects notice.", "max_new_tokens": 4}'`,
  `curl -s -X POST $URL/merge -H "$AUTH" -H "$JSON" -d '{"state_hash": "'\${HASH#sha256:}'", "delta": "Step 2: clause 2 affects notice."}'`,
  `curl -s -X POST $URL/compact -H "$AUTH" -H "$JSON" -d '{"state_hash": "'\${HASH#sha256:}'", "deltas": ["Step 3. ", "Step 4. "]}'`,
  'curl -s $URL/health',
]

describe('curl', () => {
  let api: TestApi
  let hash = ''
  beforeAll(async () => {
    api = await startTestApi()
  })
  afterAll(() => api.close())
  const run = async (line: string) => {
    const [auth, json] = [`Authorization: Bearer ${api.api.token}`, 'Content-Type: application/json']
    const env = { ...process.env, URL: api.api.address, AUTH: auth, JSON: json, HASH: hash }
    const { stdout } = await promisify(execFile)('sh', ['-c', `${line} --silent --show-error --fail-with-body`], {
      env,
    })
    return JSON.parse(stdout)
  }

  it('has a line for each of the routes of states', () => expect(lines.length).toBe(5))

  it.each([...lines, ...STATE_PACK])('%s', async line => {
    const answer = await run(line)
    hash = answer.state_hash ?? hash
    const told = ['state_hash', 'new_state_hash', 'states_hot'].filter(field => field in answer)
    expect(told.length).toBe(1)
    if ('new_state_hash' in answer) expect(answer.new_state_hash).toMatch(/^sha256:[0-9a-f]{64}$/)
    if ('savings' in answer) expect(answer.savings.tokens).toBe(answer.tokens.saved)
    if ('steps_folded' in answer) expect(answer.steps_folded).toBeGreaterThan(0)
  })
})
