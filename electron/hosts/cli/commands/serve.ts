import type { Command } from 'commander'
import { StatePackError } from '#shared/domain/error.ts'
import { startStudio } from '../../serve/startStudio.ts'
import { finish, type GlobalOptions, print } from '../run.ts'

/** serve: the Studio's window on the loopback address, until Ctrl+C. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('serve the Studio to a browser window on this machine')
    .option('--port <n>', 'a free one by default', Number, 0)
    .action(async (options: GlobalOptions & { port: number }) => {
      await finish(async () => {
        if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65535) {
          throw new StatePackError('E_USAGE', 'That is not a port.', { port: options.port })
        }
        const studio = await startStudio({ port: options.port, store: options.store })
        print({ address: studio.server.address })
        await new Promise<void>(resolve => {
          process.once('SIGINT', resolve)
          process.once('SIGTERM', resolve)
        })
        await studio.close()
      })
    })
}
