import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { StatePackError } from '#shared/domain/error.ts'
import { findForeign, verifyForeign } from '../foreignPacket.ts'
import { integers, positive } from '../parseOption.ts'
import { pointerPath } from '../pointerFile.ts'
import { fileNamed, REFERENCE, resolveReference } from '../references.ts'
import { finish, type GlobalOptions, print, runCommand } from '../run.ts'
import { baseSha256, type ManifestOptions, withManifest } from '../withManifest.ts'
import { verifyFile } from './transfer.ts'

/** verify, compact, remix, resolve: with State Pack's own flags where it has them. */
export function addPacketCommands(program: Command): void {
  program
    .command('verify')
    .description('check a cartridge')
    .requiredOption('--manifest <ref>', `${REFERENCE}, or .cartridge file`)
    .addOption(
      new Option('--level <level>', 'bytes; signatures, too; or the text read again')
        .choices(['intact', 'signed', 'recomputed'])
        .default('intact'),
    )
    .option('--sample <n>', 'replay only n random blocks', positive)
    .action(verify)

  program
    .command('compact')
    .description('fold a chain of merges into one exact state')
    .argument('<ref>', REFERENCE)
    .option('--drop <n...>', 'texts of the chain to leave out, from 0', integers)
    .option('--name <name>', 'what to call the result')
    .action(compact)

  program
    .command('remix')
    .description('mix recurrent states, or read several cartridges’ texts again in this order')
    .argument('<refs...>', `${REFERENCE}; for a mix each may end with =weight`)
    .option('--compose', 'read the texts again instead of mixing')
    .option('--name <name>', 'what to call the result')
    .action(remix)

  program
    .command('resolve')
    .description('find a cartridge')
    .requiredOption('--base-hash <ref>', REFERENCE)
    .action(resolve)
}

type Level = 'intact' | 'signed' | 'recomputed'

async function verify(options: ManifestOptions & { level: Level; sample?: number }): Promise<void> {
  const { level, sample, manifest } = options
  await finish(async () => {
    const file = /\.cartridge$/i.test(manifest) ? fileNamed(manifest, options) : null
    if (file !== null) {
      if (level === 'intact') return verifyFile(file, options)
      throw new StatePackError('E_NOT_SUPPORTED', 'Import the file first: a file alone can only be checked as intact.')
    }
    await withManifest(
      options,
      async ({ client, call }, found) => {
        const { receipt, ...result } = await client.call('packets.verify', { ref: found.packetId, level, sample }, call)
        return {
          ...receipt,
          base_sha256: baseSha256(found),
          bytes: found.blobBytes,
          level: result.level,
          checks: result.checks,
          max_abs_diff: result.maxAbsDiff,
          max_share: result.maxShare,
          rms_share: result.rmsShare,
          tokens_processed: result.tokensProcessed,
          detection_probability: result.detectionProbability,
          unproven_tokens: result.unprovenTokens,
        }
      },
      level === 'intact' ? verifyForeign : undefined,
    )
  })
}

async function compact(ref: string, options: GlobalOptions & { drop?: number[]; name?: string }): Promise<void> {
  await withManifest({ ...options, manifest: ref }, async ({ client, call }, found) => {
    const { created, stepsFolded, bytesFreed, dropped } = await client.call(
      'packets.compact',
      { ref: found.packetId, dropSteps: options.drop ?? [], name: options.name },
      call,
    )
    const { packetId, contextId } = created.cartridge
    return {
      ...created.receipt,
      new_packet_id: packetId,
      new_context_id: contextId,
      new_state_hash: contextId,
      steps_folded: stepsFolded,
      bytes_freed: bytesFreed,
      dropped,
    }
  })
}

async function remix(refs: string[], options: GlobalOptions & { compose?: boolean; name?: string }): Promise<void> {
  const { name } = options
  await runCommand(options, async session => {
    const { client, call } = session
    const packet = async (ref: string) => (await resolveReference(session, ref)).packetId
    const result =
      options.compose === true
        ? await client.call('remix.compose', { refs: await Promise.all(refs.map(packet)), name }, call)
        : await client.call(
            'remix.mix',
            { parents: await Promise.all(refs.map(ref => weighted(ref, packet))), name },
            call,
          )
    return {
      ...result.receipt,
      new_packet_id: result.cartridge.packetId,
      new_context_id: result.cartridge.contextId,
      name: result.cartridge.name,
    }
  })
}

async function resolve(options: GlobalOptions & { baseHash: string }): Promise<void> {
  await finish(async () => {
    const foreign = options.store === undefined ? null : await findForeign(options.store, options.baseHash)
    if (foreign !== null) return print(foreign)
    await withManifest({ ...options, manifest: options.baseHash }, async (_, found) => {
      const { packetId, contextId, texts, names, blobSha256, blobBytes, cartridge } = found
      return {
        packet_id: packetId,
        context_id: contextId,
        base_sha256: texts[0]?.sha256 ?? null,
        base_bytes: texts[0]?.bytes ?? null,
        blob_sha256: blobSha256,
        blob_bytes: blobBytes,
        model: cartridge.model.name,
        name: cartridge.name,
        names,
        manifest: pointerIn(options.store, texts[0]?.sha256),
        tokens: cartridge.tokens,
        bytes: cartridge.bytes,
      }
    })
  })
}

/** Where State Pack would look for the packet of a text: the pointer file in the store’s folder, if one was written. */
function pointerIn(store: string | undefined, baseSha256: string | undefined): string | null {
  if (store === undefined || baseSha256 === undefined) return null
  const path = pointerPath(store, baseSha256)
  return existsSync(path) ? path : null
}

/** `name=0.7`; without a weight 1. A cartridge that is called so as a whole is meant before any weight. */
async function weighted(text: string, packet: (ref: string) => Promise<string>) {
  const [, ref, weight] = /^(.+)=(\d*\.?\d+)$/.exec(text) ?? []
  try {
    return { ref: await packet(text), weight: 1 }
  } catch (thrown) {
    const isMissing = thrown instanceof StatePackError && thrown.code === 'E_NOT_FOUND'
    if (ref === undefined || !isMissing) throw thrown
    return { ref: await packet(ref), weight: Number(weight) }
  }
}
