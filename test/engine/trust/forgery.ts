/** Cartridges that lie, consistently re-hashed: every digest in them is right, and so is every other byte of the file. */
import { canonicalBytes } from '#engine/canonicalJson.ts'
import { digestOfList } from '#engine/packets/components.ts'
import { sha256 } from '#engine/sha256.ts'
import { blobName, cartridgeIndexBytes, type Root } from '#engine/store/cartridgeFile/exportCartridge.ts'
import { canonicalHeader, parseHeader, TAR_BLOCK } from '#engine/store/cartridgeFile/tarHeader.ts'
import { parseManifest } from '#engine/store/manifests.ts'
import { encodeSafetensors, parseSafetensors, type SafeTensor } from '#engine/store/safetensors.ts'
import { type CartridgeConfig, type Recipe, recipeSchema } from '#shared/domain/cartridge.ts'
import type { Digest } from '#shared/domain/digest.ts'
import { CARTRIDGE_ARTIFACT, CARTRIDGE_CONFIG, LAYER_TYPES, OCI_MANIFEST } from '#shared/domain/oci.ts'

export interface Layer {
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** A cartridge taken apart. The config is loose on purpose: a forger writes what no schema allows. */
export interface Draft {
  config: CartridgeConfig
  layers: Layer[]
  /** Changes the bytes of the config after everything in it was made consistent. */
  spell?: (config: Uint8Array) => Uint8Array
  /** Further members of the manifest. */
  manifest?: Record<string, unknown>
}

export interface ReferrerDraft {
  readonly artifactType: string
  readonly bytes: Uint8Array
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
export const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Takes a cartridge file apart. */
export function takeApart(file: Uint8Array): Draft {
  const blobs = new Map<string, Uint8Array>()
  let first = ''
  for (let at = 0; at + TAR_BLOCK <= file.byteLength; ) {
    const block = file.subarray(at, at + TAR_BLOCK)
    if (block.every(byte => byte === 0)) break
    const header = parseHeader(block)
    const name = header.kind === 'pax' ? '' : header.name
    const bytes = file.slice(at + TAR_BLOCK, at + TAR_BLOCK + header.size)
    if (name === 'index.json') first = JSON.parse(text(bytes)).manifests[0].digest
    blobs.set(name, bytes)
    at += TAR_BLOCK + Math.ceil(header.size / TAR_BLOCK) * TAR_BLOCK
  }
  const blob = (digest: string) => blobs.get(blobName(digest as never)) ?? new Uint8Array(0)
  const manifest = parseManifest(blob(first))
  return {
    config: JSON.parse(text(blob(manifest.config.digest))),
    layers: manifest.layers.map(({ mediaType, digest }) => ({ mediaType, bytes: blob(digest) })),
  }
}

export function layersOf(draft: Draft, type: string): Layer[] {
  return draft.layers.filter(({ mediaType }) => mediaType === type)
}

/** Replaces the layers of one kind, in their place. */
export function replaceLayers(
  draft: Draft,
  type: string,
  change: (bytes: Uint8Array, place: number) => Uint8Array,
): void {
  let place = 0
  draft.layers = draft.layers.map(layer =>
    layer.mediaType === type ? { ...layer, bytes: change(layer.bytes, place++) } : layer,
  )
}

export function changeRecipe(draft: Draft, change: (recipe: Recipe) => unknown): void {
  replaceLayers(draft, LAYER_TYPES.recipe, bytes => canonicalBytes(change(recipeSchema.parse(JSON.parse(text(bytes))))))
}

export function changeTensors(draft: Draft, type: string, change: (tensors: SafeTensor[]) => SafeTensor[]): void {
  replaceLayers(draft, type, bytes => encodeSafetensors(change([...parseSafetensors(bytes).tensors.values()])))
}

/** Makes every digest in the config that of what is there: the lie then is no broken byte, but a false word. */
export function makeConsistent(draft: Draft): void {
  const { config } = draft
  const digests = (...types: string[]) => types.flatMap(type => layersOf(draft, type).map(({ bytes }) => sha256(bytes)))
  const [tokens] = digests(LAYER_TYPES.tokens)
  const [logits] = digests(LAYER_TYPES.logits)
  if (tokens !== undefined) config.tokens.digest = tokens
  config.tail.digest = sha256(config.tail.text)
  config.cache.blocks = digests(LAYER_TYPES.kv, LAYER_TYPES.ssm)
  const { formatVersion, dtype, blockTokens } = config.cache
  const captured: Record<string, string | undefined> = {
    cache: digestOfList(config.cache.blocks),
    position: sha256(canonicalBytes(config.position)),
    tokens,
    mask: sha256(canonicalBytes(config.attentionMask)),
    config: digestOfList(digests(LAYER_TYPES.modelConfig)),
    logits,
    format: sha256(canonicalBytes({ formatVersion, dtype, blockTokens })),
    prompt: sha256(canonicalBytes(config.promptMeta)),
  }
  for (const component of config.components) {
    const digest = captured[component.id]
    if (component.status === 'captured' && digest !== undefined) component.digest = digest as never
  }
}

/** The cartridge file of a draft, in canonical form. */
export function putTogether(draft: Draft, referrers: readonly ReferrerDraft[] = []): Uint8Array<ArrayBuffer> {
  makeConsistent(draft)
  const plain = canonicalBytes(draft.config)
  const config = draft.spell?.(plain) ?? plain
  const named = ({ mediaType, bytes }: Layer) => ({ mediaType, digest: sha256(bytes), size: bytes.byteLength })
  const blobs = new Map<string, Uint8Array>()
  const keep = (bytes: Uint8Array) => blobs.set(sha256(bytes), bytes)
  const root = (manifest: Uint8Array): Root => {
    keep(manifest)
    return { digest: sha256(manifest), size: manifest.byteLength, manifest: parseManifest(manifest) }
  }
  for (const bytes of [config, ...draft.layers.map(layer => layer.bytes)]) keep(bytes)
  const packet = root(
    canonicalBytes({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: CARTRIDGE_ARTIFACT,
      config: named({ mediaType: CARTRIDGE_CONFIG, bytes: config }),
      layers: draft.layers.map(named),
      ...draft.manifest,
    }),
  )
  const empty = utf8('{}')
  const beside = referrers.map(({ artifactType, bytes }) => {
    keep(bytes)
    keep(empty)
    return root(
      canonicalBytes({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType,
        config: named({ mediaType: 'application/vnd.oci.empty.v1+json', bytes: empty }),
        layers: [named({ mediaType: artifactType, bytes })],
        subject: { mediaType: OCI_MANIFEST, digest: packet.digest, size: packet.size },
      }),
    )
  })
  beside.sort((a, b) => (a.digest < b.digest ? -1 : 1))
  const chunks = fileOf(packet, beside, digest => blobs.get(digest) ?? new Uint8Array(0))
  return new Uint8Array(Buffer.concat([...chunks]))
}

/** A cartridge file in chunks, each blob asked for when its turn has come. */
export function* fileOf(
  packet: Root,
  referrers: readonly Root[],
  blob: (digest: Digest) => Uint8Array,
): Generator<Uint8Array> {
  function* entry(name: string, bytes: Uint8Array) {
    yield canonicalHeader(name, bytes.byteLength)
    yield bytes
    yield new Uint8Array((TAR_BLOCK - (bytes.byteLength % TAR_BLOCK)) % TAR_BLOCK)
  }
  yield* entry('oci-layout', utf8('{"imageLayoutVersion":"1.0.0"}'))
  yield* entry('index.json', cartridgeIndexBytes(packet, referrers))
  const written = new Set<string>()
  for (const { digest, manifest } of [packet, ...referrers]) {
    for (const name of [digest, manifest.config.digest, ...manifest.layers.map(layer => layer.digest)]) {
      if (written.has(name)) continue
      written.add(name)
      yield* entry(blobName(name), blob(name))
    }
  }
  yield new Uint8Array(2 * TAR_BLOCK)
}
