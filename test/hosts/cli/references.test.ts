/** What `--manifest` and `<ref>` name, on the real program: cartridges before files, and pointers that say what is so. */
import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assertPointsTo, pointerSchema } from '#hosts/cli/pointerFile.ts'
import type { Resolved } from '#hosts/cli/references.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { ASSETS } from '../../engine/testEngine.ts'
import { openHome } from './statepack.ts'

const home = openHome()
afterAll(() => home.remove())

beforeAll(async () => {
  await home.write('doc.txt', 'Facts:\nThe goat lives in Oslo.\n')
  await home.write('other.txt', 'Facts:\nThe goat lives in Rome.\n')
})

describe('a cartridge', () => {
  it('is named before a file or folder of that name', async () => {
    await mkdir(home.path('handbook'))
    const { packet_id } = await home.ok(['create', '--base', 'doc.txt'])
    expect(await home.ok(['create', '--base', 'doc.txt', '--name', 'handbook'])).toMatchObject({
      ...{ cache_hit: true, name: 'handbook', names: ['doc.txt', 'handbook'] },
    })
    for (const name of ['doc.txt', 'handbook']) {
      expect(await home.ok(['verify', '--manifest', name])).toMatchObject({ packet_id, ok: true })
    }
    expect(await home.ok(['inspect', 'handbook'])).toMatchObject({ summary: { packetId: packet_id } })
    expect(await home.ok(['export', 'doc.txt', '--out', 'x.cartridge'])).toMatchObject({ packet_id })
    const { receipts } = await home.ok(['receipts', 'list', '--packet', 'handbook', '--op', 'export'])
    expect(receipts).toEqual([expect.objectContaining({ packet_id })])
    // A blob's file is called by the digest that names the cartridge.
    await cp(home.path(join('app/store/blobs/sha256', packet_id.slice(7))), home.path(packet_id.slice(7)))
    expect(await home.ok(['verify', '--manifest', packet_id.slice(7)])).toMatchObject({ packet_id, ok: true })
    const missing = await home.run(['verify', '--manifest', 'other.txt'])
    expect([missing.code, missing.error().code]).toEqual([4, 'E_BAD_JSON'])
  })

  it('is named as a whole before a weight is taken off its name', async () => {
    const model = ['--model', 'starter-mamba', '--store', 'mixes']
    const { packet_id } = await home.ok(['create', '--base', 'doc.txt', '--name', 'm=0.5', ...model])
    const other = await home.ok(['create', '--base', 'other.txt', '--name', 'm', ...model])
    const mixed = await home.ok(['remix', 'm=0.5', 'm=0.25', '--store', 'mixes'])
    const parents = [`${packet_id}=1`, `${other.packet_id}=0.25`]
    expect(mixed.new_packet_id).toBe((await home.ok(['remix', ...parents, '--store', 'mixes'])).new_packet_id)
  })

  it('of a collection is found by what it is asked', async () => {
    const lockers = Array.from({ length: 110 }, (_, i) => `The locker ${i} on the pier is empty and painted green.`)
    const text = ['The manager of Harbor Coffee is Lena Ortiz.', ...lockers, 'The captain of Halcyon is Yuki Tanabe.']
    await home.write('pier.txt', text.join('\n\n'))
    await home.ok(['create', '--base', 'pier.txt', '--split', '--model', 'starter-transformer', '--store', 'c'])
    const { collections } = await home.ok(['list', '--store', 'c'])
    expect(collections).toMatchObject([{ name: 'pier.txt', packetIds: { length: 2 } }])
    const [first, second] = collections[0].packetIds
    const ask = async (question: string) => {
      await home.write('question.txt', question)
      return home.run(['infer', '--manifest', 'pier.txt', '--delta', 'question.txt', '--chat', '--store', 'c'])
    }
    expect((await ask('Who is the captain of Halcyon?')).json().packet_id).toBe(second)
    expect((await ask('Who is the manager of Harbor Coffee?')).json().packet_id).toBe(first)
    expect((await ask('How tall is the lighthouse of Skagen?')).error().code).toBe('E_NOT_FOUND')
    // Asked it can be; else one of its cartridges is meant.
    expect((await home.run(['verify', '--manifest', 'pier.txt', '--store', 'c'])).error().code).toBe('E_AMBIGUOUS')
  })

  it('of a model in a folder is found by every command that is told the folder', async () => {
    await cp(join(ASSETS, 'models', 'starter-transformer'), home.path('mine'), { recursive: true })
    // Another model than the starter, so that nothing else fits.
    const config = JSON.parse(await readFile(home.path('mine/config.json'), 'utf8'))
    await home.write('mine/config.json', JSON.stringify({ ...config, rms_norm_eps: 1e-6 }))
    const model = ['--model', 'mine', '--store', 's']
    const { receipt_id } = await home.ok(['create', '--base', 'doc.txt', '--name', 'goat', ...model])
    await home.ok(['create', '--base', 'doc.txt', '--name', 'starter', '--store', 's'])
    await home.ok(['merge', '--manifest', 'goat', '--delta', 'other.txt', '--name', 'both', ...model])
    await home.ok(['verify', '--manifest', 'goat', '--level', 'recomputed', ...model])
    await home.ok(['compact', 'both', '--name', 'folded', ...model])
    expect(await home.ok(['receipts', 'replay', receipt_id, ...model])).toMatchObject({ same: true })
    const { models } = await home.ok(['models', 'list', ...model])
    expect(models.map(({ id }: { id: string }) => id)).toContain('mine')
    // The text's hash alone fits both models' cartridges.
    const { base_sha256, names } = await home.ok(['resolve', '--base-hash', 'goat', '--store', 's'])
    expect(names).toEqual(['goat'])
    const either = await home.run(['resolve', '--base-hash', base_sha256, '--store', 's'])
    expect(either.error().code).toBe('E_AMBIGUOUS')
    expect((await home.ok(['resolve', '--base-hash', base_sha256, ...model])).names).toEqual(['goat'])
    const wrong = await home.run(['delta', '--manifest', 'starter', '--delta', 'other.txt', ...model])
    expect(wrong.error().code).toBe('E_COMPONENT_MISMATCH')
  })
})

