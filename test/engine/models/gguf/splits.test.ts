import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openRuntime } from '#engine/inference/runtime.ts'
import { openModel } from '#engine/models/sources/openModel.ts'

it.each(['gguf-llama-q4_0', 'gguf-llama-q4_1', 'gguf-llama-q4_k', 'gguf-qwen2-q8_0'])(
  '%s: a restored state goes on bit for bit, wherever the text was cut',
  async name => {
    const convertedFolder = await mkdtemp(join(tmpdir(), 'gguf-'))
    try {
      const model = await openModel(join('test/golden/gguf', name), { convertedFolder })
      const runtime = await openRuntime(model, { device: 'cpu', threads: 2 })
      const tokens = Array.from({ length: 40 }, (_, i) => (i * 37 + 11) % model.vocabSize)
      using whole = runtime.newSession()
      const expected = await whole.append(tokens)
      for (let split = 1; split < tokens.length; split += 3) {
        using before = runtime.newSession()
        await before.append(tokens.slice(0, split), { logits: 'none' })
        using restored = await runtime.restore(await before.capture())
        expect(await restored.append(tokens.slice(split))).toEqual(expected)
      }
      await runtime.dispose()
    } finally {
      await rm(convertedFolder, { recursive: true })
    }
  },
)
