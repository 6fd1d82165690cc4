/** Cartridges dragged within the window travel as their packet ids; files never carry this type. */
const TYPE = 'application/x-statepack-packets'

export function writeCartridges(data: DataTransfer, packetIds: readonly string[]): void {
  data.setData(TYPE, JSON.stringify(packetIds))
  data.effectAllowed = 'copyMove'
}

/** True when a drag holds cartridges (while dragging, only types can be seen, not data). */
export function holdsCartridges(data: DataTransfer): boolean {
  return data.types.includes(TYPE)
}

/** The packet ids of a drop; empty when it held none. */
export function readCartridges(data: DataTransfer): readonly string[] {
  try {
    const ids: unknown = JSON.parse(data.getData(TYPE))
    return Array.isArray(ids) ? ids.filter(id => typeof id === 'string') : []
  } catch {
    return []
  }
}
