import { join } from 'node:path'
import type { Command } from 'commander'
import { type KeyRing, openKeys, publicPem, rotateKeys, trustKey } from '#engine/receipts/keys.ts'
import { chooseFolders } from '../../folders.ts'
import { readTextFile } from '../readInput.ts'
import { finish, print } from '../run.ts'

/** keys show, rotate, trust: what receipts are signed with, and whose count as one's own. */
export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('the keys that receipts and shared cartridges are signed with')
  const run = (work: (folder: string) => Promise<KeyRing>) =>
    finish(async () => print(view(await work(join(chooseFolders().dataFolder, 'keys')))))

  keys
    .command('show')
    .description('the public key of this installation, for another machine of yours to trust')
    .action(() => run(openKeys))

  keys
    .command('rotate')
    .description('sign with a new key from now on; what the old one signed stays valid')
    .action(() => run(rotateKeys))

  keys
    .command('trust')
    .description('take the receipts of another machine of yours as your own')
    .argument('<file>', 'its public key, PEM; - for standard input')
    .action((file: string) => run(async folder => trustKey(folder, await readTextFile(file))))
}

function view({ current, trusted }: KeyRing) {
  return { keyid: current.keyid, public_key: publicPem(current), trusted: trusted.map(({ keyid }) => keyid) }
}
