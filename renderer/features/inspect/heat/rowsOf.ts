import type { Inspection, TensorName } from '../inspectData.ts'

export interface HeatRow {
  readonly layer: number
  readonly head: number
}

/** Which layer and head each row of a heat map stands for, in the order of the contract: layers, and their heads inside. */
export function rowsOf(inspection: Pick<Inspection, 'kv' | 'ssm'>, tensor: TensorName): readonly HeatRow[] {
  if (tensor === 'ssm' || tensor === 'conv') return inspection.ssm.map(({ layer }) => ({ layer, head: 0 }))
  return inspection.kv.flatMap(({ layer, kvHeads }) => Array.from({ length: kvHeads }, (_, head) => ({ layer, head })))
}
