/** Conversations, split texts and control tokens from the command line. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openHome } from './statepack.ts'

const STARTER = resolve(import.meta.dirname, '../../../assets/models/starter-transformer')
const TEMPLATE =
  "{% for m in messages %}{{ '<|endoftext|>' + m['role'] + ': ' + m['content'] + '<|endoftext|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|endoftext|>assistant: ' }}{% endif %}"
const home = openHome()
afterAll(() => home.remove())
const named = ['--store', 'st', '--model', home.path('m')]

beforeAll(async () => {
  await cp(STARTER, home.path('m'), { recursive: true })
  const file = join(home.path('m'), 'tokenizer_config.json')
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), chat_template: TEMPLATE }))
  await home.write('doc.txt', 'The goat lives in Oslo <|endoftext|> and likes pears.\n')
  await home.write('q.txt', 'Where?\n')
})

it('asks in a conversation, with a system prompt, a stop text and a penalty', async () => {
  const made = await home.run([
    'create',
    ...named,
    '--base',
    'doc.txt',
    '--name',
    'doc',
    '--template',
    '--system',
    'Be brief.',
  ])
  expect(made.stderr).toContain('spells out a control token (<|endoftext|>): read as plain text')
  expect(made.json().notes.join()).toContain('read as plain text')
  const infer = [
    'infer',
    ...named,
    '--manifest',
    'doc',
    '--delta',
    'q.txt',
    '--max-new-tokens',
    '2',
    '--persist',
    'memory',
  ]
  const asked = await home.ok([...infer, '--chat', '--stop', 'zz', '--repetition-penalty', '1.5'])
  expect(asked.turn).toMatch(/^Where\?<\|endoftext\|>\n<\|endoftext\|>assistant: $/)
  const empty = await home.ok([
    ...['infer', ...named, '--empty', '--chat', '--system', 'Be kind.', '--delta', 'q.txt', '--max-new-tokens', '1'],
    ...['--persist', 'memory'],
  ])
  expect(empty.turn).toBe(
    '<|endoftext|>system: Be kind.<|endoftext|>\n<|endoftext|>user: Where?<|endoftext|>\n<|endoftext|>assistant: ',
  )
  const late = await home.run([...infer, '--chat', '--system', 'Too late.'])
  expect(late.error()).toMatchObject({ code: 'E_USAGE', message: expect.stringContaining('create') })
})

it('splits a long text, the system prompt in each part; a full context names the flags', async () => {
  const facts = Array.from({ length: 330 }, (_, i) => `Fact ${i}: goat ${i} lives in house ${i * 7}.`)
  await home.write('long.txt', facts.join('\n'))
  const create = ['create', ...named, '--base', 'long.txt', '--name', 'long', '--template', '--system', 'Be brief.']
  const refused = await home.run([...create, '--quiet'])
  expect(refused.error()).toMatchObject({
    code: 'E_CONTEXT_LENGTH',
    message: expect.stringMatching(/--split.*--first-tokens/),
  })
  const { parts } = await home.ok([...create, '--split', '--quiet'])
  expect(parts.length).toBeGreaterThan(1)
  const [first] = parts
  await home.write('much.txt', facts.join('\n'))
  const full = await home.run(['infer', ...named, '--manifest', first.packet_id, '--delta', 'much.txt', '--quiet'])
  expect(full.error()).toMatchObject({
    code: 'E_CONTEXT_LENGTH',
    message: expect.stringMatching(/context is full.*--delta/),
  })
})