describe('a pointer file', () => {
  it('that names another packet is refused, whatever it is used for', async () => {
    const { manifest, packet_id } = await home.ok(['create', '--base', 'doc.txt', '--out', 'p'])
    const { manifest: victim } = await home.ok(['create', '--base', 'other.txt', '--out', 'p'])
    const mine = JSON.parse(await home.read(victim))
    await home.write('p/forged.json', JSON.stringify({ ...mine, packet_id }))
    for (const command of [
      ['verify', '--manifest'],
      ['delta', '--delta', 'other.txt', '--manifest'],
    ]) {
      const ran = await home.run([...command, join('p', 'forged.json')])
      expect([ran.code, ran.error().details.field]).toEqual([20, 'context_id'])
    }
    expect(await home.ok(['verify', '--manifest', manifest])).toMatchObject({ packet_id, bytes: expect.any(Number) })
  })

  it('is compared in every field that says something of the packet', () => {
    const [a, b] = ['a'.repeat(64), 'b'.repeat(64)]
    const packet = {
      packetId: `sha256:${a}`,
      contextId: `sha256:${b}`,
      texts: [{ sha256: a, bytes: 7 }],
      ...{ blobSha256: b, blobBytes: 9, names: ['x'] },
      cartridge: { model: { name: 'm' }, tokens: 3 },
    } as unknown as Resolved
    const pointer = pointerSchema.parse({
      ...{ version: 'state-pack-v0.1', model: 'm', base_sha256: a, base_bytes: 7, base_tokens: 3, base_file: 'x.txt' },
      ...{ blob_sha256: b, blob_bytes: 9, blob_file: null, packet_id: `sha256:${a}`, context_id: `sha256:${b}` },
    })
    assertPointsTo(pointer, packet)
    // base_file alone is nowhere in the packet: it says where the text lay.
    for (const field of Object.keys(pointer).filter(name => name !== 'base_file' && name !== 'version')) {
      const value = pointer[field as keyof typeof pointer]
      const other = typeof value === 'number' ? value + 1 : 'c'.repeat(64)
      let thrown: unknown
      try {
        assertPointsTo({ ...pointer, [field]: other }, packet)
      } catch (error) {
        thrown = error
      }
      expect(thrown, field).toBeInstanceOf(StatePackError)
      expect(thrown).toMatchObject({ code: 'E_CORRUPT', details: { field } })
    }
    expect(pointerSchema.safeParse({ ...pointer, version: 'state-pack-v9' }).success).toBe(false)
  })
})
