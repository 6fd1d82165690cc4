import type { Fingerprint } from '#shared/domain/cartridge.ts'
import { StatePackError, toStatePackError } from '#shared/domain/error.ts'
import type { ModelEntry } from '../models/modelEntry.ts'
import { type ModelRegistry, requireOnline } from './modelRegistry.ts'

/**
 * The installed model a state belongs to: one with the same fingerprint, else the one of the same name (so that a mismatch can
 * be named). Throws `E_UNKNOWN_MODEL`, `E_MODEL_OFFLINE`, or why the model of that name cannot be opened.
 */
export async function modelOfState(
  models: Pick<ModelRegistry, 'entries' | 'describe' | 'open'>,
  fingerprint: Fingerprint,
  same: (a: Fingerprint, b: Fingerprint) => boolean,
): Promise<ModelEntry> {
  let named: ModelEntry | null = null
  const failures: { readonly id: string; readonly error: StatePackError }[] = []
  const all = models.entries()
  const offline = all.find(entry => entry.offline && entry.id === fingerprint.name)
  const [byName, others] = [all.filter(e => e.id === fingerprint.name), all.filter(e => e.id !== fingerprint.name)]
  for (const entry of [...byName, ...others]) {
    const failed = (error: unknown) => {
      failures.push({ id: entry.id, error: toStatePackError(error) })
      return null
    }
    if (entry.offline) continue
    // Headers first: weights of another kind of model need not be hashed to know that they are others.
    const described = await models.describe(entry).catch(failed)
    if (described === null) continue
    if (described.architecture !== fingerprint.architecture && entry.id !== fingerprint.name) continue
    const model = await models.open(entry).catch(failed)
    if (model === null) continue
    if (same(model.fingerprint, fingerprint)) return entry
    if (entry.id === fingerprint.name) named = entry
  }
  if (named !== null) return named
  if (offline !== undefined) requireOnline(offline)
  throw notFound(fingerprint, failures)
}

/** A model of that name which cannot be opened is the one that is needed, as far as anybody can tell: its own words then. */
function notFound(
  { name, weightsDigest }: Fingerprint,
  failures: readonly { readonly id: string; readonly error: StatePackError }[],
): StatePackError {
  const own = failures.find(({ id }) => id === name)
  if (own !== undefined) {
    const message = `This cartridge needs the model "${name}", which cannot be opened: ${own.error.message}`
    return new StatePackError(own.error.code, message, { ...own.error.details, model: name }, own.error)
  }
  const others = failures.map(({ id, error }) => `${id} (${error.message})`).join(', ')
  const unseen = others === '' ? '' : ` Models that could not be opened, and might be it: ${others}`
  const message = `This cartridge needs the model "${name}", which is not installed.${unseen}`
  return new StatePackError('E_UNKNOWN_MODEL', message, { model: name, weightsDigest })
}
