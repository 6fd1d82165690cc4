/**
 * A disk in memory that can lose power. It promises only what a disk promises: bytes of a file survive after `sync`, names
 * in a folder after `syncFolder`. At a power loss everything else is up to chance: each unsynced write is kept, lost or
 * torn on its own, each unsynced name shows its old or any of its newer values, in any combination.
 */
import { createHash } from 'node:crypto'
import { basename, dirname } from 'node:path'
import type { FileStatus, Fs, FsFile, OpenMode } from '#engine/store/fs.ts'
import type { HashBounds, HashedFile } from '#engine/store/hashFile.ts'

/** What a name leads to: a file, or a folder. */
type Node = SimFile | 'folder'

interface SimFile {
  now: Uint8Array
  durable: Uint8Array
  /** Writes since the last sync, by position. */
  pending: { at: number; bytes: Uint8Array }[]
  modified: number
}

/** A name in a folder: what it leads to now, what it surely leads to after a power loss, and what it may lead to. */
interface Slot {
  now: Node | null
  durable: Node | null
  pending: (Node | null)[]
}

export type Random = () => number

/** Controls: a disk that ignores flushes must make the tests fail. */
export interface SimulatedDiskOptions {
  readonly ignoreSync?: boolean
  /** The folder whose flush does nothing. */
  readonly ignoreSyncFolder?: string
}

export class PowerLoss extends Error {
  override readonly name = 'PowerLoss'
}

export class SimulatedDisk implements Fs {
  /** Operations that change the disk, so far. */
  operations = 0
  /** From this operation on everything fails with {@link PowerLoss}. */
  losePowerAt = Number.POSITIVE_INFINITY
  readonly #slots: Map<string, Slot>
  readonly #options: SimulatedDiskOptions
  readonly #clock: () => number

  constructor(options: SimulatedDiskOptions = {}, slots = new Map<string, Slot>(), clock: () => number = Date.now) {
    this.#options = options
    this.#slots = slots
    this.#clock = clock
  }

