/**
 * Many servers, agents and bases over one registry as their common cold tier, as a discrete-event simulation: nothing of a
 * model runs here. What a server can do in a second is measured elsewhere and given (`Rates`); the rest are assumptions that
 * `Fleet` names. Seeded: the same input gives the same result.
 *
 * A call arrives; what its server lacks of the agent's state is pulled (the base once for all who wait for it) or, where
 * nobody has it yet, read. Then it waits for its turn, one call after the other; then what is new is pushed behind the answer.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { tierKeeper } from '../replayTrace.ts'
import { EventQueue } from './eventQueue.ts'
import { zipf } from './zipf.ts'

/** Of one server. */
export interface Rates {
  /** Tokens a second. */
  readonly prefill: number
  readonly decode: number
  /** Seconds for each token of a state that is in memory, or on disk. */
  readonly restoreHot: number
  readonly restoreCold: number
  readonly bytesPerToken: number
  /** Bytes a second between a server and the registry. */
  readonly push: number
  readonly pull: number
}

export interface Fleet {
  readonly servers: number
  readonly agents: number
  readonly bases: number
  /** Exponent of the popularity of bases. */
  readonly zipf: number
  readonly baseTokens: number
  /** Tokens that a call brings, and that are generated. */
  readonly deltaTokens: number
  readonly answerTokens: number
  /** Calls after which an agent begins anew from its base. */
  readonly steps: number
  readonly callsPerAgentHour: number
  /** `sticky`: an agent is always sent to the same server. `any`: to any. */
  readonly routing: 'sticky' | 'any'
  /** Memory for states of each server. */
  readonly memoryBytes: number
  /** Bytes a second that the registry moves in all. */
  readonly registryBytesPerSecond: number
  /** `running`: agents are in the middle of their loops, and their servers' disks have their bases. `cold`: nothing has been read. */
  readonly start: 'cold' | 'running'
  /** Calls to simulate, and the share of them that comes first, warms up, and is not counted. */
  readonly calls: number
  readonly warmUp: number
  readonly seed: number
}

export interface FleetResult {
  readonly calls: number
  /** Simulated time of the counted calls. */
  readonly seconds: number
  /** Calls by where the whole of their state was found; `none`: some of it had to be read. */
  readonly found: { readonly memory: number; readonly disk: number; readonly registry: number; readonly none: number }
  /** Tokens read, generated ones not among them. */
  readonly tokensRead: number
  /** Those of them that some server had read before. */
  readonly tokensReadAgain: number
  /** What reading the whole context at each call would have read. */
  readonly tokensNaive: number
  readonly bytesPulled: number
  readonly bytesPushed: number
  /** Seconds of work, over all servers. */
  readonly busySeconds: number
  /** From a call's arrival to its end. */
  readonly latency: { readonly mean: number; readonly p50: number; readonly p99: number }
  /** Shares of what there is. */
  readonly load: { readonly compute: number; readonly registry: number }
  /** Written to the disk of a server, on average. */
  readonly diskBytesPerServer: number
  /** Calls whose agent still waited for an earlier one: not made. */
  readonly notMade: number
}

interface Call {
  at: number
  isDone: boolean
  readonly arrived: number
  readonly agent: number
  readonly server: number
  readonly read: number
  readonly restored: number
  readonly createsBase: boolean
  readonly isCounted: boolean
}

const baseKey = (base: number) => `base ${base}`
const agentKey = (agent: number) => `agent ${agent}`

