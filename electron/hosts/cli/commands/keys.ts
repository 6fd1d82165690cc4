import type { Command } from 'commander'
import { StatePackError } from '#shared/domain/error.ts'
import type { Keys } from '#shared/rpc/methods/keys.ts'
import { readBytes, readTextFile } from '../readInput.ts'
import { type GlobalOptions, runCommand, type Session } from '../run.ts'
import { assertReplaceable, writeOutput } from '../writeOutput.ts'

interface PassphraseOptions extends GlobalOptions {
  readonly passphraseFile?: string
}

const PASSPHRASE = 'where the passphrase stands, - for standard input (default: STATEPACK_PASSPHRASE)'

/** keys show, export, import, rotate, revoke, trust, forget, block, unblock: what receipts are signed with, and whose signatures count. */
export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('the keys that receipts and shared cartridges are signed with')
  const run = (options: GlobalOptions, work: (session: Session) => Promise<Keys>) =>
    runCommand(options, async session => shown(await work(session)))

  keys
    .command('show')
    .description(
      'the public key of this installation, for another machine of yours to trust, and whose signatures count',
    )
    .action((options: GlobalOptions) => run(options, ({ client }) => client.call('keys.status', {})))

  keys
    .command('export')
    .description('write the signing key, sealed with a passphrase, for another machine of yours')
    .requiredOption('--out <file>', 'where to write it')
    .option('--passphrase-file <file>', PASSPHRASE)
    .action(({ out, ...options }: PassphraseOptions & { out: string }) =>
      runCommand(options, async ({ client }) => {
        await assertReplaceable(out, isKeyFile)
        const { text } = await client.call('keys.export', { passphrase: await passphraseOf(options) })
        await writeOutput(out, text, isKeyFile)
        return { file: out }
      }),
    )

  keys
    .command('import')
    .description('sign with an exported key from now on; what the one before signed stays valid')
    .argument('<file>', 'what keys export wrote')
    .option('--passphrase-file <file>', PASSPHRASE)
    .action((file: string, options: PassphraseOptions) =>
      run(options, async ({ client }) => {
        const text = new TextDecoder().decode(await readBytes(file))
        return client.call('keys.import', { text, passphrase: await passphraseOf(options) })
      }),
    )

  keys
    .command('rotate')
    .description('sign with a new key from now on, for which the old one signs; what the old one signed stays valid')
    .action((options: GlobalOptions) => run(options, ({ client }) => client.call('keys.rotate', {})))

  keys
    .command('revoke')
    .description('give up the key in use, which someone else may have; or take in another’s certificate of that')
    .argument('[file]', 'the certificate of a publisher; without one, this installation’s own key is revoked')
    .option('--out <file>', 'where to write the certificate, for those who trusted the key')
    .action((file: string | undefined, options: GlobalOptions & { out?: string }) =>
      runCommand(options, async ({ client }) => {
        if (file !== undefined) {
          const certificate = new TextDecoder().decode(await readBytes(file))
          return shown(await client.call('keys.acceptRevocation', { certificate }))
        }
        const { out } = options
        if (out !== undefined) await assertReplaceable(out, isCertificate)
        const revoked = await client.call('keys.revoke', {})
        if (out === undefined) return { ...shown(revoked.keys), certificate: revoked.certificate }
        await writeOutput(out, revoked.certificate, isCertificate)
        return { ...shown(revoked.keys), file: out }
      }),
    )

  keys
    .command('trust')
    .description('take the receipts of another machine of yours as your own')
    .argument('<file>', 'its public key, PEM; - for standard input')
    .action((file: string, options: GlobalOptions) =>
      run(options, async ({ client }) => client.call('keys.trust', { publicKey: await readTextFile(file) })),
    )

  keys
    .command('forget')
    .description('trust a publisher no longer')
    .argument('<keyid>', 'as keys show lists it')
    .action((keyid: string, options: GlobalOptions) =>
      run(options, ({ client }) => client.call('keys.forget', { keyid })),
    )

  const block = (keyid: string, blocked: boolean, { name, ...options }: GlobalOptions & { name?: string }) =>
    runCommand(options, ({ client }) =>
      client.call('share.block', { keyid, name: name ?? `${keyid.slice(0, 16)}…`, blocked }),
    )
  keys
    .command('block')
    .description('take in nothing that a publisher has signed, and show none of it in catalogues')
    .argument('<keyid>', 'as show-available lists it')
    .option('--name <name>', 'what to call them in the list')
    .action((keyid: string, options: GlobalOptions & { name?: string }) => block(keyid, true, options))
  keys
    .command('unblock')
    .description('take that back')
    .argument('<keyid>', 'as catalogues list shows it')
    .action((keyid: string, options: GlobalOptions) => block(keyid, false, options))
}

function shown({ keyid, publicKey, own, revoked, publishers }: Keys) {
  return { keyid, public_key: publicKey, trusted: [keyid, ...own], revoked, publishers }
}

/** Never a flag: the process list shows those to everyone on the machine. */
async function passphraseOf({ passphraseFile }: PassphraseOptions): Promise<string> {
  if (passphraseFile !== undefined)
    return new TextDecoder().decode(await readBytes(passphraseFile)).replace(/\r?\n$/, '')
  const given = process.env.STATEPACK_PASSPHRASE
  if (given !== undefined && given !== '') return given
  throw new StatePackError('E_USAGE', 'Give the passphrase in a file (--passphrase-file) or in STATEPACK_PASSPHRASE.')
}

const isKeyFile = (beginning: Buffer) => beginning.toString('latin1').startsWith('{"cipher":"')
const isCertificate = (beginning: Buffer) => beginning.toString('latin1').startsWith('{"payload":"')
