/**
 * Reading a tar of an OCI layout that another tool made: folders, any order, any owner and time. Bytes that no digest
 * binds are ignored, the blobs are checked as always; exporting again gives the canonical file.
 */
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { StatePackError } from '#shared/domain/error.ts'
import { blobsOf, CARTRIDGE_ARTIFACT, layoutSchema } from '#shared/domain/oci.ts'
import { MANIFEST_CAP, parseManifest } from '../manifests.ts'
import { parseStrictJson } from '../strictJson.ts'
import type { ByteReader } from './byteReader.ts'
import type { Root } from './exportCartridge.ts'
import { type CartridgeContents, parseFileIndex } from './readCanonical.ts'
import type { Staging } from './staging.ts'
import { parseHeader, TAR_BLOCK } from './tarHeader.ts'

const SMALL_CAP = 1024 * 1024
const PAX_CAP = 64 * 1024
const MAX_ENTRIES = 200_000
const FOLDERS = new Set(['', '.', 'blobs', 'blobs/', 'blobs/sha256', 'blobs/sha256/'])
const BLOB = /^blobs\/sha256\/([0-9a-f]{64})$/

/** Reads the whole file into the staging area. Throws `E_BAD_FORMAT`, `E_CORRUPT`, `E_TOO_LARGE`, `E_AMBIGUOUS`. */
export async function readLenient(reader: ByteReader, staging: Staging): Promise<CartridgeContents> {
  const { layout, index } = await readEntries(reader, staging)
  if (layout === undefined || index === undefined) throw bad('oci-layout or index.json is missing')
  if (!layoutSchema.safeParse(json(layout)).success) throw bad('oci-layout is not of version 1.0.0')

  const roots: Root[] = []
  const entries = new Map(parseFileIndex(index).map(entry => [entry.digest, entry]))
  for (const { digest, size } of entries.values()) {
    if (size > MANIFEST_CAP) throw new StatePackError('E_TOO_LARGE', 'A manifest is over 8 MiB.', { digest, size })
    const bytes = await staging.read(digest)
    if (bytes.byteLength !== size) throw bad('index.json gives a manifest another size than it has')
    roots.push({ digest, size, manifest: parseManifest(bytes) })
  }
  const packets = roots.filter(({ manifest }) => manifest.artifactType === CARTRIDGE_ARTIFACT)
  const [packet] = packets
  if (packet === undefined) throw bad('it holds no cartridge')
  if (packets.length > 1)
    throw new StatePackError('E_AMBIGUOUS', 'The file holds more than one cartridge.', { count: packets.length })
  const referrers = roots.filter(({ manifest }) => manifest.subject?.digest === packet.digest)
  referrers.sort((a, b) => (a.digest < b.digest ? -1 : 1))

  const needed = new Set<Digest>()
  for (const { digest, manifest } of [packet, ...referrers]) {
    needed.add(digest)
    for (const blob of blobsOf(manifest)) {
      needed.add(blob.digest)
      staging.expect(blob)
    }
  }
  await staging.keepOnly(needed)
  return { packet, referrers }
}

async function readEntries(reader: ByteReader, staging: Staging): Promise<{ layout?: Uint8Array; index?: Uint8Array }> {
  const small = new Map<string, Uint8Array>()
  let pax: PaxClaims = {}
  for (let entries = 0; ; entries++) {
    if (entries > MAX_ENTRIES)
      throw new StatePackError('E_TOO_LARGE', 'The file has too many entries.', { MAX_ENTRIES })
    // The two end blocks may be cut off, and tools pad with as many zeros as they like: both mean the same end.
    if (await reader.atEnd()) break
    const block = await reader.take(TAR_BLOCK)
    if (block.every(byte => byte === 0)) break
    const header = parseHeader(block)
    const entry = header.kind === 'pax' ? header : { ...header, name: pax.path ?? header.name }
    if (entry.kind !== 'pax') {
      // A name may come from an extension, as POSIX says; a second size would give the file two readings.
      if ((pax.size ?? String(entry.size)) !== String(entry.size)) throw bad('a tar extension resizes an entry')
      pax = {}
    }
    const name = entry.name.replace(/^\.\//, '')
    const padding = (TAR_BLOCK - (entry.size % TAR_BLOCK)) % TAR_BLOCK
    if (entry.kind === 'folder') {
      if (!FOLDERS.has(name)) throw bad('it has a folder that does not belong there')
      continue
    }
    if (entry.kind === 'pax') {
      if (entry.size > PAX_CAP)
        throw new StatePackError('E_TOO_LARGE', 'A tar extension is too long.', { size: entry.size })
      pax = { ...pax, ...parsePax(await reader.take(entry.size)) }
    } else if (name === 'oci-layout' || name === 'index.json') {
      if (entry.size > SMALL_CAP) throw new StatePackError('E_TOO_LARGE', `${name} is too large.`, { size: entry.size })
      if (small.has(name)) throw bad(`${name} is there twice`)
      small.set(name, await reader.take(entry.size))
    } else {
      const hex = BLOB.exec(name)?.[1]
      if (hex === undefined) throw bad('it has a file that does not belong there')
      const digest = parseDigest(hex)
      if (staging.has(digest)) throw bad('a blob is there twice')
      const descriptor = { mediaType: 'application/octet-stream', digest, size: entry.size }
      await staging.add(reader.stream(entry.size), descriptor)
    }
    await reader.take(padding)
  }
  return { layout: small.get('oci-layout'), index: small.get('index.json') }
}

interface PaxClaims {
  readonly path?: string
  readonly size?: string
}

/** What an extension says about name and size; times and owners are ignored, links and sparse files refused. */
function parsePax(bytes: Uint8Array): PaxClaims {
  const text = new TextDecoder('latin1').decode(bytes)
  const claims: { path?: string; size?: string } = {}
  for (let at = 0; at < text.length; ) {
    const length = /^([1-9][0-9]{0,5}) ([^=\n]+)=/.exec(text.slice(at, at + 200))
    const end = at + Number(length?.[1])
    if (length === null || end > text.length || text[end - 1] !== '\n') throw bad('a tar extension is malformed')
    const key = length[2] ?? ''
    const value = text.slice(at + length[0].length, end - 1)
    if (key === 'path' || key === 'size') claims[key] = value
    else if (/^(linkpath|GNU\.|SCHILY\.)/.test(key))
      throw bad('a tar extension makes an entry something else than a file')
    at = end
  }
  return claims
}

function json(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes)
  } catch {
    return null
  }
}

function bad(what: string): StatePackError {
  return new StatePackError('E_BAD_FORMAT', `Not an OCI layout with a cartridge: ${what}.`)
}
