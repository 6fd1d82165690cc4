/**
 * `node scripts/makeCatalogue.ts KEYS`: makes the catalogue that ships with the app, assets/catalogue, from the texts beside
 * this script. Each is read by the starter model that it is for, asked, and exported; what the model does not answer right is
 * not listed. KEYS is the data folder of whoever signs (made on first use): its key is no part of this repository.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createEngine, type Engine } from '#engine/createEngine.ts'
import { signCatalogue } from '#engine/share/signedCatalogue.ts'
import { dispatch } from '#hosts/dispatch/dispatch.ts'
import { createInProcessTransport } from '#hosts/dispatch/inProcessTransport.ts'
import { createEventHub } from '#hosts/eventHub.ts'
import { isAnswer } from '#shared/domain/answers.ts'
import type { CatalogueEntry } from '#shared/domain/catalogue.ts'
import { type Client, createClient } from '#shared/rpc/client.ts'

interface CatalogueText {
  readonly name: string
  readonly title: string
  readonly model: string
  readonly about: string
  readonly text: string
  readonly questions: readonly (readonly [question: string, answer: string])[]
}

const LICENCE = 'CC0-1.0'
const root = resolve(import.meta.dirname, '..')
const target = join(root, 'assets', 'catalogue')
const [keys] = process.argv.slice(2)
if (keys === undefined) throw new Error('Name the folder that keeps the key: node scripts/makeCatalogue.ts KEYS')

/** Runs `work` on an engine with an empty store. A text that a store knows is not stored again, so asking has its own. */
async function onNewStore<T>(work: (engine: Engine, client: Client) => Promise<T>): Promise<T> {
  const store = await mkdtemp(join(tmpdir(), 'statepack-catalogue-'))
  const engine = await createEngine({
    ...{ storeFolder: store, dataFolder: resolve(keys ?? ''), assetsFolder: join(root, 'assets'), modelFolders: [] },
    ...{ device: 'cpu', threads: 1, starters: false },
  })
  try {
    return await work(engine, createClient(createInProcessTransport(dispatch(engine.handlers), createEventHub())))
  } finally {
    await engine.dispose()
    await rm(store, { recursive: true, force: true })
  }
}

async function answers({ name, title, text, questions }: CatalogueText, model: string) {
  return await onNewStore(async (_, client) => {
    const sources = [{ name: title, text }]
    const { cartridge } = await client.call('packets.create', { model, sources, dtype: 'int8' })
    const answered: CatalogueEntry['questions'] = []
    for (const [question, expected] of questions) {
      const asked = { ref: cartridge.packetId, delta: question, chat: true, persist: 'memory' } as const
      const { output } = await client.call('packets.infer', asked)
      process.stdout.write(`${name}: ${question} ${output.trim()} (${expected})\n`)
      if (isAnswer(output, expected)) answered.push({ question, answer: expected })
    }
    return answered
  })
}

const texts = join(import.meta.dirname, 'catalogue')
await rm(target, { recursive: true, force: true })
await mkdir(target, { recursive: true })
const entries: CatalogueEntry[] = []
for (const file of (await readdir(texts)).sort()) {
  const made = JSON.parse(await readFile(join(texts, file), 'utf8')) as CatalogueText
  const { name, title, model, about, text } = made
  const questions = await answers(made, model)
  const listed = questions.map(({ question }) => `- ${question}`)
  const card = [`# ${title}`, '', about, '', '## Questions it answers', '', ...listed, ''].join('\n')
  const slug = name.split('/')[1] ?? name
  await onNewStore(async (engine, client) => {
    const sources = [{ name: title, text }]
    const created = await client.call('packets.create', { model, sources, dtype: 'int8', card, name: title })
    const { kind, packetId, bytes, tokens } = created.cartridge
    const parts: Uint8Array[] = []
    await client.call('packets.export', { ref: packetId }, { onItem: part => parts.push(part) })
    await writeFile(join(target, `${slug}.cartridge`), Buffer.concat(parts))
    const { config } = await client.call('library.get', { ref: packetId })
    entries.push({
      ...{ name, title, card, kind, model: config.model, packetId, tokens, bytes, from: `shipped:${slug}` },
      publisher: { name: 'State Pack Studio', keyid: engine.state.keys.current.keyid },
      ...{ licence: LICENCE, questions },
    })
  })
}
await onNewStore(async ({ state }) => {
  const list = { title: 'Came with the app', version: 1, contact: null, entries }
  await writeFile(join(target, 'catalogue.json'), signCatalogue(list, state.keys))
})
