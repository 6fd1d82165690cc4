/** Whether two rows are of the same cartridges, in whatever order. */
export function sameCartridges(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every(packetId => other.includes(packetId))
}
