import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openKeys, publicPem, rotateKeys, trustKey } from '#engine/receipts/keys.ts'
import { openReceiptLog } from '#engine/receipts/receiptLog.ts'
import { verifyLog } from '#engine/receipts/verifyLog.ts'
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
})
