/** Loaded before a program: notes, as it ends, the most memory that it was seen to hold. */
import { appendFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'

let peak = 0
const look = () => {
  peak = Math.max(peak, process.memoryUsage.rss())
}
setInterval(look, 5).unref()
process.on('exit', () => {
  look()
  const entry = process.argv[1] ?? ''
  const note = { program: basename(dirname(entry)), peak }
  appendFileSync(process.env.STATEPACK_TEST_PEAKS ?? '', `${JSON.stringify(note)}\n`)
})
