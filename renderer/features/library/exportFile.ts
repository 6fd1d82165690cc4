import type { CallOptions, Client, Input } from '#shared/rpc/client.ts'
import { createGrowingFile } from '../../ui/growingFile.ts'

/** The `.cartridge` file of a packet, on the disk of this browser and not in memory. Throws what `packets.export` throws. */
export async function exportFile(
  client: Client,
  leaving: Input<'packets.export'>,
  options: CallOptions = {},
): Promise<{ readonly fileName: string; readonly file: Blob }> {
  const growing = await createGrowingFile()
  try {
    const onItem = growing.write
    const { fileName } = await client.call('packets.export', leaving, { ...options, onItem })
    return { fileName, file: await growing.finish() }
  } catch (thrown) {
    await growing.discard()
    throw thrown
  }
}
