/** What Prometheus reads; the names mirror vLLM's, so its dashboards need only another prefix. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { EngineHealth } from '../engineProcess/supervisor.ts'

export interface ApiMetrics {
  readonly contentType: string
  text(): Promise<string>
  answered(route: string, status: number, seconds: number): void
  count(tokens: { prompt: number; cached: number; generated: number }): void
}

export function createApiMetrics(health: () => EngineHealth): ApiMetrics {
  const registry = new Registry()
  const registers = [registry]
  const counter = (name: string, help: string) => new Counter({ name: `statepack:${name}`, help, registers })
  const queries = counter('prefix_cache_queries_total', 'Prompt tokens looked for in known states.')
  const hits = counter('prefix_cache_hits_total', 'Prompt tokens that known states spared.')
  const prompt = counter('prompt_tokens_total', 'Prompt tokens of all requests, read or spared.')
  const generated = counter('generation_tokens_total', 'Tokens generated.')
  const requests = new Counter({
    name: 'statepack:request_success_total',
    help: 'Requests answered, by route and status.',
    labelNames: ['route', 'status'],
    registers,
  })
  const latency = new Histogram({
    name: 'statepack:e2e_request_latency_seconds',
    help: 'From the head of a request to the end of its answer.',
    labelNames: ['route'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    registers,
  })
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `statepack:${name}`,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  gauge('num_requests_running', 'Calls that the engine works on.', () => health().inFlight)
  gauge('num_requests_waiting', 'Calls that wait for the engine.', () => health().waiting)
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    answered(route, status, seconds) {
      requests.inc({ route, status })
      latency.observe({ route }, seconds)
    },
    count(tokens) {
      queries.inc(tokens.prompt)
      prompt.inc(tokens.prompt)
      hits.inc(tokens.cached)
      generated.inc(tokens.generated)
    },
  }
}
