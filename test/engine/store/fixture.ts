/** Stores in fresh folders, closed and removed after each test. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type OpenStoreOptions, openStore } from '#engine/store/openStore.ts'
import type { Store } from '#engine/store/store.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { fastFolder } from '../../crash/fastFolder.ts'
import { describePacket } from '../../crash/packets.ts'

export { describePacket as describeTestPacket, noise, testPacket } from '../../crash/packets.ts'

const folders: string[] = []
const stores: Store[] = []

/** A fresh folder, removed after the test. */
export function freshFolder(): string {
  const folder = fastFolder('store-test-')
  folders.push(folder)
  return folder
}

/** Opens a store that is closed after the test. */
export async function openTestStore(folder = join(freshFolder(), 'store'), options: Partial<OpenStoreOptions> = {}) {
  const store = await openStore(folder, { describe: describePacket, ...options })
  stores.push(store)
  return store
}

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close().catch(() => {})
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** The code with which a promise is refused, or `no error`. */
export async function codeOf(run: Promise<unknown> | (() => Promise<unknown>)): Promise<string> {
  try {
    await (typeof run === 'function' ? run() : run)
    return 'no error'
  } catch (error) {
    return error instanceof StatePackError ? error.code : String(error)
  }
}
