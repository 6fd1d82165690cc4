import { formatBytes } from '../../ui/format.ts'

/** Of a cartridge, before it is made and after: `76.2 kB, 2.5 kB a token`. */
export function sizeText({ bytes, tokens }: { readonly bytes: number; readonly tokens: number }): string {
  return `${formatBytes(bytes)}, ${formatBytes(bytes / Math.max(1, tokens))} a token`
}
