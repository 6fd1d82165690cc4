import { BlockList, isIP } from 'node:net'

/**
 * How near to this machine an address is, outermost first. `never`: what no server is reached at, among it the addresses
 * by which clouds tell a machine its own secrets.
 */
export const SCOPES = ['public', 'private', 'loopback', 'never'] as const
export type Scope = (typeof SCOPES)[number]

/** IANA's special-purpose address registries (RFC 6890 and its successors). */
const RANGES: readonly (readonly [Scope, readonly string[]])[] = [
  ['loopback', ['0.0.0.0/8', '127.0.0.0/8', '::1/128', '::/128']],
  ['private', ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fe80::/10', 'fec0::/10']],
  [
    'never',
    [
      ...['169.254.0.0/16', '192.0.0.0/24', '192.0.2.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
      ...['224.0.0.0/4', '240.0.0.0/4', 'ff00::/8', '2001:db8::/32', '100::/64', 'fd00:ec2::/32'],
    ],
  ],
]

const LISTS = RANGES.map(([scope, ranges]) => {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4')
  }
  return [scope, list] as const
})

/** Of an IP address as text. IPv6 addresses that carry an IPv4 one count as both. Anything that is no address: `never`. */
export function scopeOf(address: string): Scope {
  const [bare = ''] = address.split('%')
  if (isIP(bare) === 0) return 'never'
  return innermost(
    [bare, ...embedded(bare)].map(one => {
      const family = isIP(one) === 6 ? 'ipv6' : 'ipv4'
      return innermost(LISTS.flatMap(([scope, list]) => (list.check(one, family) ? [scope] : [])))
    }),
  )
}

/** The one nearest to this machine; `public` for none. */
export function innermost(scopes: readonly Scope[]): Scope {
  return SCOPES[Math.max(0, ...scopes.map(scope => SCOPES.indexOf(scope)))] ?? 'never'
}

/** The IPv4 address inside a mapped (::ffff:a.b.c.d), translated (64:ff9b::) or 6to4 (2002:) one. */
function embedded(address: string): string[] {
  if (isIP(address) !== 6) return []
  const groups = groupsOf(address)
  const at = (index: number) => groups[index] ?? 0
  const asIPv4 = (high: number, low: number) => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  if (at(0) === 0x2002) return [asIPv4(at(1), at(2))]
  const isZero = (from: number, to: number) => groups.slice(from, to).every(group => group === 0)
  const isMapped = isZero(0, 5) && (at(5) === 0xffff || (at(5) === 0 && (at(6) !== 0 || at(7) > 1)))
  const isTranslated = at(0) === 0x64 && at(1) === 0xff9b && isZero(3, 6)
  return isMapped || isTranslated || (isZero(0, 4) && at(4) === 0xffff) ? [asIPv4(at(6), at(7))] : []
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // As URLs write it: lower case, a dotted end as two groups, at most one `::`.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const numbers = (part: string) => (part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16)))
  const [left, right] = [numbers(head), numbers(tail ?? '')]
  return tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill(0), ...right]
}
