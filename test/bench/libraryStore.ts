/** A store of many real cartridges with tiny states, made quickly: nothing waits for the disk while it is filled. */
import { join } from 'node:path'
import { openRuntime } from '#engine/inference/runtime.ts'
import { openModel } from '#engine/models/sources/openModel.ts'
import { assemble } from '#engine/packets/assemble.ts'
import { describePacket } from '#engine/packets/describePacket.ts'
import type { Fs } from '#engine/store/fs.ts'
import { inParallel } from '#engine/store/inParallel.ts'
import { nodeFs } from '#engine/store/nodeFs.ts'
import { openStore } from '#engine/store/openStore.ts'
import { ROOT } from './benchEngine.ts'

const SUBJECTS = [
  'contract',
  'handbook',
  'station',
  'coffee',
  'garden',
  'ledger',
  'voyage',
  'clinic',
  'archive',
  'school',
]

/** The disk without its flushes. */
const unsynced: Fs = {
  ...nodeFs,
  async open(path, mode) {
    const file = await nodeFs.open(path, mode)
    return {
      write: bytes => file.write(bytes),
      writeNow: bytes => file.writeNow(bytes),
      writeAt: (position, pieces) => file.writeAt(position, pieces),
      cut: size => file.cut(size),
      read: (position, length) => file.read(position, length),
      size: () => file.size(),
      sync: async () => {},
      close: () => file.close(),
    }
  },
  syncFolder: async () => {},
}

/** Each of another text, half of each starter model, a tag on every third. */
export async function fillLibrary(storeFolder: string, count: number): Promise<void> {
  const store = await openStore(storeFolder, { describe: describePacket, fs: unsynced })
  store.library.connection.pragma('synchronous = OFF')
  try {
    for (const [share, id] of ['starter-transformer', 'starter-mamba'].entries()) {
      const model = await openModel(join(ROOT, 'assets', 'models', id))
      await using _ = { [Symbol.asyncDispose]: () => runtime.dispose() }
      const runtime = await openRuntime(model, { device: 'cpu' })
      using session = runtime.newSession()
      const tokens = Int32Array.from({ length: 8 }, (_, at) => 300 + at)
      const logits = await session.append(tokens, { logits: 'last' })
      const snapshot = await session.capture()
      const numbers = Array.from({ length: Math.ceil((count - share) / 2) }, (_, n) => share + 2 * n)
      await inParallel(numbers, 16, async i => {
        const subject = SUBJECTS[i % SUBJECTS.length] ?? ''
        const name = `The ${subject} papers ${i}`
        const text = `Fact ${i} of the ${subject} is ${(i * 7919) % 10_007}.`
        const assembled = await assemble({
          ...{ model, tokens, snapshot, logits, origin: { kind: 'tokens' }, dtype: 'float32', loss: null },
          // The tail makes each a context of its own.
          tail: text,
          segments: [{ kind: 'text', start: 0, end: tokens.length }],
          promptMeta: { spans: [], controlTokensInText: 0 },
          sources: [{ name, bytes: new TextEncoder().encode(text) }],
          recipe: { steps: [{ do: 'read', source: 0 }], systemPrompt: null, template: false },
          card: `# ${name}\n\nWhat the ${subject} says about item ${i}.\n\n## Questions it answers\n\n- What is fact ${i}?\n`,
          parents: [],
        })
        const { packetId } = await store.publishPacket({
          ...{ config: assembled.configBlob, layers: assembled.layers, names: [name] },
        })
        if (i % 3 === 0) store.library.packets.setTags(packetId, [subject])
      })
    }
  } finally {
    await store.close()
  }
}
