import { expect, test } from 'vitest'
import { assertCartridge } from '#engine/packets/packet.ts'
import { parseDigest } from '#shared/domain/digest.ts'
import { CARTRIDGE_ARTIFACT, CARTRIDGE_CONFIG, LAYER_TYPES, type Manifest, OCI_MANIFEST } from '#shared/domain/oci.ts'

const digest = parseDigest('0'.repeat(64))
const GIB = 2 ** 30

function manifestWith(...layers: { mediaType: string; size: number }[]): Manifest {
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: CARTRIDGE_ARTIFACT,
    config: { mediaType: CARTRIDGE_CONFIG, digest, size: 100 },
    layers: layers.map(layer => ({ ...layer, digest })),
  }
}

test('a manifest whose layers could not be held in memory is refused before any of them is read', () => {
  const { kv, ssm, source, tokens } = LAYER_TYPES
  const right = [kv, kv, ssm].map(mediaType => ({ mediaType, size: GIB }))
  expect(() => assertCartridge(manifestWith(...right, { mediaType: source, size: GIB / 2 }))).not.toThrow()
  for (const mediaType of [kv, ssm]) {
    expect(() => assertCartridge(manifestWith({ mediaType, size: GIB + 1 }))).toThrow(
      expect.objectContaining({
        code: 'E_TOO_LARGE',
        message: expect.stringContaining('a cache layer of more than 1 GiB'),
        details: { mediaType, size: GIB + 1, cap: GIB },
      }),
    )
  }
  // None of the small ones is too large by itself.
  for (const [size, layers] of [
    [GIB, [{ mediaType: tokens, size: GIB }]],
    [(9 * GIB) / 16, Array.from({ length: 9 }, () => ({ mediaType: source, size: GIB / 16 }))],
  ] as const)
    expect(() => assertCartridge(manifestWith(...layers))).toThrow(
      expect.objectContaining({
        code: 'E_TOO_LARGE',
        message: expect.stringContaining('more than 512 MiB together'),
        details: { size, cap: GIB / 2 },
      }),
    )
})
