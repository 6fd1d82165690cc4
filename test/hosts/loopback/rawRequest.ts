import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Opens a socket to the server, so that a test can send what no HTTP client would. */
export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Sends these very bytes and reads until the server closes. Status 0: it closed without an answer. */
export async function rawRequest(
  port: number,
  head: readonly string[],
  body: Uint8Array | string = '',
): Promise<RawAnswer> {
  const socket = await openSocket(port)
  const chunks: Buffer[] = []
  const done = new Promise<void>(resolve => {
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('close', () => resolve())
    socket.on('error', () => resolve())
  })
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  socket.write(body)
  await done
  const text = Buffer.concat(chunks).toString('latin1')
  const [top = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = top.split('\r\n')
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') }
}
