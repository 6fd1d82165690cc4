import type { DecodeBatch } from '../inference/decodeBatch.ts'
import { type GenerateOptions, type Generation, generate } from '../inference/generate.ts'
import type { Runtime } from '../inference/runtime.ts'
import type { Session } from '../inference/session.ts'

/** Most sessions that advance in one pass: more would make everyone wait longer than they gain. */
const MOST_ROWS = 32

interface Request {
  readonly session: Session
  readonly token: number
  /** It has had no step yet. */
  readonly isFirst: boolean
  readonly resolve: (step: Step) => void
  readonly reject: (error: unknown) => void
}

interface Step {
  readonly logits: Float32Array
  /** Computed in one pass with others. */
  readonly together: boolean
}

export interface Scheduled extends Generation {
  /** Whether any of its tokens was read in one pass with others': its numbers are then equal to within rounding. */
  readonly batched: boolean
}

/**
 * Who advances when, on one runtime. A session that generates alone runs by itself, bit for bit as always; as soon as
 * several do, they take each step together, joining and leaving between steps. One that is cancelled or fails leaves the
 * others as they are. (Texts are read by the sessions themselves, in chunks that alternate with steps: see `runQueue`.) Who
 * takes part in a step is decided when its turn has come, so whoever comes while a chunk is read waits for no other.
 */
export class Scheduler {
  readonly #batch: DecodeBatch | null
  readonly #turn: Runtime['turn']
  readonly #mostBytes: () => number
  #waiting: Request[] = []
  #isServing = false
  /** The pass under way; nobody leaves the batch meanwhile. */
  #stepping: Promise<unknown> = Promise.resolve()

  /** `mostBytes`: of buffers that a batch may take. */
  constructor(runtime: Pick<Runtime, 'newBatch' | 'turn'>, mostBytes: () => number) {
    this.#batch = runtime.newBatch()
    this.#turn = runtime.turn
    this.#mostBytes = mostBytes
  }

  /** Sessions that are advancing together now. */
  get together(): number {
    return this.#batch?.sessions.length ?? 0
  }

  /**
   * The same as {@link generate}; throws what it throws. Afterwards the session has its state back. `isLast`: nobody goes on from it, so it may
   * be closed instead.
   */
  async generate(
    session: Session,
    logits: Float32Array,
    { isLast, ...options }: GenerateOptions & { readonly isLast?: boolean },
  ): Promise<Scheduled> {
    const batch = this.#batch
    if (batch === null) return { ...(await generate(session, logits, options)), batched: false }
    let batched = false
    let isFirst = true
    const step = async (token: number) => {
      const result = await this.#step(session, { token, isFirst })
      isFirst = false
      batched ||= result.together
      return result.logits
    }
    try {
      return { ...(await generate(session, logits, { ...options, step })), batched }
    } finally {
      await this.#stepping
      batch.leave(session, { isLast })
    }
  }

  #step(session: Session, of: Pick<Request, 'token' | 'isFirst'>): Promise<Step> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ session, ...of, resolve, reject })
      void this.#serve()
    })
  }

  async #serve(): Promise<void> {
    if (this.#isServing) return
    this.#isServing = true
    while (this.#waiting.length > 0) {
      const isFirst = this.#waiting.every(request => request.isFirst)
      // Whoever has just been given logits asks for the next token before the turn comes.
      await this.#turn(isFirst ? 'first step' : 'step', async () => {
        const requests = this.#waiting
        this.#waiting = []
        const pass = this.#pass(requests)
        this.#stepping = pass
        await pass
      })
    }
    this.#isServing = false
  }

  /** One token for each of them; never throws. */
  async #pass(requests: readonly Request[]): Promise<void> {
    const batch = this.#batch
    const [first] = requests
    if (first === undefined || batch === null) return
    const alone = requests.length === 1 && batch.sessions.every(session => session === first.session)
    if (alone && batch.sessions.length === 0) return this.#byItself(first)
    const together: Request[] = []
    for (const request of requests) {
      const { session } = request
      if (!batch.sessions.includes(session)) {
        const fits = batch.sessions.length < MOST_ROWS && batch.bytesWith(session.position) <= this.#mostBytes()
        if (!fits) {
          await this.#byItself(request)
          continue
        }
        try {
          await batch.join(session)
        } catch (error) {
          request.reject(error)
          continue
        }
      }
      together.push(request)
    }
    if (together.length === 0) return
    try {
      const tokens = new Map(together.map(({ session, token }) => [session, token]))
      const after = await batch.step(tokens, { inTurn: true })
      for (const { session, resolve, reject } of together) {
        const logits = after.get(session)
        if (logits === undefined) reject(new Error('a session was left out of its step'))
        else resolve({ logits, together: true })
      }
    } catch (error) {
      for (const { reject } of together) reject(error)
    }
  }

  async #byItself({ session, token, resolve, reject }: Request): Promise<void> {
    try {
      resolve({ logits: await session.append([token], { inTurn: true }), together: false })
    } catch (error) {
      reject(error)
    }
  }
}
