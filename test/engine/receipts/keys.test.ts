import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { acceptRevocation, exportKey, importKey, revokeKey, rotateKeys } from '#engine/receipts/keyChanges.ts'
import { openKeys, publicPem, trustKey } from '#engine/receipts/keys.ts'
import { openReceiptLog } from '#engine/receipts/receiptLog.ts'
import { signClaim } from '#engine/receipts/statement.ts'
import { verifyLog } from '#engine/receipts/verifyLog.ts'
import { parseDigest } from '#shared/domain/digest.ts'
import { draftOf, scratch } from './fixtures.ts'

const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe('signing keys', () => {
  it('are made once, readable by their owner only, whoever asks first', async () => {
    await using place = await scratch()
    const folder = join(place.path, 'keys')
    const rings = await Promise.all(Array.from({ length: 8 }, () => openKeys(folder)))
    expect(new Set(rings.map(ring => ring.current.keyid)).size).toBe(1)
    expect(await readdir(folder)).toEqual(['signing-key.pem'])
    expect([await mode(folder), await mode(join(folder, 'signing-key.pem'))]).toEqual(['700', '600'])
    await chmod(join(folder, 'signing-key.pem'), 0o644)
    await openKeys(folder)
    expect(await mode(join(folder, 'signing-key.pem'))).toBe('600')
  })

  it('are refused inside a store, at any depth', async () => {
    await using place = await scratch()
    await writeFile(join(place.path, 'oci-layout'), '{}')
    await mkdir(join(place.path, 'a'))
    for (const folder of [place.path, join(place.path, 'keys'), join(place.path, 'a', 'b')]) {
      await expect(openKeys(folder)).rejects.toMatchObject({ code: 'E_FORBIDDEN' })
    }
  })

  it('are refused when damaged or of another kind', async () => {
    await using place = await scratch()
    await writeFile(join(place.path, 'signing-key.pem'), 'not a key')
    await expect(openKeys(place.path)).rejects.toMatchObject({ code: 'E_CORRUPT' })
    await expect(trustKey(place.path, 'not a key')).rejects.toMatchObject({ code: 'E_BAD_FORMAT' })
  })

  it('can be replaced: what the old one signed still verifies, what a stranger signed only once trusted', async () => {
    await using place = await scratch()
    await using logPlace = await scratch()
    await using elsewhere = await scratch()
    const append = async (keys: Awaited<ReturnType<typeof openKeys>>) => {
      const log = await openReceiptLog(logPlace.path, { keys })
      await log.append(draftOf(1))
      await log.close()
    }
    const old = await openKeys(place.path)
    await append(old)
    const renewed = await rotateKeys(place.path)
    expect(renewed.current.keyid).not.toBe(old.current.keyid)
    await append(renewed)
    expect(await verifyLog(logPlace.path, { trusted: renewed.trusted })).toMatchObject({ ok: true, count: 2 })
    const other = await openKeys(elsewhere.path)
    await append(other)
    expect(await verifyLog(logPlace.path, { trusted: renewed.trusted })).toMatchObject({
      break: { kind: 'unknown_key', index: 2 },
    })
    const trusting = await trustKey(place.path, publicPem(other.current))
    expect(await verifyLog(logPlace.path, { trusted: trusting.trusted })).toMatchObject({ ok: true, count: 3 })
  })

  it('travel sealed: only the passphrase opens the file, and nothing in it can be changed', async () => {
    await using place = await scratch()
    await using elsewhere = await scratch()
    const { current } = await rotateKeys(place.path)
    const text = await exportKey(place.path, 'correct horse battery')
    expect(text).not.toContain('PRIVATE')
    const before = await openKeys(elsewhere.path)
    await expect(importKey(elsewhere.path, text, 'correct horse batterz')).rejects.toMatchObject({
      code: 'E_BAD_INPUT',
    })
    const file = JSON.parse(text)
    const flipped = (name: string, value: string) =>
      JSON.stringify({ ...file, [name]: (value[0] === 'A' ? 'B' : 'A') + value.slice(1) })
    for (const name of ['nonce', 'sealed'])
      await expect(importKey(elsewhere.path, flipped(name, file[name]), 'correct horse battery')).rejects.toMatchObject(
        { code: 'E_BAD_INPUT' },
      )
    const renamed = JSON.stringify({ ...file, keyid: before.current.keyid })
    await expect(importKey(elsewhere.path, renamed, 'correct horse battery')).rejects.toMatchObject({
      code: 'E_BAD_INPUT',
    })
    for (const weak of [{ ...file, kdf: { ...file.kdf, N: 2 } }, { ...file, kdf: { ...file.kdf, N: 2 ** 30 } }, {}])
      await expect(importKey(elsewhere.path, JSON.stringify(weak), 'correct horse battery')).rejects.toMatchObject({
        code: 'E_BAD_FORMAT',
      })
    await expect(exportKey(place.path, 'short')).rejects.toMatchObject({ code: 'E_BAD_INPUT' })
    expect((await openKeys(elsewhere.path)).current.keyid).toBe(before.current.keyid)
    const imported = await importKey(elsewhere.path, text, 'correct horse battery')
    expect(imported.current.keyid).toBe(current.keyid)
    // Its history came along, and what this machine signed before stays valid.
    expect(imported.rotations).toHaveLength(1)
    expect(imported.trusted.map(({ keyid }) => keyid)).toContain(before.current.keyid)
    expect(await mode(join(elsewhere.path, 'signing-key.pem'))).toBe('600')
  })

  it('are revoked by themselves only', async () => {
    await using place = await scratch()
    await using elsewhere = await scratch()
    const old = await openKeys(place.path)
    const { keys, certificate } = await revokeKey(place.path)
    expect(keys.current.keyid).not.toBe(old.current.keyid)
    expect(keys.rotations).toEqual([])
    expect([...keys.revoked]).toEqual([old.current.keyid])
    const told = await acceptRevocation(elsewhere.path, certificate)
    expect([...told.revoked]).toEqual([old.current.keyid])
    // A word of one key about another is none.
    const forged = signClaim(
      {
        subject: { name: 'signing-key', digest: parseDigest(keys.current.keyid) },
        predicateType: 'urn:statepack:key-revocation:v1',
        predicate: { publicKey: publicPem(told.current) },
      },
      told,
    )
    await expect(acceptRevocation(elsewhere.path, Buffer.from(forged).toString())).rejects.toMatchObject({
      code: 'E_BAD_SIGNATURE',
    })
    await expect(acceptRevocation(elsewhere.path, 'no certificate')).rejects.toMatchObject({ code: 'E_BAD_FORMAT' })
  })
})
