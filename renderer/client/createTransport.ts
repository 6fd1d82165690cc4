/** How this window reaches the engine, decided once at start: Electron's bridge when there is one, else HTTP. */
import { createHttpTransport } from '#shared/rpc/httpTransport.ts'
import type { Transport } from '#shared/rpc/transport.ts'
import { findBridge } from './bridge.ts'
import { createBridgeTransport } from './bridgeTransport.ts'
import { takeSessionToken } from './sessionToken.ts'

/** Without a token the host refuses the first call with `E_UNAUTHORIZED` and says what to do. */
export function createTransport(): Transport {
  const bridge = findBridge()
  if (bridge !== null) return createBridgeTransport(bridge)
  return createHttpTransport({ origin: location.origin, token: takeSessionToken() ?? '' })
}
