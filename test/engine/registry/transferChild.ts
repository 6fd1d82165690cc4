/** A process that pushes or pulls one cartridge and is killed while it does. Arguments: folder, push or pull, the cartridge, the place. */
import { createEngine } from '#engine/createEngine.ts'
import { Incoming } from '#engine/registry/incoming.ts'
import { pullCartridge } from '#engine/registry/pullCartridge.ts'
import { pushCartridge } from '#engine/registry/pushCartridge.ts'
import { parseReference } from '#engine/registry/reference.ts'
import { engineOptions } from '../testEngine.ts'

const [folder = '', way, ref = '', place = ''] = process.argv.slice(2)
const { state, dispose } = await createEngine(engineOptions(folder))
const reference = parseReference(place)
if (way === 'push') {
  await pushCartridge(state, { ref, to: reference, tags: ['v1'], chunkBytes: 8192 }, {})
} else await pullCartridge(state, new Incoming(state.store.parts), { from: reference, trust: false }, {})
await dispose()