  /** What is on the disk when the power comes back. */
  afterPowerLoss(random: Random): SimulatedDisk {
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
    const survivors = new Map<SimFile, SimFile>()
    const survive = (file: SimFile): SimFile => {
      const known = survivors.get(file)
      if (known !== undefined) return known
      const bytes = tear(file, random)
      const survivor = { now: bytes, durable: bytes, pending: [], modified: file.modified }
      survivors.set(file, survivor)
      return survivor
    }
    const slots = new Map<string, Slot>()
    for (const [path, slot] of [...this.#slots].sort(([a], [b]) => a.length - b.length)) {
      const node = pick([slot.durable, ...slot.pending])
      const parent = dirname(path)
      if (node === null || (parent !== '/' && slots.get(parent)?.now !== 'folder')) continue
      const kept = node === 'folder' ? node : survive(node)
      slots.set(path, { now: kept, durable: kept, pending: [] })
    }
    return new SimulatedDisk(this.#options, slots, this.#clock)
  }

  async open(path: string, mode: OpenMode): Promise<FsFile> {
    const node = this.#slots.get(path)?.now ?? null
    if (mode === 'read') {
      if (node === null) throw systemError('ENOENT', path)
      if (node === 'folder') throw systemError('EISDIR', path)
      return this.#handle(node)
    }
    this.#step()
    if (node === 'folder') throw systemError('EISDIR', path)
    if (node !== null && mode === 'create') throw systemError('EEXIST', path)
    if (node !== null) return this.#handle(node)
    this.#mustBeFolder(dirname(path))
    const file: SimFile = { now: new Uint8Array(0), durable: new Uint8Array(0), pending: [], modified: this.#clock() }
    this.#set(path, file)
    return this.#handle(file)
  }

  async readHashed(path: string, { size: expected, most = Number.POSITIVE_INFINITY }: HashBounds): Promise<HashedFile> {
    const file = await this.open(path, 'read')
    const size = await file.size()
    if (size > most || (expected ?? size) !== size) return { size, content: null }
    const bytes = new Uint8Array(await file.read(0, size))
    return { size, content: { bytes, sha256: createHash('sha256').update(bytes).digest('hex') } }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step()
    const node = this.#slots.get(from)?.now ?? null
    if (node === null) throw systemError('ENOENT', from)
    this.#mustBeFolder(dirname(to))
    this.#set(to, node)
    this.#set(from, null)
  }

  async unlink(path: string): Promise<void> {
    this.#step()
    const node = this.#slots.get(path)?.now ?? null
    if (node === null) throw systemError('ENOENT', path)
    if (node === 'folder') throw systemError('EISDIR', path)
    this.#set(path, null)
  }

  async makeFolder(path: string): Promise<void> {
    this.#step()
    if (path === '/' || this.#slots.get(path)?.now === 'folder') return
    if ((this.#slots.get(path)?.now ?? null) !== null) throw systemError('EEXIST', path)
    await this.makeFolder(dirname(path))
    this.#set(path, 'folder')
  }

  async list(path: string): Promise<string[]> {
    this.#mustBeFolder(path)
    return [...this.#slots].filter(([p, slot]) => dirname(p) === path && slot.now !== null).map(([p]) => basename(p))
  }

  async status(path: string): Promise<FileStatus> {
    const found = this.statusNow(path)
    if (found === null) throw systemError('ENOENT', path)
    return found
  }

  statusNow(path: string): FileStatus | null {
    const node = this.#slots.get(path)?.now ?? null
    if (node === null) return null
    if (node === 'folder') return { kind: 'folder', size: 0, modified: 0 }
    return { kind: 'file', size: node.now.byteLength, modified: node.modified }
  }

  async touch(path: string): Promise<void> {
    this.#step()
    const node = this.#slots.get(path)?.now ?? null
    if (node === null) throw systemError('ENOENT', path)
    if (node !== 'folder') node.modified = this.#clock()
  }

  async syncFolder(path: string): Promise<void> {
    this.#step()
    this.#mustBeFolder(path)
    if (this.#options.ignoreSyncFolder === path) return
    for (const [p, slot] of this.#slots) {
      if (dirname(p) !== path) continue
      slot.durable = slot.now
      slot.pending = []
      if (slot.now === null) this.#slots.delete(p)
    }
  }

  /** Makes everything durable: where a scenario begins. */
  settle(): void {
    for (const [path, slot] of this.#slots) {
      slot.durable = slot.now
      slot.pending = []
      if (slot.now === null) this.#slots.delete(path)
      if (slot.now === null || slot.now === 'folder') continue
      slot.now.durable = slot.now.now
      slot.now.pending = []
    }
  }

  #handle(file: SimFile): FsFile {
    const write = async (at: number, bytes: Uint8Array) => {
      this.#step()
      const grown = new Uint8Array(Math.max(file.now.byteLength, at + bytes.byteLength))
      grown.set(file.now)
      grown.set(bytes, at)
      file.now = grown
      file.modified = this.#clock()
      file.pending.push({ at, bytes: bytes.slice() })
    }
    return {
      write: bytes => write(file.now.byteLength, bytes),
      writeNow: bytes => write(file.now.byteLength, bytes),
      writeAt: (position, pieces) => write(position, Buffer.concat(pieces)),
      // What is cut is never flushed.
      cut: async size => {
        this.#step()
        file.now = file.now.slice(0, size)
      },
      read: async (position, length) => file.now.slice(position, position + length),
      size: async () => file.now.byteLength,
      sync: async () => {
        this.#step()
        if (this.#options.ignoreSync === true) return
        file.durable = file.now
        file.pending = []
      },
      close: async () => {},
    }
  }

  #set(path: string, node: Node | null): void {
    const slot = this.#slots.get(path) ?? { now: null, durable: null, pending: [] }
    slot.now = node
    slot.pending.push(node)
    this.#slots.set(path, slot)
  }

  #mustBeFolder(path: string): void {
    if (path !== '/' && this.#slots.get(path)?.now !== 'folder') throw systemError('ENOENT', path)
  }

  #step(): void {
    this.operations++
    if (this.operations >= this.losePowerAt) throw new PowerLoss('The power is gone.')
  }
}

/** The synced bytes with a chance selection of the later writes over them, each whole, cut short, or not at all. */
function tear(file: SimFile, random: Random): Uint8Array {
  let bytes = file.durable.slice()
  for (const { at, bytes: written } of file.pending) {
    const fate = random()
    const kept = fate < 0.4 ? written.byteLength : fate < 0.7 ? Math.floor(random() * written.byteLength) : 0
    if (kept === 0) continue
    if (at + kept > bytes.byteLength) {
      const grown = new Uint8Array(at + kept)
      grown.set(bytes)
      bytes = grown
    }
    bytes.set(written.subarray(0, kept), at)
  }
  return bytes
}

export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}

/** A small seeded generator (mulberry32): numbers in [0, 1). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
