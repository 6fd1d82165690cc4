import { HumanMessage, isAIMessage, isToolMessage, SystemMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { createReactAgent } from '@langchain/langgraph/prebuilt'
import { ChatOpenAI } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bundledText } from '../../engine/testEngine.ts'
import { startTestApi, type TestApi } from './startTestApi.ts'

const STEPS = 20
const answers = (messages: (typeof MessagesAnnotation.State)['messages']) => messages.filter(isAIMessage)

describe('an agent in LangGraph', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await startTestApi()
  })
  afterAll(() => api.close())

  it('pays its prefix once in 20 steps', async () => {
    const { text } = await bundledText('contract')
    const chat = new ChatOpenAI({
      ...{ model: 'starter-transformer', apiKey: api.api.token, maxTokens: 4, maxRetries: 0 },
      configuration: { baseURL: `${api.api.address}/v1` },
    })
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('agent', async ({ messages }) => ({ messages: [await chat.invoke(messages)] }))
      .addNode('tool', ({ messages }) => ({
        messages: [new HumanMessage(`Clause ${answers(messages).length + 1} affects notice.`)],
      }))
      .addEdge(START, 'agent')
      .addConditionalEdges('agent', ({ messages }) => (answers(messages).length < STEPS ? 'tool' : END))
      .addEdge('tool', 'agent')
      .compile()
    const begin = [new SystemMessage(text), new HumanMessage('Clause 1 affects notice.')]
    const { messages } = await graph.invoke({ messages: begin }, { recursionLimit: 3 * STEPS })
    const usage = answers(messages).map(({ usage_metadata }) => usage_metadata)
    expect(usage.length).toBe(STEPS)
    const read = usage.map(used => (used?.input_tokens ?? 0) - (used?.input_token_details?.cache_read ?? 0))
    const [first = 0, ...later] = read
    // What LangGraph sends grows with every step; what is read after the first is only what is new.
    expect(first).toBe(usage[0]?.input_tokens)
    expect(Math.max(...later)).toBeLessThan(60)
    expect(usage.at(-1)?.input_tokens).toBeGreaterThan(first + STEPS * 8)
  })

  it('acts with tools', async () => {
    const clause = tool(({ number }) => `Clause ${number} affects notice.`, {
      ...{ name: 'read_clause', description: 'Reads a clause of the contract.' },
      schema: z.object({ number: z.int().min(1).max(40) }),
    })
    const chat = new ChatOpenAI({
      ...{ model: 'starter-transformer', apiKey: api.api.token, maxTokens: 100, maxRetries: 0 },
      configuration: { baseURL: `${api.api.address}/v1` },
    })
    const read = (messages: (typeof MessagesAnnotation.State)['messages']) => messages.filter(isToolMessage).length
    const agent = createReactAgent({
      llm: ({ messages }) => chat.bindTools([clause], { tool_choice: read(messages) < 2 ? 'required' : 'none' }),
      tools: [clause],
    })
    const { messages } = await agent.invoke({ messages: [new HumanMessage('What do clauses 1 and 2 affect?')] })
    expect(messages.map(({ type }) => type)).toEqual(['human', 'ai', 'tool', 'ai', 'tool', 'ai'])
    const [first, ...later] = answers(messages).map(({ usage_metadata }) => usage_metadata)
    // What it is told of its tools, and the question, are read once.
    for (const used of later)
      expect(used?.input_token_details?.cache_read).toBeGreaterThanOrEqual((first?.input_tokens ?? 0) - 8)
    for (const message of messages.filter(isToolMessage))
      expect(message.content).toMatch(/^Clause \d+ affects notice\.$/)
  })
})
