/** Answers that programs refer to by an id: what was asked and answered, kept as long as the state that it led to. */
import { z } from 'zod'
import { digestSchema } from '../../domain/cartridge.ts'
import { method } from '../method.ts'

const one = z.strictObject({ id: z.string().min(1).max(200) })
const json = z.record(z.string(), z.unknown())

export const answerMethods = {
  /**
   * Keeps an answer under an id, which stands for its state from then on. `request`: its digest; the same request again replaces
   * what is there, and `isKept` is false where another was answered under this id. `of`: the state that was asked, which the answer
   * is forgotten with; where it is null, or was not stored or is no longer, the answer is forgotten with `state` alone. A `state` that
   * was let go with another answer is back. `E_NOT_FOUND` where `state` was not stored or is forgotten.
   */
  'answers.keep': method(
    one.extend({
      ...{ state: digestSchema, of: digestSchema.nullable(), request: digestSchema },
      ...{ response: json, input: z.array(json) },
    }),
    z.strictObject({ isKept: z.boolean() }),
  ),
  /** What was told with an answer; it counts as a use of its state. `E_NOT_FOUND`. */
  'answers.get': method(one, z.strictObject({ response: json })),
  /** What was asked; it counts as a use, too. `E_NOT_FOUND`. */
  'answers.input': method(one, z.strictObject({ input: z.array(json) })),
  /**
   * Forgets an answer. Its state leaves with it, where nothing else has made it, led to it or holds it; what went on from it stays.
   * `E_NOT_FOUND`.
   */
  'answers.delete': method(one, z.strictObject({})),
} as const
