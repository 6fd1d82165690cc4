/** The `statepack` command line. JSON on stdout, progress on stderr, one exit code for each kind of error. */
import { Command, CommanderError, Option } from 'commander'
import { VERSION } from '#engine/version.ts'
import { ERROR_CODES, StatePackError } from '#shared/domain/error.ts'
import { addBenchCommands } from './commands/bench.ts'
import { addCreateCommand } from './commands/create.ts'
import { addDeltaCommands } from './commands/deltas.ts'
import { addDemoCommand } from './commands/demo.ts'
import { addLibraryCommands } from './commands/library.ts'
import { addModelCommands } from './commands/models.ts'
import { addPacketCommands } from './commands/packets.ts'
import { addReceiptCommands } from './commands/receipts.ts'
import { addServeCommand } from './commands/serve.ts'
import { addTransferCommands } from './commands/transfer.ts'
import { printError } from './run.ts'

const program = new Command('statepack')
  .description('Read a text once, keep the model state as a cartridge, pay only for what is new.')
  .version(VERSION)
  .exitOverride()
  // Errors are printed once, below, in the form every other error has.
  .configureOutput({ outputError: () => {} })
  .addHelpText(
    'after',
    `\nErrors go to stderr as {"error":{code,message,details}}. Exit codes: 0 done, ${ERROR_CODES.E_USAGE.exit} wrong usage, ` +
      `${ERROR_CODES.E_CANCELLED.exit} cancelled; each error code has its own, see the documentation.`,
  )

addCreateCommand(program)
addDeltaCommands(program)
addPacketCommands(program)
addTransferCommands(program)
addLibraryCommands(program)
addReceiptCommands(program)
addModelCommands(program)
addDemoCommand(program)
addBenchCommands(program)
addServeCommand(program)
for (const command of allCommands(program)) addGlobalOptions(command)

try {
  await program.parseAsync()
} catch (thrown) {
  if (!(thrown instanceof CommanderError)) throw thrown
  if (thrown.exitCode !== 0) {
    // Without a command the help has been printed, to stderr; that is all there is to say.
    if (thrown.code !== 'commander.help') printUsageError(thrown.message)
    process.exitCode = ERROR_CODES.E_USAGE.exit
  }
}

function printUsageError(message: string): void {
  const sentence = message.replace(/^error: /, '').replace(/\.?$/, '.')
  printError(
    new StatePackError('E_USAGE', `${sentence[0]?.toUpperCase()}${sentence.slice(1)} --help shows what there is.`),
  )
}

function* allCommands(parent: Command): Generator<Command> {
  for (const command of parent.commands) {
    if (command.commands.length === 0) yield command
    else yield* allCommands(command)
  }
}

/** The options every command takes, where it does not define its own. */
function addGlobalOptions(command: Command): void {
  const options = [
    new Option('--store <folder>', 'the store to work in (default: the app’s own)'),
    new Option('--model <id>', 'a model id, a folder or a GGUF file'),
    new Option('--device <name>', 'auto, cpu, webgpu, dml, coreml or cuda'),
    new Option('--json', 'print JSON (the default where nothing else is said)'),
    new Option('--quiet', 'no progress on stderr'),
  ]
  const known = new Set(command.options.map(option => option.long))
  for (const option of options) if (!known.has(option.long)) command.addOption(option)
  command.exitOverride()
}
