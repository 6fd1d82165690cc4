import { parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { type ReceiptOp, receiptOpSchema } from '#shared/domain/receipt.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import type { ReceiptView } from '#shared/rpc/methods/views.ts'
import { readTrace } from '../packets/logitsTrace.ts'
import { replayReceipt } from '../packets/replayReceipt.ts'
import { stateNames } from '../packets/stateNames.ts'
import { listViews } from '../receipts/listViews.ts'
import { receiptView } from '../receipts/receiptView.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `receipts.${string}`>

export function receiptHandlers(state: EngineState): Pick<Handlers, Owned> {
  const { receipts } = state
  return {
    'receipts.list': async ({ op, packetId, ...page }) => {
      const listed = await listViews(receipts, {
        ...page,
        ...(op === undefined ? {} : { ops: [parseOp(op)] }),
        ...(packetId === undefined ? {} : { about: parseDigest(packetId) }),
      })
      return { ...listed, names: namesIn(state, listed.receipts) }
    },
    'receipts.get': async ({ id }) => {
      const receipt = await receipts.get(id)
      const { receipt_id: _, keyid, ...statement } = receipt
      const view = receiptView(receipt)
      return {
        receipt: view,
        name: view.packet_id === null ? null : (namesIn(state, [view])[view.packet_id] ?? null),
        statement,
        inclusion: await receipts.proveInclusion(receipt.seq),
        keyId: keyid,
        traced: receipt.generation?.trace_sha256 != null,
      }
    },
    'receipts.verify': async ({ checkpoint }, call) => {
      const started = performance.now()
      const total = receipts.count
      const report = await receipts.verify({
        checkpoint,
        signal: call.signal,
        onProgress: done => call.progress({ phase: 'verifying', done, total, unit: 'items' }),
      })
      return {
        ok: report.ok,
        count: report.count,
        verified: report.break === null ? report.count : Math.min(report.break.index, report.count),
        rootHash: report.root,
        problem: report.break === null ? null : { index: report.break.index, reason: report.break.message },
        checkpoint: report.ok && report.count > 0 ? await receipts.checkpoint() : '',
        seconds: (performance.now() - started) / 1000,
      }
    },
    'receipts.begin': async () => {
      const { receipt, aside } = await receipts.startNew()
      state.emit('receipts.appended', { receiptId: receipt.receipt_id, op: receipt.op })
      return { receipt: receiptView(receipt), aside }
    },
    'receipts.export': async () => {
      const chunks: Uint8Array[] = []
      for await (const chunk of receipts.export()) chunks.push(chunk)
      return { fileName: 'receipts.jsonl', bytes: new Uint8Array(Buffer.concat(chunks)) }
    },
    'receipts.trace': ({ id }) => readTrace(state, id),
    'receipts.replay': ({ id }, call) => replayReceipt(state, id, call),
  }
}

/** What the states that receipts are about are called. */
function namesIn(state: EngineState, receipts: readonly ReceiptView[]): Record<string, string> {
  const nameOf = stateNames(state)
  const about = new Set(receipts.flatMap(({ packet_id }) => (packet_id === null ? [] : [parseDigest(packet_id)])))
  return Object.fromEntries(
    [...about].flatMap(packetId => {
      const name = nameOf(packetId)
      return name === null ? [] : [[packetId, name]]
    }),
  )
}

function parseOp(op: string): ReceiptOp {
  const parsed = receiptOpSchema.safeParse(op)
  if (parsed.success) return parsed.data
  throw new StatePackError('E_BAD_INPUT', `There are no receipts of "${op}".`, { op })
}
