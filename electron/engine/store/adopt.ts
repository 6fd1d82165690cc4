/**
 * A store whose library is gone, or an OCI layout that another tool wrote: its cartridges are entered again, restricted,
 * until the user trusts them or they are recomputed here.
 */
import { type Digest, parseDigest } from '#shared/domain/digest.ts'
import { isName } from '#shared/domain/name.ts'
import { type Descriptor, indexSchema, OCI_REF_NAME } from '#shared/domain/oci.ts'
import { describeAll } from './describePackets.ts'
import { readManifest } from './manifests.ts'
import type { StoreParts } from './storeParts.ts'
import { parseStrictJson } from './strictJson.ts'

const INDEX_CAP = 256 * 1024 * 1024

/** Enters every cartridge and referrer found among the blobs; returns how many. */
export async function adoptPackets(store: StoreParts): Promise<number> {
  const names = await namesInIndex(store)
  const digests = (await store.fs.list(store.layout.blobs)).filter(name => /^[0-9a-f]{64}$/.test(name)).map(parseDigest)
  const candidates: Digest[] = []
  for (const digest of digests) {
    try {
      const manifest = await readManifest(store.blobs, digest)
      if (manifest.subject === undefined) candidates.push(digest)
      else {
        const artifactType = manifest.artifactType ?? manifest.config.mediaType
        const size = (await store.blobs.size(digest)) ?? 0
        store.library.referrers.add({ digest, subject: manifest.subject.digest, artifactType, size }, store.now())
      }
    } catch {
      // A layer or a config: most blobs are no manifests.
    }
  }
  const described = await describeAll(store.blobs, store.describe, candidates)
  for (const { packetId, entry } of described) {
    store.library.packets.enter({
      packetId,
      contextId: entry.contextId,
      dtype: entry.dtype,
      size: (await store.blobs.size(packetId)) ?? 0,
      trust: 'restricted',
      names: names.get(packetId) ?? [],
      at: store.now(),
    })
  }
  store.index.put(described)
  return described.length
}

async function namesInIndex(store: StoreParts): Promise<Map<Digest, string[]>> {
  const names = new Map<Digest, string[]>()
  for (const { digest, annotations } of await readIndex(store)) {
    const name = annotations?.[OCI_REF_NAME]
    // What another tool calls a thing is no name here when references would take it for something else.
    if (name !== undefined && isName(name)) names.set(digest, [...(names.get(digest) ?? []), name])
  }
  return names
}

async function readIndex(store: StoreParts): Promise<readonly Descriptor[]> {
  try {
    const file = await store.fs.open(store.layout.indexFile, 'read')
    try {
      const size = await file.size()
      if (size > INDEX_CAP) return []
      return indexSchema.parse(parseStrictJson(await file.read(0, size))).manifests
    } finally {
      await file.close()
    }
  } catch {
    // Derived: without it the cartridges are found all the same, only without names.
    return []
  }
}
