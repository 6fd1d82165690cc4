import { digestSchema } from '#shared/domain/cartridge.ts'

/** Where cartridges are asked. */
export function askAddress(packetIds: readonly string[]): string {
  return packetIds.length === 0 ? '/ask' : `/ask/${packetIds.map(encodeURIComponent).join(',')}`
}

/** The cartridges that an address names: several digests, or one reference of any kind. */
export function slotsIn(parameter: string | undefined): readonly string[] {
  if (parameter === undefined) return []
  const parts = parameter.split(',')
  return parts.every(part => digestSchema.safeParse(part).success) ? parts : [parameter]
}
