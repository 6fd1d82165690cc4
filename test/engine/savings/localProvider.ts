import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Request {
  readonly authorization: string
  readonly path: string
  readonly body: {
    model: string
    max_tokens?: number
    max_completion_tokens?: number
    messages: { role: string; content: string }[]
  }
}

export type Misbehave = (request: Request, response: ServerResponse) => boolean

/**
 * An OpenAI-compatible chat server: a token is a word, the reply has `max_tokens` words (three at most), and prompts are
 * cached by word prefix from `cacheFrom` words on, as providers do.
 */
export async function startProvider({ cacheFrom = 20, misbehave }: { cacheFrom?: number; misbehave?: Misbehave } = {}) {
  const requests: Request[] = []
  const seen: string[][] = []
  const server = createServer(async (incoming, response) => {
    const body = JSON.parse(await textOf(incoming))
    const request = { authorization: incoming.headers.authorization ?? '', path: incoming.url ?? '', body }
    requests.push(request)
    if (misbehave?.(request, response)) return
    const words = body.messages.flatMap((m: { role: string; content: string }) => [
      m.role,
      ...m.content.split(/\s+/).filter(w => w !== ''),
    ])
    const common = Math.max(0, ...seen.map(earlier => commonPrefix(earlier, words)))
    seen.push(words)
    const output = Math.min(3, body.max_tokens ?? body.max_completion_tokens)
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        choices: [
          { message: { role: 'assistant', content: Array.from({ length: output }, (_, i) => `reply${i}`).join(' ') } },
        ],
        usage: {
          prompt_tokens: words.length,
          completion_tokens: output,
          prompt_tokens_details: { cached_tokens: common >= cacheFrom ? common : 0 },
        },
      }),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}/v1`,
    requests,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections()
      return new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

function commonPrefix(a: readonly string[], b: readonly string[]): number {
  let n = 0
  while (n < a.length && n < b.length && a[n] === b[n]) n++
  return n
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk
  return text
}
