import { expect, test } from 'vitest'
import { parentSchema } from '#shared/domain/cartridge.ts'
import { receiptOpSchema } from '#shared/domain/receipt.ts'
import { titleOf } from '../../../renderer/features/receipts/describeReceipt.ts'
import { operationKind, operationTitle, textName } from '../../../renderer/ui/operationWords.ts'

const OPERATIONS = [...receiptOpSchema.options, ...parentSchema.shape.op.options]

test('every operation has words, none of them its name in the format', () => {
  for (const op of OPERATIONS) {
    expect(operationKind(op)).not.toBe(op)
    expect(operationTitle(op)).not.toBe(op)
  }
})

test('appending and compacting are called so on receipts, between relatives and of texts', () => {
  expect([operationKind('merge'), operationTitle('merge'), textName('merge')]).toEqual([
    ...['Appended', 'Appended a text', 'Appended text'],
  ])
  expect(operationKind('compact')).toBe('Compacted')
  expect(textName('Lease')).toBe('Lease')
  for (const op of OPERATIONS) expect(`${operationKind(op)} ${operationTitle(op)}`).not.toMatch(/merge|fold/i)
})

test('a composition is of texts, also where none had to be read; a mix is not', () => {
  const tokens = { base: 9, delta: 0, processed: 0, saved: 9, savings_percent: 100 }
  const made = (base_sha256: string | null) => ({ op: 'remix', packet_id: 'a', base_sha256, tokens })
  expect([titleOf(made(null)), titleOf(made('sha256:text'))]).toEqual(['Mixed states', 'Composed texts'])
})
