/** The tree of commands: all of it is described, shown by examples that parse, completed by shells, and in the documents. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EXAMPLES } from '#hosts/cli/examples.ts'
import { createProgram, leaves } from '#hosts/cli/program.ts'
import { shellCompletion } from '#hosts/cli/shellCompletion.ts'
import { ERROR_CODES } from '#shared/domain/error.ts'

const DOCS = resolve(import.meta.dirname, '../../../docs')
const program = createProgram()
const commands = [...leaves(program)]

describe('help', () => {
  it.each(commands.map(({ path, command }) => ({ path, command })))(
    '$path describes itself, its arguments and flags',
    ({ path, command }) => {
      expect(command.description(), path).not.toBe('')
      for (const { flags, description } of command.options) expect(description, `${path} ${flags}`).not.toBe('')
      for (const argument of command.registeredArguments) {
        expect(argument.description, `${path} ${argument.name()}`).not.toBe('')
      }
      expect(EXAMPLES[path]?.length, path).toBeGreaterThan(0)
    },
  )

  it('shows examples of commands and flags that exist', () => {
    for (const [path, examples] of Object.entries(EXAMPLES)) {
      for (const example of examples) {
        const found = commands.filter(command => example.startsWith(`${command.path} `) || example === command.path)
        const { command } = found.toSorted((a, b) => b.path.length - a.path.length)[0] ?? {}
        expect(found.length, `${path}: ${example}`).toBeGreaterThan(0)
        const known = command?.options.flatMap(({ long }) => (long === undefined ? [] : [long]))
        for (const [flag] of example.matchAll(/--[a-z-]+/g)) expect(known, example).toContain(flag)
      }
    }
  })

  it('and docs/verbs.md list every exit code', async () => {
    let help = ''
    program.configureOutput({ writeOut: text => (help += text) })
    program.outputHelp()
    const verbs = await readFile(join(DOCS, 'verbs.md'), 'utf8')
    for (const [code, { exit }] of Object.entries(ERROR_CODES)) {
      expect(help).toMatch(new RegExp(`\\b${exit} ${code}\\b`))
      expect(verbs).toContain(`| ${exit} | \`${code}\` |`)
    }
  })

  it('and docs/verbs.md name every command', async () => {
    const verbs = await readFile(join(DOCS, 'verbs.md'), 'utf8')
    for (const { path } of commands) expect(verbs).toContain(`\`${path}`)
  })
})

describe('completion', () => {
  /** What bash would offer for the last word. */
  function offered(words: readonly string[]): string[] {
    const script = `${shellCompletion(program, 'bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _statepack; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
      .split('\n')
      .filter(line => line !== '')
  }

  it.skipIf(spawnSync('bash', ['-c', 'type compgen']).status !== 0)('of bash knows commands, flags and choices', () => {
    expect(offered(['statepack', 'in']).toSorted()).toEqual(['infer', 'inspect'])
    expect(offered(['statepack', 'receipts', ''])).toEqual(expect.arrayContaining(['list', 'verify', 'replay']))
    expect(offered(['statepack', 'receipts', 'list', '--l'])).toEqual(['--limit'])
    expect(offered(['statepack', 'infer', '--manifest', 'x', '--persist', ''])).toEqual(['durable', 'memory'])
    expect(offered(['statepack', 'create', '--bl'])).toEqual(['--blob'])
    expect(offered(['statepack', 'completion', ''])).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
  })

  it('of every shell offers every command', () => {
    for (const shell of ['bash', 'zsh', 'fish'] as const) {
      const script = shellCompletion(program, shell)
      for (const { path } of commands) {
        expect(script, shell).toMatch(new RegExp(`\\b${path.split(' ').at(-1)}\\b`))
      }
    }
  })
})
