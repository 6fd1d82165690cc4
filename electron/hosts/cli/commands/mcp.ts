import type { Command } from 'commander'
import { createClient } from '#shared/rpc/client.ts'
import { chooseDevice } from '../../chooseDevice.ts'
import { superviseHere } from '../../serve/superviseHere.ts'
import { askedToEnd, finish, type GlobalOptions } from '../run.ts'

/** mcp: cartridges for an assistant, over stdin and stdout, until stdin ends. */
export function addMcpCommand(program: Command): void {
  program
    .command('mcp')
    .description('give an assistant on this machine the cartridges, by the Model Context Protocol (stdio)')
    .action(async (options: GlobalOptions) => {
      await finish(async () => {
        const asked = askedToEnd()
        // Only here, since loading it takes as long as most commands.
        const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js')
        const { createMcpServer } = await import('../../mcp/mcpServer.ts')
        const supervisor = superviseHere({ store: options.store, device: chooseDevice(options.device) }, 'mcp')
        try {
          const server = createMcpServer(createClient(supervisor))
          const left = new Promise<void>(resolve => process.stdin.once('end', resolve))
          await server.connect(new StdioServerTransport())
          await Promise.race([asked, left])
          await server.close()
        } finally {
          await supervisor.dispose()
        }
      })
    })
}
