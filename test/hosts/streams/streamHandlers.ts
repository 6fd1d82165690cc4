/** Handlers that stream as their input says, so that the same promises can be asked of every transport. */
import { appendFileSync } from 'node:fs'
import { StatePackError } from '#shared/domain/error.ts'
import type { Handlers } from '#shared/rpc/contract.ts'
import type { Turn } from '#shared/rpc/methods/turn.ts'

const receipt = {
  ...{ receipt_id: '', operation_id: '', op: 'export', ok: true, seq: 0, prev: null, packet_id: null },
  ...{ base_sha256: null, blob_sha256: null, delta_sha256: null, bytes: null, tokens: null, at: '', seconds: 0 },
}

/** Every item of an upload is this, at its place: wrong order, a loss or a doubled item shows. */
export function part(index: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size).fill(index % 251)
  new DataView(bytes.buffer).setUint32(0, index)
  return bytes
}

export function indexOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}

const turn: Turn = {
  ...{ id: 't', conversationId: '00000000-0000-4000-8000-000000000000', previousId: null, parentId: null },
  ...{ besideId: null, routed: null },
  ...{ rootPacketId: null, question: '', delta: '', answer: '', outputTokenIds: [], stopTokenId: null, without: null },
  ...{ model: null, fromPacketId: null, packetId: null, stateKept: false, seconds: 0, finishReason: 'stop' },
  tokens: { base: 0, tail: 0, delta: 0, generated: 0, processed: 0, naive: 0, saved: 0, savedPercent: 0 },
  ...{ receiptId: '', traced: false, at: '' },
}

/** `note` is a file that says what the handlers saw: it can be read from any process. */
export function streamHandlers(note: string): Pick<Handlers, 'ask.ask' | 'packets.export' | 'packets.import'> {
  const say = (what: string) => appendFileSync(note, `${what}\n`)
  return {
    /** `question` is how many texts come. */
    'ask.ask': async ({ question }, { send }) => {
      const count = Number(question)
      for (let index = 0; index < count; index++) await send({ of: 'with', text: `${index} ` })
      return { step: turn, with: null, without: null }
    },
    /** `ref`: `COUNT SIZE`, `COUNT SIZE fail`, `COUNT SIZE crash`. */
    'packets.export': async ({ ref }, { send, signal }) => {
      const [count = '', size = '', then] = ref.split(' ')
      let bytes = 0
      try {
        for (let index = 0; index < Number(count); index++) {
          await send(part(index, Number(size)))
          bytes += Number(size)
          if (index % 8 === 7) say(`sent ${index + 1}`)
        }
        if (then === 'fail') throw new StatePackError('E_CORRUPT', 'This file is damaged.', { at: bytes })
        if (then === 'crash') process.exit(3)
        return { fileName: 'x.cartridge', bytes, receipt }
      } finally {
        say(signal.aborted ? 'cancelled' : 'over')
      }
    },
    /** `name`: `slow`, `refuse` after three items, else none. Answers by its error, what it took in its message. */
    'packets.import': async ({ name }, { upload }) => {
      let count = 0
      let bytes = 0
      try {
        for await (const item of upload ?? []) {
          if (indexOf(item) !== count)
            throw new StatePackError('E_CORRUPT', `item ${indexOf(item)} instead of ${count}`)
          count += 1
          bytes += item.byteLength
          if (count % 8 === 0) say(`took ${count}`)
          if (name === 'slow') await new Promise(resolve => setTimeout(resolve, 3))
          if (name === 'refuse' && count === 3) throw new StatePackError('E_BAD_FORMAT', 'This is no cartridge.')
        }
      } finally {
        say('upload over')
      }
      throw new StatePackError('E_CONFLICT', `${count} items, ${bytes} bytes`)
    },
  }
}
