/** The `statepack` command line as a tree: what runs, what `--help` tells, and what a shell completes come from it. */
import { Command, Option } from 'commander'
import { VERSION } from '#engine/version.ts'
import { addBenchCommands } from './commands/bench.ts'
import { addCompletionCommand } from './commands/completion.ts'
import { addCreateCommand } from './commands/create.ts'
import { addDeltaCommands } from './commands/deltas.ts'
import { addDemoCommand } from './commands/demo.ts'
import { addKeyCommands } from './commands/keys.ts'
import { addLibraryCommands } from './commands/library.ts'
import { addMcpCommand } from './commands/mcp.ts'
import { addMemoryCommand } from './commands/memory.ts'
import { addModelCommands } from './commands/models.ts'
import { addPacketCommands } from './commands/packets.ts'
import { addReceiptCommands } from './commands/receipts.ts'
import { addServeCommand } from './commands/serve.ts'
import { addShareCommands } from './commands/share.ts'
import { addTransferCommands } from './commands/transfer.ts'
import { EXAMPLES } from './examples.ts'
import { exitCodes } from './exitCodes.ts'

/** The whole program, every command with its options, examples and the options that all of them take. */
export function createProgram(): Command {
  const program = new Command('statepack')
    .description('Read a text once, keep the model state as a cartridge, pay only for what is new.')
    .version(VERSION)
    .exitOverride()
    // Errors are printed once, by main.ts, in the form every other error has.
    .configureOutput({ outputError: () => {} })
    .addHelpText('after', () => examplesOf('statepack'))
    .addHelpText(
      'after',
      () => `\nErrors go to stderr as {"error":{code,message,details}}. Exit codes:\n${exitCodes()}`,
    )
  addCreateCommand(program)
  addDeltaCommands(program)
  addPacketCommands(program)
  addTransferCommands(program)
  addShareCommands(program)
  addLibraryCommands(program)
  addMemoryCommand(program)
  addReceiptCommands(program)
  addKeyCommands(program)
  addModelCommands(program)
  addDemoCommand(program)
  addBenchCommands(program)
  addServeCommand(program)
  addMcpCommand(program)
  addCompletionCommand(program)
  for (const { path, command } of leaves(program)) {
    addGlobalOptions(command)
    command.addHelpText('after', () => examplesOf(path))
  }
  return program
}

/** Every command that does something, with its words from the program's name on: `statepack receipts list`. */
export function* leaves(parent: Command, path = parent.name()): Generator<{ path: string; command: Command }> {
  for (const command of parent.commands) {
    const below = `${path} ${command.name()}`
    if (command.commands.length === 0) yield { path: below, command }
    else yield* leaves(command, below)
  }
}

/** The options every command takes, where it does not define its own. */
function addGlobalOptions(command: Command): void {
  const options = [
    new Option('--store <folder>', 'the store to work in (default: the app’s own)'),
    new Option('--model <id>', 'an installed model’s id; or a model folder or GGUF file, for this run'),
    new Option('--device <name>', 'auto, cpu, webgpu, dml, coreml or cuda'),
    new Option('--json', 'print JSON (the default where nothing else is said)'),
    new Option('--quiet', 'no progress on stderr'),
  ]
  const known = new Set(command.options.map(option => option.long))
  for (const option of options) if (!known.has(option.long)) command.addOption(option)
  command.exitOverride()
}

function examplesOf(path: string): string {
  const examples = EXAMPLES[path] ?? []
  return examples.length === 0 ? '' : `\nExamples:\n${examples.map(line => `  ${line}`).join('\n')}`
}
