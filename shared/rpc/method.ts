/** One method of the contract: the schema of what goes in and of what comes out. */
import type { z } from 'zod'

export interface Method<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  readonly input: I
  readonly output: O
}

/** The content that passes while a call runs, item by item: in order, each one once, no faster than it is read. */
export interface Streams {
  /** What the engine sends, all of it before the output. */
  readonly sends?: z.ZodType
  /** What the caller may give besides the input. */
  readonly takes?: z.ZodType
}

export function method<I extends z.ZodType, O extends z.ZodType>(input: I, output: O): Method<I, O> {
  return { input, output }
}

export function streaming<I extends z.ZodType, O extends z.ZodType, S extends Streams>(
  input: I,
  output: O,
  streams: S,
): Method<I, O> & S {
  return { input, output, ...streams }
}
