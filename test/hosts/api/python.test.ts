import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from './startTestApi.ts'

const python = process.env.PYTHON ?? 'python3'
const missing =
  spawnSync(python, ['-c', 'import openai']).status === 0 ? '' : ' (skipped: Python has no package openai)'

const PROGRAM = `
import json, sys
import openai
from openai import OpenAI
client = OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
messages = [{"role": "user", "content": "Who pays?"}]
chat = client.chat.completions.create(model="starter-transformer", messages=messages, max_completion_tokens=6)
pieces = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(
    model="starter-transformer", messages=messages, max_completion_tokens=6, stream=True)]
first = client.responses.create(model="starter-transformer", input="Who pays?", max_output_tokens=6)
second = client.responses.create(model="starter-transformer", input="And then?", max_output_tokens=6, previous_response_id=first.id)
# What was answered is sent back as it is dumped, with every field that has no value.
again = client.chat.completions.create(model="starter-transformer", max_completion_tokens=6,
    messages=messages + [chat.choices[0].message.model_dump(), {"role": "user", "content": "And then?"}])
items = [{"role": "user", "content": "Who pays?"}] + [item.model_dump() for item in first.output]
whole = client.responses.create(model="starter-transformer", max_output_tokens=6,
    input=items + [{"role": "user", "content": "And then?"}])
kept = client.responses.retrieve(first.id)
asked = [item.content[0].text for item in client.responses.input_items.list(second.id)]
client.responses.delete(first.id)
try:
    client.responses.retrieve(first.id)
    gone = False
except openai.NotFoundError:
    gone = True
print(json.dumps({"chat": chat.choices[0].message.content, "streamed": "".join(pieces),
    "cached": second.usage.input_tokens_details.cached_tokens, "again": again.choices[0].message.content,
    "second": second.output_text, "whole": whole.output_text, "same": kept == first, "apart": whole.id != second.id and whole.model_extra["state"] == second.model_extra["state"], "asked": asked, "gone": gone,
    "left": client.responses.retrieve(second.id) == second}))
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
    expect([said.whole, said.again]).toEqual([said.second, said.second])
    expect(said).toMatchObject({ same: true, apart: true, asked: ['And then?'], gone: true, left: true })
  })
})
