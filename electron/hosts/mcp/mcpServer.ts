/** Cartridges for an assistant on this machine, by the Model Context Protocol. */
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { VERSION } from '#engine/version.ts'
import { toErrorValue } from '#shared/domain/error.ts'
import { nameSchema } from '#shared/domain/name.ts'
import { allows } from '#shared/domain/trust.ts'
import type { Client, Output } from '#shared/rpc/client.ts'
import type { CartridgeSummary } from '#shared/rpc/methods/views.ts'

const cartridge = z.string().min(1).max(300).describe('A name, a packet_id or a context_id.')
const URI = 'statepack://cartridges/'
/** Cartridges listed at once. */
const MOST = 200

/** The server on `client`, to be connected to a transport. An imported cartridge that nobody trusts is neither asked nor read out. */
export function createMcpServer(client: Client): McpServer {
  const server = new McpServer({ name: 'state-pack-studio', version: VERSION })

  server.registerTool(
    'list_cartridges',
    {
      description: 'Texts that were read once and can be asked without reading them again.',
      inputSchema: { query: z.string().max(500).optional(), limit: z.number().int().min(1).max(MOST).optional() },
      annotations: { readOnlyHint: true },
    },
    ({ query, limit }, { signal }) =>
      result(async () => {
        const { items, total } = await client.call('library.list', { query, limit: limit ?? 50 }, { signal })
        return { total, cartridges: items.map(entryOf) }
      }),
  )
  server.registerTool(
    'ask_cartridge',
    {
      description:
        'Ask a cartridge. Only the question is read; to go on asking, give the state that came with the last answer.',
      inputSchema: {
        cartridge: cartridge.describe('A name, a packet_id, or the state of an earlier answer.'),
        question: z.string().min(1),
        max_tokens: z.number().int().min(1).max(4096).optional(),
      },
      annotations: { readOnlyHint: true },
    },
    ({ cartridge: ref, question: delta, max_tokens }, { signal }) =>
      result(async () => {
        const asked = { ref, delta, chat: true, keepOutput: true, maxNewTokens: max_tokens ?? 256 }
        const answer = await client.call('packets.infer', { ...asked, persist: 'memory' }, { signal })
        return {
          answer: answer.output.trim(),
          state: answer.newContextId,
          tokens_read: answer.tokens.processed,
          tokens_spared: answer.tokens.saved,
        }
      }),
  )
  server.registerTool(
    'create_cartridge',
    {
      description: 'Read a text once and keep the state under a name.',
      inputSchema: { text: z.string().min(1), name: nameSchema, model: z.string().optional() },
    },
    ({ text, name, model }, { signal }) =>
      result(async () => {
        const chosen = model ?? (await client.call('settings.get', {})).defaultModel
        const input = { model: chosen, sources: [{ text }], name }
        const created = await client.call('packets.create', input, { signal })
        return { ...entryOf(created.cartridge), tokens_read: created.tokensProcessed, cache_hit: created.cacheHit }
      }),
  )
  server.registerTool(
    'verify_cartridge',
    {
      description: 'Check a cartridge: its bytes, its signatures, or (recomputed) its numbers from the texts on.',
      inputSchema: { cartridge, level: z.enum(['intact', 'signed', 'recomputed']).optional() },
      annotations: { readOnlyHint: true },
    },
    ({ cartridge: ref, level }, { signal }) =>
      result(async () => {
        const { ok, level: reached, packetId, checks } = await client.call('packets.verify', { ref, level }, { signal })
        return { ok, level: reached, packet_id: packetId, failed: checks.filter(check => !check.ok) }
      }),
  )
  server.registerResource(
    'cartridge',
    new ResourceTemplate(`${URI}{id}`, {
      list: async () => {
        const { items } = await client.call('library.list', { limit: MOST })
        return {
          resources: items.map(({ packetId, name, tokens, model }) => ({
            uri: `${URI}${packetId}`,
            ...{ name, description: `${tokens} tokens, read by ${model.name}`, mimeType: 'application/json' },
          })),
        }
      },
    }),
    { description: 'What a cartridge is, and the texts it has read.' },
    async (uri, { id }) => {
      const found = await client.call('library.get', { ref: decodeURIComponent(String(id)) })
      return { contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify(contentsOf(found)) }] }
    },
  )
  return server
}

function entryOf({ name, packetId, tokens, model, trust, verified, createdAt }: CartridgeSummary) {
  return { name, packet_id: packetId, tokens, model: model.name, trust, verified, created_at: createdAt }
}

/** A stranger's texts are not handed to an assistant, which could take them for orders. */
function contentsOf({ summary, card, sources }: Output<'library.get'>) {
  if (!allows(summary.trust, 'quote'))
    return { ...entryOf(summary), note: 'Imported, and not trusted yet: its texts are shown in the Studio only.' }
  return { ...entryOf(summary), card, sources: sources.map(({ name, text }) => ({ name, text })) }
}

/** Failures are results too, so that the assistant can read what to do. */
async function result(work: () => Promise<Record<string, unknown>>): Promise<CallToolResult> {
  try {
    const structuredContent = await work()
    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent }
  } catch (thrown) {
    const { code, message } = toErrorValue(thrown)
    return { isError: true, content: [{ type: 'text', text: JSON.stringify({ error: { code, message } }) }] }
  }
}
