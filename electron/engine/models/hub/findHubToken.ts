import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const ITS_HOME = 'https://huggingface.co'

/**
 * The token for the hub of the settings: `HF_TOKEN`, or for Hugging Face itself what `hf auth login` keeps. What that keeps is
 * for its own host, and never sent to a mirror. Undefined without one.
 */
export function findHubToken(endpoint: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.HF_TOKEN) return env.HF_TOKEN
  if (new URL(endpoint).origin !== new URL(env.HF_ENDPOINT || ITS_HOME).origin) return undefined
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface')
  try {
    const kept = readFileSync(env.HF_TOKEN_PATH || join(home, 'token'), 'utf8').trim()
    return kept === '' ? undefined : kept
  } catch {
    // Nobody has logged in, which most people never do.
    return undefined
  }
}
