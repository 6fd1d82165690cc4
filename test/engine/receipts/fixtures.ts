import { createHash } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDigest } from '#shared/domain/digest.ts'
import type { ReceiptDraft } from '#shared/domain/receipt.ts'
import { tokenUse } from '#shared/domain/receipt.ts'

/** A folder that is gone when the test file ends; `await using` it. */
export async function scratch() {
  const path = await mkdtemp(join(tmpdir(), 'receipts-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export async function copyOf(folder: string) {
  const place = await scratch()
  await cp(folder, place.path, { recursive: true })
  return place
}

export const digestOf = (text: string) => parseDigest(`sha256:${createHash('sha256').update(text).digest('hex')}`)

/** A complete infer receipt; `n` makes it differ. */
export function draftOf(n: number): ReceiptDraft {
  const out = digestOf(`packet ${n}`)
  return {
    op: n % 3 === 0 ? 'create' : 'infer',
    inputs: [
      { role: 'packet', digest: digestOf(`base ${n % 5}`) },
      { role: 'delta', digest: digestOf(`delta ${n}`) },
    ],
    outputs: [{ role: 'packet', digest: out }],
    packet_id: out,
    context_id: digestOf(`context ${n}`),
    base_sha256: digestOf(`base ${n % 5}`),
    delta_sha256: digestOf(`delta ${n}`),
    bytes: 57 + n,
    tokens: tokenUse({ base: 100, delta: n % 9, processed: n % 9 }),
    model: {
      name: 'starter-transformer',
      architecture: 'llama',
      configDigest: digestOf('config'),
      weightsDigest: digestOf('weights'),
      tokenizerDigest: null,
      precision: 'float32',
    },
    environment: { provider: 'cpu', runtime_version: '1.0.0', threads: 2 },
    sampling: { max_new_tokens: 4, temperature: 0, seed: null },
    generation: {
      token_count: 4,
      token_ids_sha256: digestOf(`ids ${n}`),
      logits_sha256: digestOf(`logits ${n}`),
      trace_sha256: null,
    },
    observed: { seconds: 0.25, phases: { restore: 0.1 } },
  }
}

/** Small deterministic generator (mulberry32) so that a failing case can be run again from its number. */
export function randomOf(seed: number) {
  let a = seed >>> 0
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = a
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return { next, below: (n: number) => Math.floor(next() * n) }
}
