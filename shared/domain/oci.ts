/**
 * The parts of the OCI image specification a cartridge is made of: descriptors, manifests, the index, the layout file,
 * and the media types of docs/format.md. Unknown members are dropped from the parsed view; the raw bytes stay the truth.
 */
import { z } from 'zod'
import { type Digest, isDigest } from './digest.ts'

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
/** The config of an artifact that needs none: two bytes, `{}`. */
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json'
/** The annotation by which OCI tools name a manifest in index.json. */
export const OCI_REF_NAME = 'org.opencontainers.image.ref.name'

export const CARTRIDGE_ARTIFACT = 'application/vnd.statepack.cartridge.v1+json'
export const CARTRIDGE_CONFIG = 'application/vnd.statepack.state.v1+json'

/** Layer media types, in the order in which a manifest lists them. */
export const LAYER_TYPES = {
  tokens: 'application/vnd.statepack.tokens.v1',
  kv: 'application/vnd.statepack.kv.v1+safetensors',
  ssm: 'application/vnd.statepack.ssm.v1+safetensors',
  logits: 'application/vnd.statepack.logits.v1+safetensors',
  modelConfig: 'application/vnd.statepack.model-config.v1+json',
  source: 'application/vnd.statepack.source.v1+text',
  recipe: 'application/vnd.statepack.recipe.v1+json',
  card: 'application/vnd.statepack.card.v1+markdown',
} as const
export type LayerType = (typeof LAYER_TYPES)[keyof typeof LAYER_TYPES]

const digestSchema = z.custom<Digest>(isDigest, 'not a sha256 digest')
const mediaType = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/, 'a media type is expected')
const annotations = z.record(z.string(), z.string())

/** Names bytes: what they are, how many, and their digest. */
const descriptorSchema = z.object({
  mediaType,
  digest: digestSchema,
  size: z.number().int().nonnegative(),
  artifactType: mediaType.optional(),
  annotations: annotations.optional(),
})
export type Descriptor = z.infer<typeof descriptorSchema>

export const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.literal(OCI_MANIFEST),
  artifactType: mediaType.optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(100_000),
  /** Set on a referrer (a signature, a trace): the manifest it speaks about. */
  subject: descriptorSchema.optional(),
  annotations: annotations.optional(),
})
export type Manifest = z.infer<typeof manifestSchema>

export const indexSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.literal(OCI_INDEX).optional(),
  manifests: z.array(descriptorSchema),
})
export type OciIndex = z.infer<typeof indexSchema>

export const layoutSchema = z.object({ imageLayoutVersion: z.literal('1.0.0') })

/** Every blob a manifest names, config first, then layers in order; a digest named twice is listed once. */
export function blobsOf(manifest: Manifest): Descriptor[] {
  const byDigest = new Map<Digest, Descriptor>()
  for (const descriptor of [manifest.config, ...manifest.layers]) {
    if (!byDigest.has(descriptor.digest)) byDigest.set(descriptor.digest, descriptor)
  }
  return [...byDigest.values()]
}
