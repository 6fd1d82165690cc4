/** What every command shares: folders, an engine in this very process, cancellation, output, exit codes. */
import { join } from 'node:path'
import { createEngine, type Engine } from '#engine/createEngine.ts'
import { openLog } from '#engine/logging/openLog.ts'
import { ERROR_CODES, StatePackError, toStatePackError } from '#shared/domain/error.ts'
import { type CallOptions, type Client, createClient } from '#shared/rpc/client.ts'
import { dispatch } from '../dispatch/dispatch.ts'
import { createInProcessTransport } from '../dispatch/inProcessTransport.ts'
import { createEventHub } from '../eventHub.ts'
import { chooseFolders } from '../folders.ts'
import { assertStore } from './assertStore.ts'
import { inFlags } from './inFlags.ts'
import { createProgressLine } from './progressLine.ts'
import { DEFAULT_MODEL, resolveModel } from './resolveModel.ts'

/** How long a cancelled command may take to end by itself, milliseconds. A second signal ends it at once. */
const STOP_MS = 10_000

/** Options that every command takes. */
export interface GlobalOptions {
  readonly store?: string
  readonly model?: string
  readonly device?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

/** Of a command itself, not of its line. */
export interface RunOptions extends GlobalOptions {
  /** It makes or takes in something, or asks nothing of the store, so the one that is named may begin with it. */
  readonly makesStore?: boolean
}

export interface Session {
  readonly client: Client
  readonly engine: Engine
  /** What `--model` names: an installed model's id. A folder is a model for this run, whatever the command. */
  readonly model: string | undefined
  /** The same; without `--model` the one that came with the Studio. */
  readonly modelOrDefault: string
  /** Cancelled by Ctrl+C; progress goes to stderr unless --quiet. */
  readonly call: CallOptions & { readonly signal: AbortSignal }
}

/** {@link withEngine}; errors go to stderr with their own exit code. */
export async function runCommand(options: RunOptions, command: (session: Session) => Promise<unknown>): Promise<void> {
  await finish(() => withEngine(options, command))
}

/** Opens an engine, runs the command, prints its result as JSON on stdout. Throws what {@link assertStore} throws. */
export async function withEngine(options: RunOptions, command: (session: Session) => Promise<unknown>): Promise<void> {
  const { storeFolder, dataFolder, modelFolders, assetsFolder } = chooseFolders({ store: options.store })
  const isNamed = (options.store ?? process.env.STATEPACK_STORE) !== undefined
  if (isNamed && options.makesStore !== true) assertStore(storeFolder)
  const cancel = new AbortController()
  let forced: NodeJS.Timeout | undefined
  const stop = () => {
    cancel.abort()
    // Native code that does not return hears of no cancelling.
    forced ??= setTimeout(() => {
      printError(new StatePackError('E_CANCELLED', 'Cancelled.'))
      process.exit()
    }, STOP_MS)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  const progress = createProgressLine(options.quiet !== true)
  const hub = createEventHub()
  const log = openLog(join(dataFolder, 'logs'), 'cli')
  const engine = await createEngine({
    ...{ storeFolder, dataFolder, modelFolders, assetsFolder },
    device: options.device,
    starters: false,
    onEvent: hub.emit,
    log,
  })
  try {
    const model = options.model === undefined ? undefined : resolveModel(engine, options.model)
    const result = await command({
      client: createClient(createInProcessTransport(dispatch(engine.handlers, log), hub)),
      ...{ engine, model, modelOrDefault: model ?? DEFAULT_MODEL },
      call: { signal: cancel.signal, onProgress: progress.show },
    })
    progress.end()
    if (result !== undefined) print(result)
  } finally {
    progress.end()
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    await engine.dispose()
    clearTimeout(forced)
  }
}

/** Resolves when this process is asked to end. Heard from this call on, so it comes before anybody is told that something runs. */
export function askedToEnd(): Promise<void> {
  return new Promise(resolve => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}

/** Runs something and turns what it throws into one line on stderr and an exit code. */
export async function finish(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    printError(thrown)
  }
}

/** One line of JSON on stderr, and the exit code that goes with it. */
export function printError(thrown: unknown): void {
  const error = toStatePackError(thrown)
  const { code, details } = error
  const message = inFlags(error)
  process.stderr.write(`${JSON.stringify({ error: { code, message, details } })}\n`)
  process.exitCode = ERROR_CODES[code].exit
}

/** One JSON value on stdout. */
export function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}
