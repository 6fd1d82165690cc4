import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type GlobalOptions, runCommand } from '../run.ts'

/** models list, add, remove. */
export function addModelCommands(program: Command): void {
  const models = program.command('models').description('installed models')

  models.command('list').action(async (options: GlobalOptions) => {
    await runCommand(options, ({ client, call }) => client.call('models.list', {}, call))
  })

  models
    .command('add')
    .description('a local folder with config.json, safetensors and tokenizer files')
    .argument('<folder>')
    .action(async (folder: string, options: GlobalOptions) => {
      await runCommand(options, ({ client, call }) => client.call('models.add', { folder: resolve(folder) }, call))
    })

  models
    .command('remove')
    .argument('<id>')
    .action(async (id: string, options: GlobalOptions) => {
      await runCommand(options, ({ client, call }) => client.call('models.remove', { id }, call))
    })
}
