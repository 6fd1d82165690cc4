import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'
import { assemble } from '#engine/packets/assemble.ts'
import { type OpenedState, openState } from '#engine/packets/openState.ts'
import { publish } from '#engine/packets/publish.ts'
import { bundledText, openTestEngine, type TestEngine } from '../testEngine.ts'

const ROUNDS = process.env.DEEP ? 50 : 6

let honest: TestEngine
let forger: TestEngine
beforeAll(async () => {
  honest = await openTestEngine()
  forger = await openTestEngine()
})
afterAll(async () => {
  await honest.close()
  await forger.close()
})

/** A text of its own for each round: facts with other numbers. */
function textOf(round: number): string {
  const lines = Array.from(
    { length: 9 },
    (_, i) => `The code of the door ${round * 31 + i} is ${(round + 3) * 977 + i * 13}.`,
  )
  return `Facts:\n${lines.join('\n')}\n`
}

type Tamper = (mine: OpenedState, other: OpenedState) => Partial<OpenedState>

const scale = (values: Float32Array) => values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)

/** Changes one head of one layer, or one recurrent layer, by about a tenth of its largest value. */
function disturb(
  snapshot: StateSnapshot,
  change: (value: number, index: number, largest: number) => number,
): StateSnapshot {
  const apply = (values: Float32Array, from: number, to: number) => {
    const largest = scale(values)
    return values.map((value, index) => (index >= from && index < to ? change(value, index, largest) : value))
  }
  return {
    ...snapshot,
    blocks: snapshot.blocks.map((block, b) => ({
      ...block,
      layers: block.layers.map((layer, l) => {
        if (b !== 0 || l !== 1) return layer
        const head = block.tokens * layer.headDim
        return { ...layer, value: apply(layer.value, head, 2 * head) }
      }),
    })),
    recurrent: snapshot.recurrent.map((layer, l) =>
      l === 1 ? { ...layer, ssm: apply(layer.ssm, 0, layer.ssm.length / 8) } : layer,
    ),
  }
}

const tampers: Record<string, Tamper> = {
  'the state of another text': (_, other) => ({ snapshot: other.snapshot, logits: other.logits }),
  'one block or layer of another': (mine, other) => ({
    snapshot: {
      ...mine.snapshot,
      blocks: mine.snapshot.blocks.map((block, i) => (i === 0 ? (other.snapshot.blocks[0] ?? block) : block)),
      recurrent: mine.snapshot.recurrent.map((layer, i) => (i === 0 ? (other.snapshot.recurrent[0] ?? layer) : layer)),
    },
  }),
  'noise in one head': mine => ({
    snapshot: disturb(mine.snapshot, (value, index, largest) => value + Math.sin(index * 12.9898) * 0.1 * largest),
  }),
  'one head set to zero': mine => ({ snapshot: disturb(mine.snapshot, () => 0) }),
  'the logits of another text': (_, other) => ({ logits: other.logits }),
}

describe.each(['starter-transformer', 'starter-mamba'])('recomputing on %s', model => {
  it('accepts every honest cartridge, merged and answered-from ones too', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { cartridge } = await honest.client.call('packets.create', {
        model,
        sources: [{ name: `${round}`, text: textOf(round) }],
      })
      const { cartridge: merged } = await honest.client.call('packets.merge', {
        ref: cartridge.packetId,
        delta: `The owner of the door is Ada ${round}.\n`,
      })
      const { newPacketId } = await honest.client.call('packets.infer', {
        ref: merged.packetId,
        delta: '\nQuestion: Who is the owner of the door?\nAnswer:',
        keepOutput: true,
      })
      for (const ref of [cartridge.packetId, merged.packetId, newPacketId ?? '']) {
        await expect(honest.client.call('packets.verify', { ref, level: 'recomputed' })).resolves.toMatchObject({
          ok: true,
          level: 'recomputed',
        })
      }
    }
  })

  it.each(Object.entries(tampers))('refuses %s, consistently re-hashed, every time', async (_, tamper) => {
    for (let round = 0; round < Math.ceil(ROUNDS / 3); round++) {
      const open = async (text: string) => {
        const { cartridge } = await honest.client.call('packets.create', {
          model,
          sources: [{ name: 'x', text }],
          firstTokens: 100,
        })
        const state = await openState(honest.engine.state, cartridge.packetId)
        // The forger's store has none of the layers.
        return { ...state, sources: [{ name: 'x', bytes: new TextEncoder().encode(text) }] }
      }
      const [mine, other] = [await open(textOf(round)), await open(textOf(round + 1000))]
      const forged = await assemble({
        ...mine,
        model: mine.loaded.model,
        loss: null,
        // A note that makes each forgery a cartridge of its own.
        card: `${_} ${round}`,
        parents: [],
        ...tamper(mine, other),
      })
      const { packetId } = await publish(forger.engine.state, {
        assembled: forged,
        call: {},
        trust: 'trusted',
        operation: ({ packetId }) => ({ receipt: { op: 'import', packet_id: packetId } }),
      })
      await expect(forger.client.call('packets.verify', { ref: packetId })).resolves.toMatchObject({ ok: true })
      await expect(forger.client.call('packets.verify', { ref: packetId, level: 'recomputed' })).rejects.toMatchObject({
        code: 'E_NOT_RECOMPUTED',
        details: { component: expect.stringMatching(/^(cache|logits)$/) },
      })
      // One context, one packet: the next forgery of the same words must not be taken for this one.
      forger.engine.state.store.library.packets.remove([packetId], Date.now())
    }
  })
})

it('gives a sampled check its lesser badge and says how likely it would have caught a forgery', async () => {
  const { text } = await bundledText('handbook')
  const { cartridge } = await honest.client.call('packets.create', {
    model: 'starter-transformer',
    sources: [{ name: 'h', text }],
  })
  const result = await honest.client.call('packets.verify', { ref: cartridge.packetId, level: 'recomputed', sample: 2 })
  expect(result.level).toBe('sampled')
  expect(result.detectionProbability).toBeCloseTo(2 / Math.ceil(cartridge.tokens / 64))
  expect(result.tokensProcessed).toBeLessThanOrEqual(128)
})
