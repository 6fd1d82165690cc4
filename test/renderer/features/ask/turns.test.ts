import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDigest } from '#shared/domain/digest.ts'
import { threadTo } from '#shared/domain/thread.ts'
import type { Turn } from '#shared/rpc/methods/turn.ts'
import { answersOf, continued, cumulative, timeline } from '../../../../renderer/features/ask/turns.ts'

const digest = parseDigest('0'.repeat(64))

function turn(id: string, previousId: string | null, part: Partial<Turn> = {}): Turn {
  return {
    ...{ id, conversationId: 'c', previousId, parentId: previousId, rootPacketId: digest, question: `question ${id}` },
    ...{ besideId: null, routed: null },
    ...{ delta: '', answer: '', outputTokenIds: [], stopTokenId: null, without: null, model: 'm', stateKept: true },
    ...{
      fromPacketId: digest,
      packetId: digest,
      seconds: 0,
      finishReason: 'stop',
      receiptId: '',
      traced: false,
      at: '',
    },
    tokens: { base: 7, tail: 0, delta: 3, generated: 0, processed: 3, naive: 10, saved: 7, savedPercent: 70 },
    ...part,
  }
}

/** Any forest: each turn stands below an earlier one or begins. */
const forest = fc
  .array(fc.nat(), { maxLength: 40 })
  .map(places => places.map((place, i) => turn(String(i), place % (i + 1) === i ? null : String(place % (i + 1)))))

test('the timeline shows every turn once, after the one it stands below, and never far right', () => {
  fc.assert(
    fc.property(forest, turns => {
      const entries = timeline(turns)
      expect(entries.map(entry => entry.turn.id).toSorted()).toEqual(turns.map(entry => entry.id).toSorted())
      const at = new Map(entries.map((entry, i) => [entry.turn.id, i]))
      for (const [i, { turn: shown, lane, afresh, apart }] of entries.entries()) {
        // A line leads from one to the next only where the one went on from the other.
        expect(apart).toBe(i > 0 && entries[i - 1]?.turn.id !== shown.previousId)
        expect(lane).toBeLessThanOrEqual(4)
        expect(afresh).toBe(false)
        if (shown.previousId !== null) expect(at.get(shown.previousId)).toBeLessThan(at.get(shown.id) ?? -1)
      }
    }),
  )
})

test('one that stands below others and asked the cartridge as it was is afresh', () => {
  const [first, second] = timeline([turn('a', null), turn('b', 'a', { parentId: null })])
  expect([first?.afresh, second?.afresh, second?.lane]).toEqual([false, true, 0])
  expect([first?.apart, second?.apart]).toEqual([false, true])
})

test('the thread to a turn begins at the beginning and follows what stands above', () => {
  fc.assert(
    fc.property(forest, turns => {
      for (const wanted of turns) {
        const thread = threadTo(turns, wanted.id)
        expect(thread.at(-1)).toBe(wanted)
        expect(thread[0]?.previousId).toBe(null)
        for (let i = 1; i < thread.length; i++) expect(thread[i]?.previousId).toBe(thread[i - 1]?.id)
      }
    }),
  )
})

test('turns that stand in a ring end anyway', () => {
  expect(threadTo([turn('a', 'b'), turn('b', 'a')], 'a').length).toBe(2)
})

test('a question goes on from the last turn that asked what is in the slot', () => {
  const other = parseDigest('1'.repeat(64))
  const thread = [
    turn('a', null),
    turn('b', 'a', { rootPacketId: other }),
    turn('c', 'b', { rootPacketId: null }),
    turn('d', 'c', { rootPacketId: null, model: 'another' }),
  ]
  const from = (packetId: string | null, model = 'm') => continued(thread, { packetId, model })?.id
  expect([from(digest), from(other), from(null), from(null, 'another')]).toEqual(['a', 'b', 'c', 'd'])
  expect(continued([], { packetId: null, model: 'm' })).toBeNull()
})

test('adds up what a naive loop reads and what was read', () => {
  const { tokens } = turn('a', null)
  const points = cumulative([
    { tokens: { ...tokens, naive: 110, processed: 14 } },
    { tokens: { ...tokens, naive: 130, processed: 11 } },
  ])
  expect(points).toEqual([
    { naive: 0, processed: 0 },
    { naive: 110, processed: 14 },
    { naive: 240, processed: 25 },
  ])
})

test('answers side by side follow the first in a thread, stand once in the timeline, and are gone on from', () => {
  const other = parseDigest('1'.repeat(64))
  const first = turn('a', null)
  const beside = turn('b', null, { besideId: 'a', rootPacketId: other })
  const next = turn('c', 'a')
  const turns = [first, beside, next]
  const answers = answersOf(threadTo(turns, 'c'), turns)
  expect(answers.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  expect(timeline(turns).map(({ turn: { id }, lane }) => [id, lane])).toEqual([
    ['a', 0],
    ['c', 0],
  ])
  expect(continued(answers, { packetId: other, model: 'm' })).toBe(beside)
})
