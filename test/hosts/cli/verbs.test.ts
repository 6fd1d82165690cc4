/** docs/verbs.md names commands and methods: each exists, and the one it adds works. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createProgram } from '#hosts/cli/program.ts'
import { contract } from '#shared/rpc/contract.ts'
import { openHome } from './statepack.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const home = openHome()
afterAll(() => home.remove())

it('the tables name commands and methods that exist', async () => {
  const table = (await readFile(join(ROOT, 'docs', 'verbs.md'), 'utf8'))
    .split('\n')
    .filter(line => line.startsWith('| '))
  const methods =
    table
      .join('\n')
      .match(/`[a-z]+\.[a-zA-Z]+`/g)
      ?.map(name => name.slice(1, -1)) ?? []
  expect(methods.length).toBeGreaterThan(12)
  for (const method of methods) expect(Object.keys(contract)).toContain(method)
  const commands = new Set(
    table.flatMap(line => [...line.matchAll(/`statepack ([a-z-]+)/g)].map(match => match[1] ?? '')),
  )
  const known = createProgram().commands.map(command => command.name())
  expect(commands.size).toBeGreaterThan(10)
  for (const command of commands) expect(known).toContain(command)
})

it('starts again from the empty state, which knows nothing of the cartridge', async () => {
  await home.write('base.txt', 'Facts:\nThe fee of the club is 314.\n')
  await home.write('question.txt', '\nQuestion: What is the fee of the club?\nAnswer:')
  await home.ok(['create', '--base', 'base.txt', '--out', 'st', '--name', 'club'])
  const ask = (...state: string[]) =>
    home.ok([
      'infer',
      ...state,
      '--delta',
      'question.txt',
      '--store',
      'st',
      '--trace',
      '--model',
      'starter-transformer',
    ])
  const known = await ask('--manifest', 'club')
  expect(known.output.trim()).toBe('314.')
  const empty = await ask('--empty')
  expect(empty.output).not.toContain('314')
  expect(empty.tokens.base).toBe(0)
  expect((await ask('--empty')).new_context_id).toBe(empty.new_context_id)
  // What it read is kept: another process goes on from there.
  expect(empty.new_packet_id).toMatch(/^sha256:[0-9a-f]{64}$/)
  const checked = ['--manifest', empty.new_packet_id, '--level', 'recomputed', '--store', 'st']
  expect(await home.ok(['verify', ...checked])).toMatchObject({ level: 'recomputed' })
  const on = await ask('--manifest', empty.new_context_id)
  expect(on).toMatchObject({ packet_id: empty.new_packet_id })
  expect(on.tokens.base).toBeGreaterThan(0)
  const trace = await home.ok(['receipts', 'trace', known.receipt_id, '--store', 'st'])
  expect(trace.readBits).toBeGreaterThan(0)
  const both = await home.run(['infer', '--empty', '--manifest', 'club', '--delta', 'question.txt', '--store', 'st'])
  expect(both.error().code).toBe('E_USAGE')
})
