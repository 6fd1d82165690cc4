import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryTier } from '#engine/inference/memoryTier.ts'
import type { MemoryHold, TierMove } from '#engine/inference/tierEntry.ts'

const entry = (label: string, bytes: number, { cost = bytes, evict = () => {} } = {}) =>
  ({ label, bytes, cost, from: 'new', below: 'cold', reason: 'a test', evict }) as const

describe('a tier of memory', () => {
  it('gives up what is worth least: seldom used, long ago, cheap to read again', () => {
    const gone: string[] = []
    const tier = new MemoryTier('warm', { budget: 300 })
    const add = (label: string, cost: number) => tier.hold(entry(label, 100, { cost, evict: () => gone.push(label) }))
    const often = add('often used', 10)
    add('dear to read', 1000)
    add('seldom used', 10)
    often.touch()
    often.touch()
    add('new', 10)
    expect(gone).toEqual(['seldom used'])
    add('newer', 30)
    expect(gone).toEqual(['seldom used', 'new'])
  })

  it('gives up more at once, of what goes next and is found on disk, up to so many bytes', () => {
    const gone: string[] = []
    const tier = new MemoryTier('warm', { budget: 1000 })
    const add = (label: string, cost: number, below: 'cold' | 'gone' = 'cold') =>
      tier.hold({ ...entry(label, 100, { cost, evict: () => gone.push(label) }), below })
    add('first', 1)
    add('second', 2)
    add('third', 3)
    add('nowhere else', 4, 'gone')
    add('fifth', 5)
    tier.giveUpMore(250, 'a test')
    expect(gone).toEqual(['first', 'second'])
    tier.giveUpMore(1000, 'a test')
    expect(gone).toEqual(['first', 'second', 'third'])
    expect(tier.bytes).toBe(200)
  })

  it('keeps what takes no room before all that does', () => {
    const gone: string[] = []
    const tier = new MemoryTier('warm', { budget: 100 })
    tier.hold(entry('empty', 0, { evict: () => gone.push('empty') }))
    for (const label of ['one', 'two', 'three']) tier.hold(entry(label, 100, { evict: () => gone.push(label) }))
    expect(gone).toEqual(['one', 'two'])
    tier.budget = 0
    expect(gone).toEqual(['one', 'two', 'three'])
    tier.hold(entry('busy', 100), { inUse: true })
    expect(gone).toEqual(['one', 'two', 'three'])
  })

  it('keeps what is in use and what is pinned, and says so', () => {
    const gone: string[] = []
    const tier = new MemoryTier('hot', { budget: 100 })
    const busy = tier.hold(entry('busy', 80, { evict: () => gone.push('busy') }), { inUse: true })
    tier.hold(entry('pinned', 20, { evict: () => gone.push('pinned') }))
    tier.pin('pinned', true)
    tier.hold(entry('third', 10, { evict: () => gone.push('third') }))
    expect(gone).toEqual(['third'])
    expect(tier.view()).toMatchObject({ bytes: 100, inUse: 80 })
    tier.budget = 50
    busy.rest()
    expect(gone).toEqual(['third', 'busy'])
    tier.pin('pinned', false)
    tier.budget = 10
    expect(gone).toEqual(['third', 'busy', 'pinned'])
  })

  it('counts every byte once, whatever is done in whatever order, and stays within its budget when nothing is in use', () => {
    const operations = fc.array(
      fc.record({
        what: fc.constantFrom('hold', 'use', 'rest', 'touch', 'drop', 'purge', 'budget'),
        which: fc.nat(30),
        bytes: fc.integer({ min: 1, max: 400 }),
      }),
      { maxLength: 200 },
    )
    fc.assert(
      fc.property(operations, list => {
        const moves: TierMove[] = []
        const tier = new MemoryTier('warm', { budget: 1000, onMove: move => moves.push(move) })
        const alive = new Map<number, { bytes: number; hold: MemoryHold; inUse: boolean }>()
        let next = 0
        for (const { what, which, bytes } of list) {
          const [key, held] = [...alive][which % Math.max(1, alive.size)] ?? []
          if (what === 'hold') {
            const id = next++
            const made = { bytes, inUse: which % 3 === 0, hold: null as MemoryHold | null }
            // It may be given up at once, before it is known here.
            let evicted = false
            const evict = () => {
              evicted = true
              alive.delete(id)
            }
            made.hold = tier.hold(entry(`${id}`, bytes, { evict }), { inUse: made.inUse })
            if (!evicted) alive.set(id, made as never)
          } else if (what === 'purge') tier.purge()
          else if (what === 'budget') tier.budget = bytes * 4
          else if (held !== undefined && key !== undefined) {
            if (what === 'drop') alive.delete(key)
            if (what === 'use') held.inUse = true
            if (what === 'rest') held.inUse = false
            if (what === 'use') held.hold.use(`${key}`)
            else held.hold[what]()
          }
          expect(tier.bytes).toBe([...alive.values()].reduce((sum, one) => sum + one.bytes, 0))
          const inUse = [...alive.values()].reduce((sum, one) => sum + (one.inUse ? one.bytes : 0), 0)
          expect(tier.bytes).toBeLessThanOrEqual(Math.max(tier.budget, inUse))
          expect(tier.view().inUse).toBe(inUse)
        }
        expect(moves.filter(({ to }) => to === 'warm')).toHaveLength(next)
      }),
      { numRuns: 200 },
    )
  })
})
