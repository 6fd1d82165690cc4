import { expect, it } from 'vitest'
import { parseChallenges } from '#engine/registry/challenges.ts'
import { parseReference, showReference } from '#engine/registry/reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

it.each([
  ['ghcr.io/you/handbook:v1', 'https://ghcr.io/', 'you/handbook', 'v1', null],
  ['GHCR.io/you/handbook', 'https://ghcr.io/', 'you/handbook', null, null],
  [`registry.example:8443/a/b/c@${digest}`, 'https://registry.example:8443/', 'a/b/c', null, digest],
  [`localhost:5000/x:y@${digest}`, 'http://localhost:5000/', 'x', 'y', digest],
  ['localhost/x', 'http://localhost/', 'x', null, null],
  ['127.0.0.1:5000/x', 'http://127.0.0.1:5000/', 'x', null, null],
  ['[::1]:5000/x', 'http://[::1]:5000/', 'x', null, null],
  ['https://localhost:5000/x', 'https://localhost:5000/', 'x', null, null],
  ['http://registry.lan/x', 'http://registry.lan/', 'x', null, null],
  ['oci://ghcr.io/you/x', 'https://ghcr.io/', 'you/x', null, null],
  ['docker.io/you/x:1', 'https://registry-1.docker.io/', 'you/x', '1', null],
  ['docker.io/x', 'https://registry-1.docker.io/', 'library/x', null, null],
])('reads %s', (text, home, repository, tag, named) => {
  const reference = parseReference(text)
  expect([reference.home.href, reference.repository, reference.tag, reference.digest]).toEqual([
    home,
    repository,
    tag,
    named,
  ])
  expect(parseReference(showReference({ ...reference, registry: reference.home.origin }))).toMatchObject({
    home: reference.home,
    repository,
  })
})

it.each([
  ...[
    '',
    'handbook',
    'you/handbook:v1',
    'ghcr.io',
    'ghcr.io/',
    'ghcr.io/You/x',
    'ghcr.io/../x',
    'ghcr.io//x',
    'ghcr.io/x/',
  ],
  ...[
    'ghcr.io/x:',
    'ghcr.io/x:.a',
    'ghcr.io/x:a:b',
    'ghcr.io/x@sha256:abc',
    `ghcr.io/x@${digest}@${digest}`,
    'ghcr.io/x?y',
  ],
  ...[
    'ghcr.io/x%2fy',
    'user:secret@ghcr.io/x',
    'ghcr.io:99999/x',
    'file:///etc/passwd',
    'ghcr.io/x y',
    'ghcr.io\\evil/x',
    'a..b/x',
  ],
  `ghcr.io/${'x'.repeat(300)}`,
])('refuses %s', text => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'E_BAD_INPUT' }))
})

it('reads what a registry asks for', () => {
  const [one, two] = parseChallenges(
    'Basic realm="a \\"b\\", c", Bearer realm="https://x/token",service=s,scope="r:x:pull,push"',
  )
  expect([one?.scheme, one?.parameters.get('realm')]).toEqual(['basic', 'a "b", c'])
  expect(Object.fromEntries(two?.parameters ?? [])).toEqual({
    realm: 'https://x/token',
    service: 's',
    scope: 'r:x:pull,push',
  })
  expect(parseChallenges('Basic')).toHaveLength(1)
  expect(parseChallenges('')).toEqual([])
  expect(parseChallenges(`Bearer ${'a'.repeat(100_000)}`)).toEqual([])
})
