import type { Command } from 'commander'

export type Shell = 'bash' | 'zsh' | 'fish'

/** A command of the tree and what may follow it. */
interface Node {
  /** Its words from the program's name on. */
  readonly path: string
  readonly words: readonly { readonly word: string; readonly description: string }[]
  /** Values of flags that take one of a few. */
  readonly choices: readonly { readonly flag: string; readonly values: readonly string[] }[]
}

/** A script for a shell that completes commands, flags and choices, and files everywhere else. */
export function shellCompletion(program: Command, shell: Shell): string {
  const nodes = [...nodesOf(program, program.name())]
  return { bash, zsh, fish }[shell](program.name(), nodes)
}

function* nodesOf(command: Command, path: string): Generator<Node> {
  const below = command.createHelp().visibleCommands(command)
  const options = command.options.filter(option => !option.hidden && option.long !== undefined)
  yield {
    path,
    words: [
      ...below.map(child => ({ word: child.name(), description: child.description() })),
      ...options.map(option => ({ word: option.long ?? '', description: option.description })),
      ...command.registeredArguments.flatMap(({ argChoices = [] }) =>
        argChoices.map(word => ({ word, description: '' })),
      ),
    ],
    choices: options.flatMap(option =>
      option.argChoices === undefined ? [] : [{ flag: option.long ?? '', values: option.argChoices }],
    ),
  }
  for (const child of below) if (child.name() !== 'help') yield* nodesOf(child, `${path} ${child.name()}`)
}

/** `case` arms by command path, shared by bash and zsh. */
function arms(nodes: readonly Node[]): string {
  const paths = nodes.slice(1).map(({ path }) => `"${path}"`)
  return `      ${paths.join(' | ')}) at="$at $word" ;;`
}

function lists(nodes: readonly Node[]): string {
  return nodes
    .flatMap(({ path, words, choices }) => [
      ...choices.map(({ flag, values }) => `    "${path} ${flag}") list="${values.join(' ')}" ;;`),
      `    "${path} "*) list="${words.map(({ word }) => word).join(' ')}" ;;`,
    ])
    .join('\n')
}

/** Longer paths first: `case` takes the first arm that fits. */
function deepestFirst(nodes: readonly Node[]): Node[] {
  return nodes.toSorted((a, b) => b.path.length - a.path.length)
}

function bash(name: string, nodes: readonly Node[]): string {
  return `# Completion of ${name} for bash.
_${name}() {
  local at=${name} list= word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$at $word" in
${arms(nodes)}
    esac
  done
  case "$at \${COMP_WORDS[COMP_CWORD - 1]}" in
${lists(deepestFirst(nodes))}
  esac
  COMPREPLY=($(compgen -W "$list" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${name} ${name}
`
}

function zsh(name: string, nodes: readonly Node[]): string {
  return `#compdef ${name}
# Completion of ${name} for zsh.
_${name}() {
  local at=${name} list= word
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$at $word" in
${arms(nodes)}
    esac
  done
  case "$at \${words[CURRENT - 1]}" in
${lists(deepestFirst(nodes))}
  esac
  compadd -- \${=list}
  _files
}
compdef _${name} ${name}
`
}

function fish(name: string, nodes: readonly Node[]): string {
  const quote = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`
  const lines = nodes.flatMap(({ path, words, choices }) => {
    const [, ...chain] = path.split(' ')
    const below = words.filter(({ word }) => !word.startsWith('-')).map(({ word }) => word)
    const seen = chain.map(word => `__fish_seen_subcommand_from ${word}`)
    const open = below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(' ')}`]
    const when = [...seen, ...open].join('; and ')
    const start = `complete -c ${name}${when === '' ? '' : ` -n ${quote(when)}`}`
    return words.map(({ word, description }) => {
      const values = choices.find(({ flag }) => flag === word)?.values
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`
      return [
        start,
        what,
        ...(values === undefined ? [] : [`-x -a ${quote(values.join(' '))}`]),
        `-d ${quote(description)}`,
      ].join(' ')
    })
  })
  return `# Completion of ${name} for fish.\n${lines.join('\n')}\n`
}
