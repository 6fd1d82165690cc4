/** A process of its own that appends receipts and says each one's id once it is acknowledged. argv: log folder, keys folder, first, count. */
import { openKeys } from '#engine/receipts/keys.ts'
import { openReceiptLog } from '#engine/receipts/receiptLog.ts'
import { draftOf } from './fixtures.ts'

const [folder = '', keyFolder = '', first = '0', count = '0'] = process.argv.slice(2)
const log = await openReceiptLog(folder, { keys: await openKeys(keyFolder) })
process.stdout.write('ready\n')
for (let i = 0; i < Number(count); i += 4) {
  await Promise.all(
    [0, 1, 2, 3].map(async k => {
      const receipt = await log.append(draftOf(Number(first) + i + k))
      process.stdout.write(`${receipt.receipt_id}\n`)
    }),
  )
}
await log.close()
