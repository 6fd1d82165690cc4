/** `measureModel.ts JSON`: one model on one device in a process of its own, so that its peak memory is its own. Prints JSON. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Provider } from '#engine/inference/device.ts'
import { openRuntime } from '#engine/inference/runtime.ts'
import type { Session } from '#engine/inference/session.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { assemble } from '#engine/packets/assemble.ts'
import { defaultDtype } from '#engine/packets/defaultDtype.ts'
import { describePacket } from '#engine/packets/describePacket.ts'
import { assertFits } from '#engine/packets/openState.ts'
import { readPacket, readSnapshot } from '#engine/packets/packet.ts'
import { openStore } from '#engine/store/openStore.ts'
import { median } from './median.ts'
import { timed } from './timed.ts'

export interface MeasureOptions {
  readonly folder: string
  readonly device: Provider
  readonly tokens: number
  /** Tokens read after a restore. */
  readonly delta: number
  readonly runs: number
  readonly threads?: number
}

const options: MeasureOptions = JSON.parse(process.argv[2] ?? '{}')
const { folder, device, tokens, delta, runs } = options

const model = await openModel(folder)
const runtime = await openRuntime(model, { device, threads: options.threads })
const loaded = { model, runtime, entry: { id: model.name, folder, starter: false, offline: false } }
const scratch = await mkdtemp(join(tmpdir(), 'statepack-bench-model-'))
const store = await openStore(join(scratch, 'store'), { describe: describePacket })
try {
  const ids = Int32Array.from({ length: tokens }, (_, at) => (at * 7919 + 11) % model.vocabSize)
  const more = (count: number) => ids.subarray(0, count)
  const warm = runtime.newSession()
  await warm.append(more(Math.min(64, tokens)))
  warm.dispose()

  using read = runtime.newSession()
  const [prefill, logits] = await timed(() => read.append(ids, { logits: 'last' }))
  const [capture, snapshot] = await timed(() => read.capture())

  const dtype = defaultDtype(model.kind)
  const assembled = await assemble({
    ...{ model, tokens: ids, snapshot, logits, dtype, origin: { kind: 'tokens' }, tail: '', loss: null },
    segments: [{ kind: 'text', start: 0, end: ids.length }],
    promptMeta: { spans: [], controlTokensInText: 0 },
    ...{ sources: [], recipe: { steps: [], systemPrompt: null, template: false }, card: '', parents: [] },
  })
  const [publish, { packetId }] = await timed(() =>
    store.publishPacket({ config: assembled.configBlob, layers: assembled.layers }),
  )

  const times = { restore: [] as number[], verified: [] as number[], delta: [] as number[], step: [] as number[] }
  const verifiedAndDelta: number[] = []
  let after: Float32Array = new Float32Array(0)
  for (let run = 0; run < runs; run++) {
    const [restore, session] = await timed(() => runtime.restore(snapshot))
    times.restore.push(restore)
    times.delta.push((await timed(() => session.append(more(delta), { logits: 'last' })))[0])
    session.dispose()
    const [verified, second] = await timed(async (): Promise<Session> => {
      const packet = await readPacket(store.blobs, packetId)
      await assertFits(store, packet, loaded)
      return runtime.restore(await readSnapshot(store.blobs, packet))
    })
    times.verified.push(verified)
    // The first append after a restore makes room for what follows: it belongs to the answer, not to the steps.
    const [answered, last] = await timed(() => second.append(more(delta), { logits: 'last' }))
    verifiedAndDelta.push(verified + answered)
    after = last
    for (let i = 0; i < 4; i++) times.step.push((await timed(() => second.append(more(1), { logits: 'last' })))[0])
    second.dispose()
  }
  process.stdout.write(
    JSON.stringify({
      'prefill tok/s': (tokens / prefill) * 1000,
      'decode step ms': median(times.step),
      'delta ms': median(times.delta),
      'capture ms': capture,
      'write ms': publish,
      'restore ms': median(times.restore),
      'verified restore ms': median(times.verified),
      'verified restore + delta ms': median(verifiedAndDelta),
      'state MB': assembled.cacheBytes / 1e6,
      'peak memory MB': process.resourceUsage().maxRSS / 1024,
      // For a comparison to show that both sides ran the same weights on the same tokens.
      'sum of logits': after.reduce((sum, logit) => sum + logit, 0),
      'likeliest id': after.indexOf(Math.max(...after)),
    }),
  )
} finally {
  await store.close()
  await runtime.dispose()
  await rm(scratch, { recursive: true, force: true })
}
