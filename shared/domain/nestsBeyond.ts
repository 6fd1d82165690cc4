/** Whether a value of JSON holds lists and objects within each other for more than `levels` levels. Looks no deeper. */
export function nestsBeyond(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(inner => nestsBeyond(inner, levels - 1))
}
