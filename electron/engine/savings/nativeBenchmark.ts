/**
 * State Pack's native benchmark, for any model: reading everything again against a stored state plus a delta. `restore`
 * measures the same at several lengths. Every figure is a median of real runs; cartridges come from disk, verified.
 */
import { StatePackError } from '#shared/domain/error.ts'
import { compareLogits } from '../inference/compareStates.ts'
import { tokenizerOf } from '../packets/composeText.ts'
import type { Call, PacketContext } from '../packets/context.ts'
import { createPacket } from '../packets/createPacket.ts'
import { splitDelta } from '../packets/growState.ts'
import { openState } from '../packets/openState.ts'
import { AGENT_LOOP, deltaText } from './loopTexts.ts'

export interface NativeResult {
  readonly model: string
  readonly base_tokens: number
  readonly delta_tokens: number
  readonly full_tokens: number
  readonly packet_bytes: number
  readonly seconds: {
    /** Reading base and delta from the first token. */
    readonly full: number
    /** Reading, verifying and restoring the cartridge from disk, then the delta. */
    readonly load_and_delta: number
    /** The same with the state in memory already. */
    readonly delta: number
    /** Only reading, verifying and restoring. */
    readonly load: number
  }
  readonly speedup_with_loading: number
  readonly speedup_without_loading: number
  readonly max_abs_logit_diff: number
  readonly runs: number
}

export interface NativeOptions {
  readonly model: string
  /** Tokens of the base, at most; the text is the agent loop's, repeated. */
  readonly baseTokens?: number
  readonly base?: string
  readonly delta?: string
  readonly dtype?: 'float32' | 'float16'
  readonly runs?: number
}

/** Throws what creating and restoring throw; `E_CONTEXT_LENGTH` when base and delta do not fit. */
export async function runNative(
  context: PacketContext,
  options: NativeOptions,
  call: Call = {},
): Promise<NativeResult> {
  const { runs = 5, dtype = 'float32' } = options
  const { model, runtime } = await context.models.load(options.model, call.signal)
  const tokenizer = tokenizerOf(model)
  const text = options.base ?? longText(options.baseTokens ?? 1000, part => tokenizer.encode(part).length)
  const created = await createPacket(
    context,
    { model: options.model, sources: [{ name: 'benchmark', text }], dtype },
    call,
  )
  const delta = options.delta ?? deltaText(AGENT_LOOP, 1)
  const times = { full: [] as number[], load: [] as number[], delta: [] as number[], load_and_delta: [] as number[] }
  let difference = 0
  let counts = { base: 0, delta: 0 }
  let bytes = 0
  // One more than asked for: the first run warms files and kernels and is not counted.
  for (let run = 0; run <= runs; run++) {
    if (call.signal?.aborted) throw new StatePackError('E_CANCELLED', 'Cancelled.')
    const began = performance.now()
    const base = await openState(context, created.packetId, call)
    using session = await runtime.restore(base.snapshot)
    const loaded = performance.now()
    const split = splitDelta(base, { text: delta }, 'exact')
    const added = [...split.fold, ...split.tailTokens]
    const fromState = await session.append(added)
    const answered = performance.now()
    using warm = await runtime.restore(base.snapshot)
    const startedDelta = performance.now()
    await warm.append(added)
    const endedDelta = performance.now()
    using full = runtime.newSession()
    const startedFull = performance.now()
    const fromFull = await full.append([...base.tokens, ...added])
    const endedFull = performance.now()
    difference = Math.max(difference, compareLogits(fromFull, fromState).maxAbsDiff)
    counts = { base: base.tokens.length, delta: added.length }
    bytes = base.bytesRead
    if (run === 0) continue
    times.load.push(loaded - began)
    times.load_and_delta.push(answered - began)
    times.delta.push(endedDelta - startedDelta)
    times.full.push(endedFull - startedFull)
    call.progress?.({ phase: 'measuring', done: run, total: runs, unit: 'items' })
  }
  const seconds = {
    full: median(times.full),
    load_and_delta: median(times.load_and_delta),
    delta: median(times.delta),
    load: median(times.load),
  }
  return {
    model: options.model,
    base_tokens: counts.base,
    delta_tokens: counts.delta,
    full_tokens: counts.base + counts.delta,
    packet_bytes: bytes,
    seconds,
    speedup_with_loading: seconds.full / seconds.load_and_delta,
    speedup_without_loading: seconds.full / seconds.delta,
    max_abs_logit_diff: difference,
    runs,
  }
}

/** {@link runNative} at several lengths of the base: where restoring begins to pay. */
export async function runRestore(
  context: PacketContext,
  { lengths = [64, 256, 1000, 1900], ...options }: Omit<NativeOptions, 'baseTokens'> & { lengths?: readonly number[] },
  call: Call = {},
): Promise<NativeResult[]> {
  const { model } = await context.models.load(options.model, call.signal)
  const results: NativeResult[] = []
  for (const baseTokens of lengths) {
    if (model.contextLength !== null && baseTokens + 64 > model.contextLength) continue
    results.push(await runNative(context, { ...options, baseTokens }, call))
  }
  return results
}

/** The agent loop's text, as many steps of it as fit. */
function longText(tokens: number, count: (text: string) => number): string {
  const parts = [AGENT_LOOP.base]
  let size = count(AGENT_LOOP.base)
  for (let step = 1; ; step++) {
    const part = deltaText(AGENT_LOOP, step)
    size += count(part)
    if (size > tokens) return parts.join('')
    parts.push(part)
  }
}

/** Seconds from milliseconds. */
function median(milliseconds: readonly number[]): number {
  const sorted = [...milliseconds].sort((a, b) => a - b)
  return (sorted[Math.floor(sorted.length / 2)] ?? 0) / 1000
}
