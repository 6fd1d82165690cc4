import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from './startTestApi.ts'

const python = process.env.PYTHON ?? 'python3'
const missing =
  spawnSync(python, ['-c', 'import openai']).status === 0 ? '' : ' (skipped: Python has no package openai)'

const PROGRAM = `
import json, sys
from openai import OpenAI
client = OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
messages = [{"role": "user", "content": "Who pays?"}]
chat = client.chat.completions.create(model="starter-transformer", messages=messages, max_completion_tokens=6)
pieces = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(
    model="starter-transformer", messages=messages, max_completion_tokens=6, stream=True)]
first = client.responses.create(model="starter-transformer", input="Who pays?", max_output_tokens=6)
second = client.responses.create(model="starter-transformer", input="And then?", max_output_tokens=6, previous_response_id=first.id)
print(json.dumps({"chat": chat.choices[0].message.content, "streamed": "".join(pieces),
    "cached": second.usage.input_tokens_details.cached_tokens}))
`

describe.skipIf(missing !== '')(`Python's openai${missing}`, () => {
  let api: TestApi
  beforeAll(async () => {
    api = await startTestApi()
  })
  afterAll(() => api.close())

  it('answers, streams, and goes on from a response', async () => {
    const args = ['-c', PROGRAM, `${api.api.address}/v1`, api.api.token]
    const { stdout } = await promisify(execFile)(python, args)
    const said = JSON.parse(stdout)
    expect(said.streamed).toBe(said.chat)
    expect(said.cached).toBeGreaterThan(0)
  })
})
