import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { sha256 } from '#engine/sha256.ts'
import { LIBRARY_MIGRATIONS } from '#engine/store/library/schema.ts'
import { publishPacket } from '#engine/store/publish.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { codeOf, openTestStore, testPacket } from './fixture.ts'

const told = { request: sha256('request'), response: { text: 'm' }, input: [{ text: 'q' }] }
/** The table of questions that there was before conversations. */
const ASKS = /CREATE TABLE asks[^;]*;/.exec(LIBRARY_MIGRATIONS[0] ?? '')?.[0] ?? ''
/** The table of answers as it was before it had what was asked and answered. */
const ANSWERS = /CREATE TABLE answers[^;]*;/.exec(LIBRARY_MIGRATIONS.join('\n'))?.[0] ?? ''
/** The table of retained states as it was before any were let go. */
const RETAINED = /CREATE TABLE retained[^;]*;/.exec(LIBRARY_MIGRATIONS.join('\n'))?.[0] ?? ''

describe('the library', () => {
  it('remembers settings, conversations and answers over a reopening', async () => {
    const store = await openTestStore()
    const { library } = store
    library.settings.set('theme', { dark: true })
    library.settings.set('gone', 1)
    library.settings.set('gone', undefined)
    const [root, after] = [sha256('root'), sha256('n')]
    library.conversations.save('c', { slots: [root], draft: 'what about' }, 1)
    const turn = {
      conversationId: 'c',
      rootPacketId: root,
      question: 'q',
      answer: 'a',
      receiptId: 'r',
      detail: { n: 1 },
    }
    library.turns.add({ ...turn, id: '1', previousId: null, parentId: null, newPacketId: after, at: 1, besideId: null })
    library.turns.add({ ...turn, id: '2', previousId: '1', parentId: '1', newPacketId: null, at: 2, besideId: null })
    library.answers.keep({ id: 'resp', rootPacketId: root, packetId: sha256('m'), at: 3, ...told })
    await store.close()
    const again = (await openTestStore(store.folder)).library
    expect(again.settings.get('theme')).toEqual({ dark: true })
    expect(again.settings.get('gone')).toBeUndefined()
    expect(again.conversations.get('c')).toMatchObject({ slots: [root], draft: 'what about', headId: '2' })
    expect(again.turns.of('c').map(({ id, previousId, detail }) => [id, previousId, detail])).toEqual([
      ['1', null, { n: 1 }],
      ['2', '1', { n: 1 }],
    ])
    expect(again.answers.packets().toSorted()).toEqual([after, sha256('m')].toSorted())
    expect([again.answers.packetOf('resp'), again.answers.packetOf('1'), again.answers.packetOf('2')]).toEqual([
      sha256('m'),
      after,
      null,
    ])
  })

  it('makes one conversation of what was asked of a cartridge before there were any', async () => {
    const store = await openTestStore()
    const [a, b] = [sha256('a'), sha256('b')]
    store.library.connection.exec(
      'DROP TABLE conversations; DROP TABLE turns; DROP TABLE answers; DROP TABLE answer_bytes',
    )
    store.library.connection.exec('DROP TABLE collections; DROP TABLE collection_members; DROP TABLE retained')
    store.library.connection.exec(ASKS)
    const add = store.library.connection.prepare('INSERT INTO asks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
    add.run('1', null, a, 'q1', 'a1', a, 'r', 1, '{"n":1}')
    add.run('2', '1', a, 'q2', 'a2', b, 'r', 2, '{"n":2}')
    add.run('3', null, b, 'q3', 'a3', a, 'r', 3, '{"n":3}')
    add.run('resp_1', null, b, 'q4', 'a4', b, 'r', 4, 'null')
    add.run('4', null, a, 'q5', 'a5', b, 'r', 5, '{"n":4}')
    store.library.connection.pragma(
      `user_version = ${LIBRARY_MIGRATIONS.findIndex(sql => sql.includes('asks a JOIN'))}`,
    )
    await store.close()
    const { library } = await openTestStore(store.folder)
    const { items } = library.conversations.list({ words: [], offset: 0, limit: 9 })
    expect(items.map(({ slots, turns, firstQuestion, headId }) => [slots, turns, firstQuestion, headId])).toEqual([
      [[a], 3, 'q1', '4'],
      [[b], 1, 'q3', '3'],
    ])
    expect(
      library.turns.of(items[0]?.id ?? '').map(({ id, previousId, parentId }) => [id, previousId, parentId]),
    ).toEqual([
      ['1', null, null],
      ['2', '1', '1'],
      ['4', '2', null],
    ])
    expect(library.answers.packetOf('resp_1')).toBe(b)
  })

  it('gives a name to one packet at a time', async () => {
    const store = await openTestStore()
    const a = await store.publishPacket({ ...testPacket('a'), names: ['A'] })
    const b = await store.publishPacket({ ...testPacket('b'), names: ['B'] })
    expect(await codeOf(async () => store.library.packets.names.rename(b.packetId, 'A', 1))).toBe('E_CONFLICT')
    store.library.packets.names.rename(a.packetId, 'C', 1)
    store.library.packets.names.rename(b.packetId, 'A', 1)
    expect(store.library.packets.names.named('A')).toBe(b.packetId)
    expect(store.library.packets.names.named('B')).toBeNull()
    expect(await codeOf(async () => store.library.packets.names.rename(sha256('none'), 'X', 1))).toBe('E_NOT_FOUND')
  })

  it('keeps every name a packet was given, and shows it by the first', async () => {
    const store = await openTestStore()
    const { packetId } = await store.publishPacket({ ...testPacket('a'), names: ['first'] })
    const { packets } = store.library
    packets.names.add(packetId, 'another', Date.now() + 5)
    const shown = async () => (await store.list()).items[0]?.name
    expect([packets.names.named('first'), packets.names.named('another'), await shown()]).toEqual([
      packetId,
      packetId,
      'first',
    ])
    packets.names.rename(packetId, 'second', Date.now() + 9)
    expect(packets.names.of(packetId)).toEqual(['second', 'another'])
    packets.names.rename(packetId, 'another', Date.now())
    expect(packets.names.of(packetId)).toEqual(['another'])
    packets.names.setOthers(packetId, ['x', 'y', 'another'], Date.now())
    expect(packets.names.of(packetId)).toEqual(['another', 'x', 'y'])
    packets.names.setOthers(packetId, [], Date.now())
    expect([packets.names.of(packetId), packets.names.named('x')]).toEqual([['another'], null])
    packets.remove([packetId], Date.now())
    expect(packets.names.of(packetId)).toEqual([])
  })

  it.each([
    '',
    '  ',
    ' a',
    'a\nb',
    `sha256:${'a'.repeat(64)}`,
    'SHA256:1',
    'F'.repeat(64),
    'Cafe\u0301',
    'x'.repeat(201),
  ])('takes no name like %j', async name => {
    const store = await openTestStore()
    const { packetId } = await store.publishPacket(testPacket('a'))
    expect(await codeOf(async () => store.library.packets.names.add(packetId, name, 1))).toBe('E_BAD_INPUT')
    expect(await codeOf(store.publishPacket({ ...testPacket('b'), names: [name] }))).toBe('E_BAD_INPUT')
  })

  it('refuses a damaged file and one from the future, and says which it is', async () => {
    const store = await openTestStore()
    await store.close()
    const path = join(store.folder, 'library.sqlite')
    const db = new Database(path)
    db.pragma('user_version = 99')
    db.close()
    expect(await codeOf(openTestStore(store.folder))).toBe('E_STORE_VERSION')
    writeFileSync(path, 'not a database '.repeat(1000))
    expect(await codeOf(openTestStore(store.folder))).toBe('E_STORE_UNREADABLE')
  })

  it('brings a library of version 4 up to date, and keeps what is in it', async () => {
    const store = await openTestStore()
    const { packetId } = await store.publishPacket({ ...testPacket('a'), names: ['A'] })
    await store.close()
    const db = new Database(join(store.folder, 'library.sqlite'))
    db.exec('DROP TABLE spot_checks; DROP TABLE jobs; DROP TABLE job_sources')
    db.exec('DROP TABLE conversations; DROP TABLE turns; DROP TABLE answers; DROP TABLE answer_bytes')
    db.exec('DROP TABLE collections; DROP TABLE collection_members; DROP TABLE retained')
    db.exec(ASKS)
    db.pragma('user_version = 4')
    db.close()
    const again = await openTestStore(store.folder)
    expect((await again.summary(packetId)).spotChecks).toBeNull()
    again.library.spotChecks.set(packetId, { recalled: 2, checked: 9 }, 1)
    again.library.spotChecks.set(packetId, { recalled: 7, checked: 10 }, 2)
    expect(await again.summary(packetId)).toMatchObject({ name: 'A', spotChecks: { recalled: 7, checked: 10 } })
    again.library.packets.forget([packetId])
    expect(again.library.connection.prepare('SELECT * FROM spot_checks').all()).toEqual([])
    const job = { lane: 'read', title: 'a', task: {}, pace: 'p', sources: [{ name: 'a', text: 'one' }] }
    const [id = -1] = again.library.jobs.add([job])
    expect(again.library.jobs.begin('read')).toMatchObject({ id, state: 'running', size: 3 })
    expect(again.library.jobs.sources(id)).toEqual(job.sources)
    expect(again.library.collections.list()).toEqual([])
  })

  it.each([9, 10])(
    'gives the states of answers that were kept for ever the time that others have, from now on: version %i',
    async version => {
      const DAY = 24 * 3600_000
      const store = await openTestStore()
      const keep = async (seed: string) => (await store.publishPacket(testPacket(seed))).packetId
      const [state, named, other] = [await keep('state'), await keep('named'), await keep('other')]
      const retainedBefore = await keep('retained before')
      store.library.packets.names.add(named, 'Mine', 1)
      await store.close()
      const db = new Database(join(store.folder, 'library.sqlite'))
      db.exec(`DROP TABLE answers; DROP TABLE answer_bytes; DROP TABLE retained; ${ANSWERS}`)
      const add = db.prepare('INSERT INTO answers VALUES (?, ?, ?, ?)')
      for (const packetId of [state, named]) add.run(`resp_${packetId}`, packetId, packetId, 1)
      if (version === 10) {
        db.exec(RETAINED)
        // Its last use was noted.
        db.prepare('INSERT INTO retained VALUES (?)').run(retainedBefore)
        db.prepare('INSERT INTO usage VALUES (?, 0, 0, 0, 1)').run(retainedBefore)
        add.run('resp_retained', retainedBefore, retainedBefore, 1)
      }
      // As old as it may be: nobody noted when it was used last.
      db.exec('UPDATE packets SET added_at = 1')
      db.pragma(`user_version = ${version}`)
      db.close()
      const before = Date.now()
      const { retained, answers, packets } = (await openTestStore(store.folder)).library
      const old = (now: number) => retained.loose(now - 30 * DAY, now).map(({ packetId }) => packetId)
      const dueBefore = version === 10 ? [retainedBefore] : []
      expect(old(before + 29 * DAY)).toEqual(dueBefore)
      expect(old(Date.now() + 30 * DAY).toSorted()).toEqual([...dueBefore, state].toSorted())
      expect([answers.packetOf(`resp_${state}`), answers.read(`resp_${state}`, 'response')]).toEqual([state, null])
      expect(answers.delete(`resp_${state}`)).toBe(state)
      expect([packets.get(other)?.removedAt, answers.bytes()]).toEqual([null, 0])
    },
  )

  it('keeps what was asked and answered, counts its bytes, and lets go of a state with its last answer', async () => {
    const { library, ...store } = await openTestStore().then(({ library, parts }) => ({ library, parts }))
    const { answers, packets, retained } = library
    const publish = async (seed: string, isRetained: boolean) =>
      (await publishPacket(store.parts, { ...testPacket(seed), isRetained })).packetId
    const [state, own] = [await publish('state', true), await publish('own', false)]
    const keep = (id: string, packetId: Digest, rootPacketId = packetId) =>
      answers.keep({
        id,
        packetId,
        rootPacketId,
        at: 1,
        request: sha256('q'),
        response: { text: `é ${id}` },
        input: [{ text: 'q' }],
      })
    keep('a', state)
    const one = answers.bytes()
    expect(one).toBe(Buffer.byteLength('{"text":"é a"}[{"text":"q"}]'))
    keep('b', state)
    // Again, and not what was another request.
    expect(keep('a', state)).toBe(true)
    const other = { ...told, request: sha256('other'), at: 1 }
    expect(answers.keep({ ...other, id: 'a', packetId: own, rootPacketId: own })).toBe(false)
    expect(answers.read('a', 'response')?.told).toEqual({ text: 'é a' })
    keep('c', own)
    expect([answers.bytes(), answers.bytesByPacket().get(state)]).toEqual([3 * one, 2 * one])
    expect(answers.read('b', 'response')).toEqual({ packetId: state, told: { text: 'é b' } })
    expect(answers.read('b', 'input')?.told).toEqual([{ text: 'q' }])
    expect([answers.read('d', 'input'), answers.delete('d')]).toEqual([null, null])
    // Another answer led there, too; what is anybody's own stays.
    expect([answers.delete('a'), retained.letGo(state, 5)]).toEqual([state, false])
    expect([answers.delete('c'), retained.letGo(own, 5)]).toEqual([own, false])
    keep('child', own, state)
    expect([answers.delete('b'), retained.letGo(state, 5), retained.letGo(state, 6)]).toEqual([state, true, false])
    expect([packets.get(state)?.removedAt, retained.gone(4), retained.gone(5)]).toEqual([5, [], [state]])
    packets.forget([state])
    expect([answers.packetOf('child'), answers.bytes()]).toEqual([
      own,
      Buffer.byteLength('{"text":"é child"}[{"text":"q"}]'),
    ])
    // Led to once more, it is kept as before.
    await publish('state', true)
    keep('a', state)
    answers.delete('a')
    retained.letGo(state, 7)
    await publish('state', true)
    expect([packets.get(state)?.removedAt, retained.gone(99)]).toEqual([null, []])
    // Brought back and deleted by hand, it goes as what is deleted by hand does.
    keep('a', state)
    answers.delete('a')
    expect([retained.letGo(state, 8), packets.restore([state]), packets.remove([state], 9)]).toEqual([true, 1, 1])
    expect(retained.gone(99)).toEqual([])
    // An answer that leads there takes back that it was let go, and not what somebody deleted by hand.
    expect([retained.takeBack(state), packets.get(state)?.removedAt]).toEqual([false, 9])
    await publish('state', true)
    expect([retained.letGo(state, 10), retained.takeBack(state), retained.takeBack(state)]).toEqual([true, true, false])
    expect([packets.get(state)?.removedAt, retained.gone(99), packets.remove([state], 11)]).toEqual([null, [], 1])
    expect(retained.gone(99)).toEqual([])
  })

  it('is locked by one at a time, within a process and between openings', async () => {
    const a = await openTestStore()
    const b = await openTestStore(a.folder)
    let inside = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++inside)
      await new Promise(resolve => setTimeout(resolve, 2))
      inside--
    }
    await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? a : b).parts.lock.exclusive(work)))
    expect(most).toBe(1)
  })
})
