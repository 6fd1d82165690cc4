/** `refuseLies.ts FOLDER`: opens every lie in this process of its own and prints codes and how far memory grew. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describeModel } from '#engine/models/sources/openModel.ts'
import { toErrorValue } from '#shared/domain/error.ts'
import { LIES } from './lies.ts'
import { tinyGguf } from './tinyGguf.ts'

const folder = process.argv[2] ?? ''

async function outcome(name: string, bytes: Buffer, length = bytes.length): Promise<string> {
  const path = join(folder, `${name}.gguf`)
  {
    await using file = await open(path, 'w')
    await file.write(bytes)
    await file.truncate(length)
  }
  return describeModel(path).then(
    () => 'opened',
    (error: unknown) => toErrorValue(error).code,
  )
}

const right = await outcome('right', tinyGguf())
const before = process.memoryUsage.rss()
const codes: Record<string, string> = {}
for (const { name, bytes, length } of LIES) codes[name] = await outcome(name, bytes, length)
// maxRSS is in KiB.
const grown = process.resourceUsage().maxRSS * 1024 - before
console.log(JSON.stringify({ right, codes, grown }))
