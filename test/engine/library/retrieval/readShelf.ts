import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const shelfSchema = z.strictObject({
  cartridges: z.array(z.strictObject({ name: z.string(), text: z.string(), questions: z.array(z.string()).length(3) })),
  /** What no cartridge answers. */
  unanswered: z.array(z.string()),
})

/** Texts of twenty cartridges, three questions to each, and questions that none answers. */
export async function readShelf(): Promise<z.infer<typeof shelfSchema>> {
  return shelfSchema.parse(JSON.parse(await readFile(join(import.meta.dirname, 'library.json'), 'utf8')))
}
