/** Documents: what there is to read in a file. */
import { z } from 'zod'
import { method } from '../method.ts'

export const documentMethods = {
  /** The text of a file, the same from every window and from the command line. Nothing is kept. */
  'documents.extract': method(
    z.strictObject({
      name: z.string().max(1000),
      bytes: z.instanceof(Uint8Array),
      /** Of a text without a byte order mark, where somebody knows it: any WHATWG label, e.g. `windows-1251`. */
      encoding: z.string().min(1).max(40).optional(),
    }),
    z.strictObject({
      text: z.string(),
      /** What made the text, with its version; null where the text is taken as it is. */
      extractor: z.string().nullable(),
      /** Lower-case WHATWG name of its encoding; null for a PDF. */
      encoding: z.string().nullable(),
      /** Nothing says that it is that encoding. */
      guessed: z.boolean(),
    }),
  ),
} as const
