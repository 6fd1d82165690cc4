import { type LoopbackOptions, type LoopbackServer, startLoopbackServer } from '#hosts/loopback/loopbackServer.ts'
import type { PageAsset } from '#hosts/loopback/pageAssets.ts'
import { startTestEngine, type TestEngine } from '../engineProcess/startTestEngine.ts'

const page: PageAsset = {
  bytes: new TextEncoder().encode(
    '<!doctype html><title>Studio</title><script type="module" src="/assets/app.js"></script>',
  ),
  type: 'text/html; charset=utf-8',
  immutable: false,
}
const script: PageAsset = {
  bytes: new TextEncoder().encode('document.title = "running"'),
  type: 'text/javascript; charset=utf-8',
  immutable: true,
}

export interface TestServer extends TestEngine {
  readonly server: LoopbackServer
  close(): Promise<void>
}

/** The loopback host in front of a real engine process (see childEngine.ts). */
export async function startTestServer(options: Partial<LoopbackOptions> = {}): Promise<TestServer> {
  const engine = startTestEngine()
  const { supervisor } = engine
  const server = await startLoopbackServer({
    transport: supervisor,
    health: () => supervisor.health(),
    assets: {
      find: path => (path === '/assets/app.js' ? script : path.includes('.') ? null : page),
    },
    ...options,
  })
  return {
    ...engine,
    server,
    close: async () => {
      await server.close()
      await supervisor.dispose()
    },
  }
}
