import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { PacketQuery } from '#engine/store/search/listPackets.ts'
import type { Store } from '#engine/store/store.ts'
import { openTestStore, testPacket } from './fixture.ts'

const text = new TextEncoder()

/** Thirty packets of two kinds and models, with names, tags, trust, parents and pins. */
async function filled(): Promise<Store> {
  let time = 1_000_000
  const store = await openTestStore(undefined, { clock: () => (time += 1000) })
  let parent = null
  for (let i = 0; i < 30; i++) {
    const packet = testPacket(`p${i}`, {
      kind: i % 3 === 0 ? 'ssm' : 'kv',
      model: i % 2 === 0 ? 'starter-mamba' : 'starter-transformer',
      tokens: 100 + i,
      blocks: 1 + (i % 4),
      card: i === 7 ? 'Über Verjährung and waiver' : `Card number ${i}`,
      parents: parent === null ? [] : [{ packetId: parent, op: 'merge' }],
    })
    const { packetId } = await store.publishPacket({
      ...packet,
      names: i % 5 === 0 ? [`Contract ${i}`] : [],
      trust: i % 10 === 9 ? 'restricted' : 'own',
    })
    if (i % 4 === 0) store.library.packets.setTags(packetId, ['law', `t${i}`])
    if (i === 3) store.library.packets.setPinned(packetId, true)
    if (i % 6 === 0) store.library.packets.setVerified(packetId, 'recomputed')
    parent = packetId
  }
  return store
}

const names = async (store: Store, query: PacketQuery) => (await store.list(query)).items.map(item => item.name)

async function views(store: Store) {
  const queries: PacketQuery[] = [
    {},
    { sort: 'name' },
    { sort: 'size', limit: 7, offset: 3 },
    { query: 'card' },
    { query: 'contract law' },
    { kind: 'ssm', sort: 'tokens' },
    { tag: 'law' },
  ]
  return [...(await Promise.all(queries.map(query => store.list(query)))), store.index.lineage()]
}

