import { describe, expect, it } from 'vitest'
import { scopeOf } from '#engine/network/addressScope.ts'

describe('how near an address is', () => {
  it.each([
    ['public', ['1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '100.63.0.1', '2606:4700::1111', '::ffff:8.8.8.8']],
    ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fc00::1', 'fd12::1']],
    ['private', ['fe80::1', 'fe80::1%eth0', '::ffff:10.0.0.1', '::ffff:a00:1', '2002:a00:1::', '64:ff9b::a00:1']],
    ['loopback', ['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '::1', '::', '::ffff:127.0.0.1', '::7f00:1']],
    ['loopback', ['2002:7f00:1::', '64:ff9b::127.0.0.1', '::ffff:0:127.0.0.1', '::ffff:0.0.0.0']],
    ['never', ['169.254.169.254', '::ffff:169.254.169.254', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::', 'fd00:ec2::254']],
    ['never', ['224.0.0.1', '255.255.255.255', '240.0.0.1', 'ff02::1', '192.0.2.1', '198.18.0.1', '2001:db8::1']],
    ['never', ['', 'localhost', '127.1', '0x7f000001', '1.2.3', '1.2.3.4.5', ':::', 'example.org']],
  ] as const)('%s: %j', (scope, addresses) => {
    for (const address of addresses) expect(scopeOf(address), address).toBe(scope)
  })
})
