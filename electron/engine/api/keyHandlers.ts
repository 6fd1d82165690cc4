import type { Handlers } from '#shared/rpc/contract.ts'
import type { Keys } from '#shared/rpc/methods/keys.ts'
import { forgetPublisher, knownPublishers } from '../packets/publishers.ts'
import { acceptRevocation, exportKey, importKey, revokeKey, rotateKeys } from '../receipts/keyChanges.ts'
import { publicPem, trustKey } from '../receipts/keys.ts'
import type { EngineState } from './engineState.ts'

type Owned = Extract<keyof Handlers, `keys.${string}`>

export function keyHandlers(state: EngineState): Pick<Handlers, Owned> {
  const { keys } = state
  const view = (): Keys => ({
    keyid: keys.current.keyid,
    publicKey: publicPem(keys.current),
    own: keys.trusted.map(({ keyid }) => keyid).filter(keyid => keyid !== keys.current.keyid),
    revoked: [...keys.revoked],
    publishers: knownPublishers(state),
  })
  async function changed<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const result = await keys.change(work)
    state.emit('settings.changed', {})
    return result
  }
  return {
    'keys.status': async () => view(),
    'keys.export': async ({ passphrase }) => ({
      fileName: `signing-key-${keys.current.keyid.slice(0, 8)}.json`,
      text: await exportKey(keys.folder, passphrase),
    }),
    'keys.import': async ({ text, passphrase }) => {
      await changed(folder => importKey(folder, text, passphrase))
      return view()
    },
    'keys.rotate': async () => {
      await changed(rotateKeys)
      return view()
    },
    'keys.revoke': async () => {
      const { certificate } = await changed(revokeKey)
      return { keys: view(), certificate }
    },
    'keys.acceptRevocation': async ({ certificate }) => {
      await changed(folder => acceptRevocation(folder, certificate))
      return view()
    },
    'keys.trust': async ({ publicKey }) => {
      await changed(folder => trustKey(folder, publicKey))
      return view()
    },
    'keys.forget': async ({ keyid }) => {
      forgetPublisher(state, keyid)
      state.emit('settings.changed', {})
      return view()
    },
  }
}