describe('the search index', () => {
  it('finds parts of words of cards, titles, names and tags, whatever the accents and signs', async () => {
    const store = await filled()
    expect(await names(store, { query: 'verjahrung' })).toEqual(['title p7'])
    expect(await names(store, { query: 'waiv üb' })).toEqual(['title p7'])
    expect(await names(store, { query: 'CONTRACT 25' })).toEqual(['Contract 25'])
    expect(await names(store, { query: 't28' })).toEqual(['title p28'])
    const hostile: [string, number][] = [
      ...(['"', '*', '\u0000', '%'] as const).map((query): [string, number] => [query, 30]),
      ['card"* ', 29],
      // Words like any other: "or" stands in starter-transformer.
      ['card"* OR', 14],
      ["'; DROP TABLE packets; --", 0],
      ['NEAR(', 0],
      ['a'.repeat(5000), 0],
    ]
    for (const [query, total] of hostile) expect((await store.list({ query })).total, query).toBe(total)
    expect((await store.list({ query: 'nothing-like-this' })).total).toBe(0)
  })

  it('finds parts of words in scripts without spaces, and folds case and accents of every script', async () => {
    const store = await openTestStore()
    const named = [
      ...['社内規程の手引き', 'ÜBERSICHT', 'Straße', 'ИНСТРУКЦИЯ', 'My ÉCOLE notes', 'Ὀδυσσεύς', 'กฎหมายแพ่ง'],
      ...['ｆｕｌｌ　ｗｉｄｔｈ', 'かく', 'がく', 'Đà Nẵng', 'ŁÓDŹ', 'Smørrebrød', 'كِتَاب', 'שָׁלוֹם'],
    ]
    for (const [i, name] of named.entries()) await store.publishPacket({ ...testPacket(`n${i}`), names: [name] })
    const { packetId } = await store.publishPacket({
      ...testPacket('carded', { card: '第三者割当増資' }),
      names: ['plain'],
    })
    store.library.packets.setTags(packetId, ['ПРАВО', '法律'])
    const found: [string, string[]][] = [
      ['規程', ['社内規程の手引き']],
      ['引', ['社内規程の手引き']],
      ['übersicht', ['ÜBERSICHT']],
      ['uber', ['ÜBERSICHT']],
      ['STRASSE', ['Straße']],
      ['инструкция', ['ИНСТРУКЦИЯ']],
      ['école', ['My ÉCOLE notes']],
      ['ΟΔΥΣΣΕΥΣ', ['Ὀδυσσεύς']],
      ['หมาย', ['กฎหมายแพ่ง']],
      ['full width', ['ｆｕｌｌ　ｗｉｄｔｈ']],
      // A mark that makes another letter is no accent.
      ['かく', ['かく']],
      ['da nang', ['Đà Nẵng']],
      ['łodz', ['ŁÓDŹ']],
      ['lodz', ['ŁÓDŹ']],
      ['SMORRE', ['Smørrebrød']],
      ['كتاب', ['كِتَاب']],
      ['שלום', ['שָׁלוֹם']],
      ['割当', ['plain']],
      ['право', ['plain']],
      ['律', ['plain']],
    ]
    for (const [query, expected] of found) expect(await names(store, { query }), query).toEqual(expected)
  })

  it('filters, sorts, pages and counts', async () => {
    const store = await filled()
    const all = await store.list({ limit: 500 })
    expect(all.total).toBe(30)
    expect(all.facets).toMatchObject({
      all: 30,
      kind: { ssm: 10, kv: 20 },
      model: { 'starter-mamba': 15, 'starter-transformer': 15 },
      trust: { own: 27, restricted: 3 },
      verified: { none: 25, recomputed: 5 },
    })
    expect(all.facets.tag.law).toBe(8)
    const oracle = all.items.filter(item => item.kind === 'kv' && item.modelName === 'starter-mamba')
    const filtered = await store.list({ kind: 'kv', model: 'starter-mamba', limit: 500 })
    expect(filtered.items).toEqual(oracle)
    expect(filtered.facets).toEqual(all.facets)
    const named = await store.list({ named: true, sort: 'name' })
    expect(named.items.map(item => item.name)).toEqual([0, 10, 15, 20, 25, 5].map(i => `Contract ${i}`))
    expect(named.facets.all).toBe(6)
    const pages = await Promise.all([0, 10, 20].map(offset => store.list({ sort: 'size', offset, limit: 10 })))
    const sizes = pages.flatMap(page => page.items.map(item => item.bytes))
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
    expect(new Set(pages.flatMap(page => page.items.map(item => item.packetId))).size).toBe(30)
    const [first] = (await store.list({ sort: 'created' })).items
    expect(first).toMatchObject({ name: 'title p29', parents: 1, trust: 'restricted', tags: [] })
  })

  it('sorts by use and sums what was saved', async () => {
    const store = await filled()
    const { packetId } = (await store.list({ sort: 'created', offset: 20, limit: 1 })).items[0] ?? {}
    if (packetId === undefined) throw new Error('no packet')
    const use = { packetId, asks: 1, tokensSaved: 50, secondsSaved: 0.5, usedAt: 9e12 }
    store.library.usage.add(use)
    store.library.usage.add({ ...use, usedAt: 8e12 })
    expect(store.library.usage.get(packetId)).toEqual({
      packetId,
      asks: 2,
      tokensSaved: 100,
      secondsSaved: 1,
      usedAt: 9e12,
    })
    expect((await store.list({ sort: 'used', limit: 1 })).items[0]).toMatchObject({ packetId, usedAt: 9e12 })
  })

  const damages: [string, (path: string) => void][] = [
    ['deleted', path => rmSync(path)],
    ['emptied', path => truncateSync(path, 0)],
    ['cut in half', path => truncateSync(path, Math.floor(readFileSync(path).length / 2))],
    ['replaced by noise', path => writeFileSync(path, text.encode('noise '.repeat(2000)))],
    ['changed in its header', path => change(path, 0)],
    ['changed in one byte in the middle', path => change(path, Math.floor(readFileSync(path).length / 2) + 7)],
    ['changed in one letter of a card', path => change(path, readFileSync(path).indexOf('Card number 12') + 13)],
  ]
  function change(path: string, at: number) {
    const bytes = readFileSync(path)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(path, bytes)
  }

  it.each(damages)('is built again, equal to the old view, when it was %s', async (_, damage) => {
    const store = await filled()
    const before = await views(store)
    await store.close()
    const path = join(store.folder, 'index.sqlite')
    expect(existsSync(path)).toBe(true)
    damage(path)
    const again = await openTestStore(store.folder)
    expect(again.index.wasWhole).toBe(false)
    expect(await views(again)).toEqual(before)
  })

  it('is kept as it is when nothing happened to it', async () => {
    const store = await filled()
    await store.close()
    const again = await openTestStore(store.folder, {
      describe: () => Promise.reject(new Error('nothing should be described again')),
    })
    expect(again.index.wasWhole).toBe(true)
    expect((await again.list()).total).toBe(30)
  })

  it('learns what another process published', async () => {
    const [a] = [await filled()]
    const b = await openTestStore(a.folder)
    const { packetId } = await a.publishPacket(testPacket('late'))
    expect((await b.list({ query: 'late' })).items.map(item => item.packetId)).toEqual([packetId])
  })

  it('is built again under the feet of another process, which goes on working', async () => {
    const a = await filled()
    const b = await openTestStore(a.folder)
    await b.rebuildIndex()
    const { packetId } = await a.publishPacket(testPacket('after'))
    expect((await a.list()).total).toBe(31)
    expect((await b.list({ query: 'after' })).items.map(item => item.packetId)).toEqual([packetId])
  })

  it('does not keep a packet from being published when it is damaged', async () => {
    const store = await filled()
    store.library.connection.exec('DROP TABLE idx.packets')
    await store.publishPacket(testPacket('after'))
    expect((await store.list()).total).toBe(31)
  })

  it('does not list a packet whose manifest is damaged', async () => {
    const store = await filled()
    const [victim] = (await store.list({ limit: 1 })).items
    if (victim === undefined) throw new Error('no packet')
    writeFileSync(join(store.folder, 'blobs/sha256', victim.packetId.slice(7)), 'damage')
    await store.rebuildIndex()
    expect((await store.list()).total).toBe(29)
  })

  it('lists ten thousand packets by window', async () => {
    const store = await openTestStore()
    const { packetId } = await store.publishPacket(testPacket('one'))
    const db = store.library.connection
    const hex = (i: number) => `sha256:${i.toString(16).padStart(64, '0')}`
    db.transaction(() => {
      for (let i = 1; i < 10_000; i++) {
        db.prepare("INSERT INTO main.packets VALUES (?, ?, 'float32', 1, ?, 'own', 'none', 0, NULL)").run(
          hex(i),
          hex(i),
          i,
        )
        db.prepare("INSERT INTO idx.packets VALUES (NULL, ?, ?, 'kv', 'm', 'llama', 'w', 1, 1, ?)").run(
          hex(i),
          `t${i}`,
          `card ${i}`,
        )
      }
    })()
    await store.close()
    const again = await openTestStore(store.folder, {
      describe: () => Promise.reject(new Error('nothing should be described again')),
    })
    const list = await again.list({ limit: 50, offset: 5000, sort: 'created' })
    expect(list.items).toHaveLength(50)
    expect(list.total).toBe(10_000)
    expect((await again.list({ query: 'card 4711' })).total).toBe(1)
    expect((await again.summary(packetId)).name).toBe('title one')
  })
})
