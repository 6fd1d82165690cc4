import { precisionSchema } from '#shared/rpc/methods/models.ts'

export type Precision = (typeof precisionSchema.options)[number]

/** What each precision is good for; memory is that of the weights, against float32. */
export const PRECISIONS = [
  { id: 'float32', label: 'float32', description: 'Exact: what the others are measured against.' },
  { id: 'float16', label: 'float16', description: 'Half the memory. The difference is rarely seen.' },
  { id: 'int8', label: 'int8', description: 'About a quarter of the memory. Answers seldom change.' },
  { id: 'int4', label: 'int4', description: 'About a sixth of the memory. Answers change more often.' },
] as const satisfies readonly { readonly id: Precision; readonly label: string; readonly description: string }[]

/** A model's precision as one of the choices; null for one that is none of them (an exported file's own, say). */
export function asPrecision(text: string): Precision | null {
  return precisionSchema.safeParse(text).data ?? null
}
