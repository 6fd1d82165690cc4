import { Argument, type Command } from 'commander'
import { type Shell, shellCompletion } from '../shellCompletion.ts'

/** completion: a script that completes commands, flags and their choices. */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and flags in your shell')
    .addArgument(new Argument('<shell>', 'the shell it is for').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\nbash and zsh: add it to ~/.bashrc or ~/.zshrc; fish: to ~/.config/fish/completions/statepack.fish.',
    )
    .action((shell: Shell) => {
      process.stdout.write(shellCompletion(program, shell))
    })
}
