import type { ServerStatus } from '#shared/rpc/methods/server.ts'

/** How programs connect, as code that works as it stands. */
export interface Snippet {
  readonly id: 'curl' | 'openai' | 'langchain' | 'ai-sdk' | 'mcp'
  readonly label: string
  readonly code: string
}

export function snippets({
  address,
  token,
  model,
  cli,
}: Pick<ServerStatus, 'token' | 'cli'> & {
  readonly address: string
  readonly model: string
}): readonly Snippet[] {
  // Long enough that asking it again shows what is spared.
  const question = 'What do you know, and where did you read it? Answer in one short sentence, please.'
  const messages = `[{"role": "user", "content": "${question}"}]`
  return [
    {
      id: 'curl',
      label: 'curl',
      code: `curl ${address}/v1/chat/completions \\
  -H "Authorization: Bearer ${token}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "messages": ${messages}, "max_tokens": 32}'`,
    },
    {
      id: 'openai',
      label: 'OpenAI',
      code: `import OpenAI from 'openai'

const client = new OpenAI({ baseURL: '${address}/v1', apiKey: '${token}' })
const first = await client.responses.create({ model: '${model}', input: '${question}', max_output_tokens: 32 })
// Goes on from the state of the first answer: only the new message is read.
const next = await client.responses.create({
  model: '${model}',
  previous_response_id: first.id,
  input: 'And what do you know?',
  max_output_tokens: 32,
})
console.log(next.output_text, next.usage?.input_tokens_details.cached_tokens)`,
    },
    {
      id: 'langchain',
      label: 'LangChain',
      code: `import { ChatOpenAI } from '@langchain/openai'

const chat = new ChatOpenAI({
  model: '${model}',
  apiKey: '${token}',
  maxTokens: 32,
  configuration: { baseURL: '${address}/v1' },
})
console.log((await chat.invoke('${question}')).content)`,
    },
    {
      id: 'ai-sdk',
      label: 'AI SDK',
      code: `import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'

const statepack = createOpenAICompatible({ name: 'statepack', baseURL: '${address}/v1', apiKey: '${token}' })
const { text } = await generateText({ model: statepack('${model}'), prompt: '${question}', maxOutputTokens: 32 })
console.log(text)`,
    },
    ...(cli === null
      ? []
      : [
          {
            id: 'mcp' as const,
            label: 'MCP',
            code: JSON.stringify({ mcpServers: { statepack: { command: 'node', args: [cli, 'mcp'] } } }, null, 2),
          },
        ]),
  ]
}
