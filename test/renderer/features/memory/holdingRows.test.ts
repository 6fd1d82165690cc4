import { expect, it } from 'vitest'
import { holdingRows } from '../../../../renderer/features/memory/holdingRows.ts'

const tier = { bytes: 0, budget: 0, inUse: 0, pinned: 0, own: 0 }
const holding = { packetId: null, stored: true, uses: 1, pinned: false, inUse: false, reason: 'it was opened' }

it('has one row for what the tiers hold of a cartridge, with the reason of the hotter one, most bytes first', () => {
  const rows = holdingRows([
    {
      ...{ ...tier, tier: 'hot' },
      holdings: [{ ...holding, name: 'A', bytes: 5, uses: 7, reason: 'a session began' }],
    },
    {
      ...{ ...tier, tier: 'warm' },
      holdings: [
        { ...holding, name: 'B', bytes: 9 },
        { ...holding, name: 'A', bytes: 6, pinned: true },
      ],
    },
    { ...{ ...tier, tier: 'cold' }, holdings: [{ ...holding, name: 'C', bytes: 10, reason: 'it left memory' }] },
  ])
  expect(rows).toMatchObject([
    { name: 'A', hot: 5, warm: 6, uses: 7, pinned: true, reason: 'a session began' },
    { name: 'C', hot: 0, warm: 0, cold: 10, uses: 1, pinned: false, reason: 'it left memory' },
    { name: 'B', hot: 0, warm: 9, uses: 1, pinned: false, reason: 'it was opened' },
  ])
})
