import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LeastFirst } from '#engine/inference/leastFirst.ts'

interface Thing {
  readonly worth: number
}

describe('what is worth least', () => {
  it('is what looking at all of it would find, while nothing is used', () => {
    const operations = fc.array(fc.record({ adds: fc.nat(20), takes: fc.nat(20), removes: fc.nat(3) }), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(operations, fc.infiniteStream(fc.integer({ min: 0, max: 50 })), (list, worths) => {
        const all = new Set<Thing>()
        const least = new LeastFirst<Thing>(
          () => all,
          ({ worth }) => worth,
        )
        for (const { adds, takes, removes } of list) {
          for (let i = 0; i < adds; i++) {
            const thing = { worth: worths.next().value ?? 0 }
            all.add(thing)
            least.add(thing)
          }
          for (const thing of [...all].slice(0, removes)) {
            all.delete(thing)
            least.remove(thing)
          }
          for (let i = 0; i < takes; i++) {
            const found = least.least()
            expect(found?.worth).toBe(all.size === 0 ? undefined : Math.min(...[...all].map(({ worth }) => worth)))
            if (found === null) continue
            all.delete(found)
            least.remove(found)
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  it('is not what was used since', () => {
    const all = new Set(Array.from({ length: 100 }, (_, worth) => ({ worth })))
    const least = new LeastFirst<Thing>(
      () => all,
      ({ worth }) => worth,
    )
    const first = least.least()
    expect(first?.worth).toBe(0)
    if (first !== null) least.used(first)
    expect(least.least()?.worth).toBe(1)
  })

  it('is found among 20,000 without looking at them each time', () => {
    const all = new Set<Thing>()
    let looks = 0
    const least = new LeastFirst<Thing>(
      () => all,
      ({ worth }) => {
        looks += 1
        return worth
      },
    )
    const add = (worth: number) => {
      const thing = { worth }
      all.add(thing)
      least.add(thing)
    }
    for (let i = 0; i < 20_000; i++) add(i)
    const ROUNDS = 2000
    for (let i = 0; i < ROUNDS; i++) {
      add(20_000 + i)
      const found = least.least()
      expect(found?.worth).toBe(i)
      if (found === null) break
      all.delete(found)
      least.remove(found)
    }
    expect(looks / ROUNDS).toBeLessThan(20_000 / 50)
  })
})
