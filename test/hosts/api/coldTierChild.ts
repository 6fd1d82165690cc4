/** A server's engine that makes one state, prints it, and is killed while it pushes it. Arguments: folder, place. */
import { createEngine } from '#engine/createEngine.ts'
import { bundledText, engineOptions } from '../../engine/testEngine.ts'

const [folder = '', place = ''] = process.argv.slice(2)
const { handlers } = await createEngine({ ...engineOptions(folder), coldTier: { place } })
const { text } = await bundledText('card-station')
const { cartridge } = await handlers['packets.create'](
  { model: 'starter-transformer', sources: [{ name: 'text', text }], dtype: 'float32', template: false, seam: 'exact' },
  { signal: new AbortController().signal, progress: () => {}, send: async () => {}, upload: null },
)
process.stdout.write(JSON.stringify({ state_hash: cartridge.contextId }))
await new Promise(() => setInterval(() => {}, 1000))
