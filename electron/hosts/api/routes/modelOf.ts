import type { Client } from '#shared/rpc/client.ts'

/** The model a request names; without one that of the settings. */
export async function modelOf(client: Client, model: string | undefined): Promise<string> {
  return model ?? (await client.call('settings.get', {})).defaultModel
}
