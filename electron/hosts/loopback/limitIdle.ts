import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Keeps at most `most` connections of one client that have no request under way: one more ends the one that has waited
 * longest. So a client that opens connections and says nothing takes the place of its own, and of nobody else's.
 */
export function limitIdle(server: Server, most: number): void {
  const idle = new Map<string, Set<Socket>>()

  function wait(socket: Socket): void {
    if (socket.destroyed) return
    const client = socket.remoteAddress ?? ''
    const waiting = idle.get(client) ?? new Set()
    idle.set(client, waiting.add(socket))
    const [longest] = waiting
    if (waiting.size > most && longest !== undefined) longest.destroy()
  }

  function stopWaiting(socket: Socket): void {
    for (const [client, waiting] of idle) if (waiting.delete(socket) && waiting.size === 0) idle.delete(client)
  }

  const busy = ({ socket }: IncomingMessage, answer: ServerResponse) => {
    stopWaiting(socket)
    answer.once('close', () => wait(socket))
  }
  server.on('connection', (socket: Socket) => {
    wait(socket)
    socket.once('close', () => stopWaiting(socket))
  })
  server.on('request', busy)
  server.on('checkContinue', busy)
}
