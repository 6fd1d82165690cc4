/** The `statepack` command line. JSON on stdout, progress on stderr, one exit code for each kind of error. */
import { CommanderError } from 'commander'
import { ERROR_CODES, StatePackError } from '#shared/domain/error.ts'
import { createProgram } from './program.ts'
import { printError } from './run.ts'

try {
  await createProgram().parseAsync()
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