export function simulateFleet(fleet: Fleet, rates: Rates): FleetResult {
  const { servers, agents, bases, baseTokens, deltaTokens, answerTokens, steps, calls } = fleet
  const { bytesPerToken } = rates
  const random = xoroshiro128plus(fleet.seed)
  const uniform = () => uniformFloat64(random)
  const pick = (count: number) => Math.min(count - 1, Math.floor(uniform() * count))
  const grows = deltaTokens + answerTokens
  const baseBytes = baseTokens * bytesPerToken

  const baseOf = new Uint32Array(agents)
  const stepOf = new Uint16Array(agents)
  const holder = new Uint32Array(agents)
  /** When the agent's own state is in the registry, and when its call ends. */
  const pushed = new Float64Array(agents)
  const isWaiting = new Uint8Array(agents)
  const popular = zipf(bases, fleet.zipf)
  const isBaseRead = new Uint8Array(bases)
  const basePushed = new Float64Array(bases).fill(Number.POSITIVE_INFINITY)
  const onDisk = new Uint8Array(servers * bases)
  for (let agent = 0; agent < agents; agent++) {
    const [base, server] = [popular(uniform()), pick(servers)]
    baseOf[agent] = base
    holder[agent] = server
    if (fleet.start === 'cold') continue
    stepOf[agent] = pick(steps)
    isBaseRead[base] = 1
    basePushed[base] = 0
    onDisk[server * bases + base] = 1
  }
  /** Bases on their way to a server, until when. */
  const coming = new Map<number, number>()
  /** What each server has in memory: a base, or all that an agent has of its own, by the product's own tier. */
  const memory = Array.from({ length: servers }, () => tierKeeper(fleet.memoryBytes))
  const free = new Float64Array(servers)
  let registryFree = 0

  const queue = new EventQueue<Call>()
  const latencies = new Float64Array(calls)
  const found = { memory: 0, disk: 0, registry: 0, none: 0 }
  const sum = { read: 0, again: 0, naive: 0, pulled: 0, pushed: 0, busy: 0, disk: 0, calls: 0, notMade: 0 }
  let made = 0
  let isCounted = false
  let countedFrom = 0
  let now = 0

  /** When so many bytes are through: the registry serves one after the other, a server's own line is a limit of its own. */
  function transfer(bytes: number, rate: number): number {
    registryFree = Math.max(registryFree, now) + bytes / fleet.registryBytesPerSecond
    return Math.max(registryFree, now + bytes / rate)
  }
  function pull(bytes: number): number {
    if (isCounted) sum.pulled += bytes
    return transfer(bytes, rates.pull)
  }

  const pieceOf = (key: string, tokens: number) => ({ key, bytes: tokens * bytesPerToken, cost: tokens })
  /** Whether it is there; then it counts as used. */
  function isInMemory(server: number, key: string, tokens: number): boolean {
    const tier = memory[server]
    if (!tier?.has(key)) return false
    tier.use(pieceOf(key, tokens))
    return true
  }

  function arrive(): void {
    const agent = pick(agents)
    if (isWaiting[agent] === 1) {
      if (isCounted) sum.notMade += 1
      return
    }
    isWaiting[agent] = 1
    const server = fleet.routing === 'sticky' ? (holder[agent] ?? 0) : pick(servers)
    const base = baseOf[agent] ?? 0
    const own = (stepOf[agent] ?? 0) * grows
    let [ready, read, again, cold, hot] = [now, 0, 0, 0, 0]
    let [isPulled, createsBase] = [false, false]

    const key = server * bases + base
    if (isInMemory(server, baseKey(base), baseTokens)) hot += baseTokens
    else if (onDisk[key] === 1) cold += baseTokens
    else if ((basePushed[base] ?? 0) <= now) {
      const arrives = coming.get(key) ?? pull(baseBytes)
      coming.set(key, arrives)
      ready = Math.max(ready, arrives)
      cold += baseTokens
      isPulled = true
    } else {
      // Somebody may be reading it elsewhere at this moment; what is not in the registry yet is nobody else's.
      createsBase = true
      if (isBaseRead[base] === 1) again += baseTokens
      isBaseRead[base] = 1
      read += baseTokens
    }
    if (own > 0) {
      if (holder[agent] === server) {
        if (isInMemory(server, agentKey(agent), own)) hot += own
        else cold += own
      } else if ((pushed[agent] ?? 0) <= now) {
        ready = Math.max(ready, pull(own * bytesPerToken))
        cold += own
        isPulled = true
        if (isCounted) sum.disk += own * bytesPerToken
      } else {
        read += own
        again += own
      }
    }
    if (isCounted) {
      found[read > 0 ? 'none' : isPulled ? 'registry' : cold > 0 ? 'disk' : 'memory'] += 1
      sum.calls += 1
      sum.read += read + deltaTokens
      sum.again += again
      sum.naive += baseTokens + own + deltaTokens
    }
    queue.push({
      ...{ at: ready, isDone: false, arrived: now, agent, server, read: read + deltaTokens, createsBase, isCounted },
      restored: hot * rates.restoreHot + cold * rates.restoreCold,
    })
    made += 1
  }

  function begin(call: Call): void {
    const work = call.restored + call.read / rates.prefill + answerTokens / rates.decode
    const start = Math.max(call.at, free[call.server] ?? 0)
    free[call.server] = start + work
    if (call.isCounted) sum.busy += work
    call.at = start + work
    call.isDone = true
    queue.push(call)
  }

  function end({ agent, server, createsBase, arrived, at, isCounted }: Call): void {
    const base = baseOf[agent] ?? 0
    const step = (stepOf[agent] ?? 0) + 1
    const key = server * bases + base
    let bytes = grows * bytesPerToken
    let isNew = bytes
    if (onDisk[key] === 0) {
      isNew += baseBytes
      onDisk[key] = 1
      coming.delete(key)
    }
    if (createsBase && basePushed[base] === Number.POSITIVE_INFINITY) bytes += baseBytes
    const through = transfer(bytes, rates.push)
    basePushed[base] = Math.min(basePushed[base] ?? 0, through)
    pushed[agent] = through
    const before = holder[agent] ?? 0
    // Its state has grown into another one, or it begins anew.
    memory[before]?.drop(agentKey(agent))
    holder[agent] = server
    stepOf[agent] = step >= steps ? 0 : step
    // Used when the call came, unless it had to be brought.
    if (!memory[server]?.has(baseKey(base))) memory[server]?.use(pieceOf(baseKey(base), baseTokens))
    if (step < steps) memory[server]?.use(pieceOf(agentKey(agent), step * grows))
    isWaiting[agent] = 0
    if (!isCounted) return
    sum.pushed += bytes
    sum.disk += isNew
    latencies[ended++] = at - arrived
  }

  let ended = 0
  const rate = (agents * fleet.callsPerAgentHour) / 3600
  let nextArrival = 0
  while (made < calls || queue.next < Number.POSITIVE_INFINITY) {
    if (made < calls && nextArrival <= queue.next) {
      now = nextArrival
      nextArrival += -Math.log(1 - uniform()) / rate
      if (!isCounted && made >= calls * fleet.warmUp) {
        isCounted = true
        countedFrom = now
      }
      arrive()
      continue
    }
    const call = queue.pop()
    if (call === undefined) break
    now = call.at
    if (call.isDone) end(call)
    else begin(call)
  }
  const seconds = Math.max(nextArrival - countedFrom, Number.MIN_VALUE)
  const sorted = latencies.subarray(0, ended).sort()
  const at = (share: number) => sorted[Math.min(ended - 1, Math.floor(share * ended))] ?? 0
  return {
    ...{ calls: sum.calls, seconds, found, notMade: sum.notMade, busySeconds: sum.busy },
    ...{ tokensRead: sum.read, tokensReadAgain: sum.again, tokensNaive: sum.naive },
    ...{ bytesPulled: sum.pulled, bytesPushed: sum.pushed, diskBytesPerServer: sum.disk / servers },
    latency: { mean: sorted.reduce((total, one) => total + one, 0) / Math.max(1, ended), p50: at(0.5), p99: at(0.99) },
    load: {
      compute: sum.busy / (servers * seconds),
      registry: (sum.pulled + sum.pushed) / (fleet.registryBytesPerSecond * seconds),
    },
  }
}
