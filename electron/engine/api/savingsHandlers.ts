import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDigest } from '#shared/domain/digest.ts'
import { changedPrices, DEFAULT_PRICES, type PriceList, priceListSchema } from '#shared/domain/prices.ts'
import { tokenUse } from '#shared/domain/receipt.ts'
import type { Input, Output } from '#shared/rpc/client.ts'
import type { CallContext, Handlers } from '#shared/rpc/contract.ts'
import { canonicalBytes } from '../canonicalJson.ts'
import { tokenizerOf } from '../packets/composeText.ts'
import { receiptEnvironment } from '../packets/context.ts'
import { runAgentLoop } from '../savings/agentLoop.ts'
import { AGENT_LOOP } from '../savings/loopTexts.ts'
import { runProviderBenchmark } from '../savings/providerBenchmark.ts'
import { openStateDisk } from '../savings/stateDisk.ts'
import { sha256 } from '../sha256.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `savings.${string}`>

const PRICES = 'app.prices'
const PROVIDER_KEY = 'provider-key'

export function savingsHandlers(state: EngineState): Pick<Handlers, Owned> {
  const { settings, packets } = state.store.library
  const prices = (): PriceList => priceListSchema.safeParse(settings.get(PRICES)).data ?? DEFAULT_PRICES
  const providerKey = () => ({ saved: state.secrets.get(PROVIDER_KEY) !== null, where: state.secrets.where })
  return {
    'savings.summary': async ({ period }) => {
      const label = (id: string) => packets.names.of(parseDigest(id))[0] ?? `${id.slice(0, 19)}…`
      return state.savings.summary({ period, labels: label })
    },
    'savings.series': async options => ({ points: state.savings.series(options) }),
    'savings.export': async ({ format }) => {
      const { fileName, bytes } = state.savings.export(format)
      return { fileName, bytes: new Uint8Array(bytes) }
    },
    'savings.reset': async () => {
      const removed = state.savings.reset()
      state.emit('savings.changed', {})
      return removed
    },
    'savings.agentLoop': (input, call) => agentLoop(state, input, call),
    'savings.providerKey': async () => providerKey(),
    'savings.setProviderKey': async ({ apiKey }) => {
      if (apiKey === null) state.secrets.remove(PROVIDER_KEY)
      else state.secrets.set(PROVIDER_KEY, apiKey)
      state.emit('settings.changed', {})
      return providerKey()
    },
    'savings.providerBenchmark': async (input, call) => {
      const apiKey = input.apiKey ?? state.secrets.get(PROVIDER_KEY) ?? ''
      const { modes, stoppedByCap, variesByRun, spentUsd } = await runProviderBenchmark({
        ...input,
        apiKey,
        signal: call.signal,
        onStep: ({ mode, step, inputTokens, cachedTokens, outputTokens, usd, seconds }) =>
          call.progress({
            phase: mode,
            done: step,
            total: input.steps,
            unit: 'items',
            sample: { step, inputTokens, cachedTokens, outputTokens, usd, seconds },
          }),
      })
      return {
        modes: modes.map(({ mode, inputTokens, cachedTokens, outputTokens, usd, seconds, steps }) => ({
          ...{ mode, inputTokens, cachedTokens, outputTokens, usd, seconds, steps },
        })),
        stoppedByCap,
        variesByRun,
        spentUsd,
      }
    },
    'savings.prices': async () => prices(),
    'savings.setPrices': async ({ prices: edited }) => {
      const next = changedPrices(prices(), edited)
      settings.set(PRICES, next)
      state.emit('settings.changed', {})
      return next
    },
  }
}

/** Runs the agent loop on an installed model and leaves a receipt of it. */
async function agentLoop(
  state: EngineState,
  {
    model: id,
    steps,
    variant,
    ...texts
  }: Input<'savings.agentLoop'> & { steps: number; variant: 'state-pack' | 'honest' },
  call: CallContext,
): Promise<Output<'savings.agentLoop'>> {
  const { model, runtime } = await state.models.load(id, call.signal)
  const folder = await mkdtemp(join(state.store.parts.layout.tmp, 'agent-loop-'))
  try {
    const loop = { base: texts.base ?? AGENT_LOOP.base, delta: texts.delta ?? AGENT_LOOP.delta }
    const result = await runAgentLoop(
      { runtime, tokenizer: tokenizerOf(model), contextLength: model.contextLength, disk: openStateDisk(folder) },
      {
        texts: loop,
        steps,
        variant,
        signal: call.signal,
        onStep: ({ step, naiveTokens, stateTokens, naiveSeconds, stateSeconds }) =>
          call.progress({
            phase: 'running the loop',
            done: step,
            total: steps,
            unit: 'items',
            sample: { step, naiveTokens, stateTokens, naiveSeconds, stateSeconds },
          }),
      },
    )
    const receipt = await state.recorder.record({
      receipt: {
        op: 'benchmark',
        inputs: [{ role: 'texts', digest: sha256(canonicalBytes({ ...loop, steps, variant })) }],
        tokens: tokenUse({ base: 0, delta: result.tokens.naive, processed: result.tokens.state }),
        model: { ...model.fingerprint },
        environment: receiptEnvironment(runtime.environment),
        details: { variant, steps },
        observed: { seconds: result.seconds.naive + result.seconds.state, phases: { ...result.seconds } },
      },
    })
    return {
      model: id,
      variant,
      steps: result.steps.map(({ step, naiveTokens, stateTokens, naiveSeconds, stateSeconds }) => ({
        ...{ step, naiveTokens, stateTokens, naiveSeconds, stateSeconds },
      })),
      tokens: { ...result.tokens },
      seconds: { ...result.seconds },
      receiptId: receipt.receipt_id,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
