import type { Client } from '#shared/rpc/client.ts'

/** The model a request names; without one that of the settings. */
export async function modelOf(client: Client, model: string | undefined): Promise<string> {
  return model ?? (await client.call('settings.get', {})).defaultModel
}

/** The model that pieces of a streamed answer name; empty where only the state says which it is, until the answer does. */
export async function modelShown(
  client: Client,
  { model, state }: { readonly model?: string | undefined; readonly state?: string | undefined },
): Promise<string> {
  return state === undefined ? modelOf(client, model) : (model ?? '')
}
