/**
 * `npm run catalogue -- [KEYS] [--new-key]`: makes the catalogue that ships with the app, assets/catalogue, from the texts beside
 * this script. Each is read by the starter model that it is for, asked, and exported with the receipt of its making; what the model
 * does not answer right is not listed. KEYS (or STATEPACK_CATALOGUE_KEYS) is the data folder of whoever signs: its key is no
 * part of this repository. Another key is another publisher to everyone who trusts the one before, so it is taken only with
 * --new-key.
 */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createEngine, type Engine } from '#engine/createEngine.ts'
import { openKeys } from '#engine/receipts/keys.ts'
import { openCatalogue, signCatalogue } from '#engine/share/signedCatalogue.ts'
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
const { values, positionals } = parseArgs({ options: { 'new-key': { type: 'boolean' } }, allowPositionals: true })
const [keys = process.env.STATEPACK_CATALOGUE_KEYS ?? ''] = positionals
if (keys === '') throw new Error('Name the folder that keeps the key: npm run catalogue -- KEYS')
const before = await openCatalogue(await readFile(join(target, 'catalogue.json')))
if (values['new-key'] !== true) await assertSameKey(before.keyid)

/** Before anything is made, and without making a key. */
async function assertSameKey(expected: string): Promise<void> {
  const folder = join(resolve(keys), 'keys')
  const found = existsSync(join(folder, 'signing-key.pem')) ? (await openKeys(folder)).current.keyid : null
  if (found === expected) return
  const what = found === null ? `There is no key in ${folder}` : `The key in ${folder} is ${found}`
  throw new Error(
    `${what}, and the catalogue is signed by ${expected}. Name the folder of that one, or sign with another: --new-key.`,
  )
}

/** Runs `work` on an engine with an empty store. A text that a store knows is not stored again, so asking has its own. */
async function onNewStore<T>(work: (engine: Engine, client: Client) => Promise<T>): Promise<T> {
  const store = await mkdtemp(join(tmpdir(), 'statepack-catalogue-'))
  const engine = await createEngine({
    ...{ storeFolder: store, dataFolder: resolve(keys), assetsFolder: join(root, 'assets'), modelFolders: [] },
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
  const list = { title: 'Came with the app', version: before.catalogue.version + 1, contact: null, entries }
  await writeFile(join(target, 'catalogue.json'), signCatalogue(list, state.keys))
})
