/** `statepack serve --api` as its command line is given: it says where it answers, and ends what runs before it ends. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { cert, key } from '../api/testCertificate.ts'
import { openHome } from './statepack.ts'

const home = openHome()
afterAll(() => home.remove())

/** A request with the server's token. */
const asker =
  ({ address, token }: { readonly address: string; readonly token: string }) =>
  (path: string, body?: object) =>
    fetch(address + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

describe('statepack serve --api', () => {
  it('prints address and token, lets in who sends it, and lets a running answer end before it does', async () => {
    const running = await home.start(['serve', '--api', '--device', 'cpu'])
    const { address, token } = running.printed
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(token).toMatch(/^[\w-]{43}$/)
    expect((await fetch(`${address}/health`)).status).toBe(200)
    expect((await fetch(`${address}/states`)).status).toBe(401)

    const ask = asker(running.printed)
    // A model as small as the starter goes on with it for ever.
    const text = 'a b '.repeat(60)
    const base = { base_text: text, model: 'starter-transformer' }
    const { state_hash } = (await (await ask('/states', base)).json()) as { state_hash: string }
    const long = { state_hash, delta_text: text, max_new_tokens: 400, stream: true }
    let written: string
    let answer: ReadableStreamDefaultReader<string>
    do {
      const { body } = await ask('/infer', long)
      answer = (body as ReadableStream).pipeThrough<string>(new TextDecoderStream()).getReader()
      written = (await answer.read()).value ?? ''
      // On a busy machine all of it may have come by the time its beginning is read.
    } while (written.includes('event: result'))
    expect(written).toMatch(/^event: piece/)
    const ended = running.end()
    for (let read = await answer.read(); !read.done; read = await answer.read()) written += read.value
    const [, result = '{}'] = /event: result\ndata: (.*)\n/.exec(written) ?? []
    expect(JSON.parse(result), written.slice(-500)).toMatchObject({
      finish_reason: 'length',
      tokens: { generated: 400 },
    })
    const { code, stderr } = await ended
    expect(code).toBe(0)
    expect(stderr).not.toContain('"error"')
    await expect(ask('/health')).rejects.toThrow()
  })

  it('goes on from what another run of it has stored, under the token of the environment', async () => {
    const first = await home.start(['serve', '--api', '--device', 'cpu'])
    const base = { base_text: 'The deposit is 1800 euros. ', model: 'starter-transformer' }
    const { state_hash } = (await (await asker(first.printed)('/states', base)).json()) as { state_hash: string }
    await first.end()

    const token = 'sixteen-or-more-characters'
    const running = await home.start(['serve', '--api', '--device', 'cpu'], { env: { STATEPACK_TOKEN: token } })
    expect(running.printed.token).toBe(token)
    const { states } = (await (await asker(running.printed)('/states?query=deposit')).json()) as { states: unknown[] }
    expect(states).toContainEqual(expect.objectContaining({ state_hash }))
    expect((await running.end()).code).toBe(0)
  })

  it('speaks https with a certificate and its key', async () => {
    const files = [await home.write('cert.pem', cert), await home.write('key.pem', key)] as const
    const running = await home.start(['serve', '--api', '--tls-cert', files[0], '--tls-key', files[1]])
    expect(running.printed.address).toMatch(/^https:/)
    expect((await running.end()).code).toBe(0)
  })

  it.each([
    ['a port that is none', ['--port', '70000'], 'E_USAGE'],
    ['no queue', ['--queue', '0'], 'E_USAGE'],
    ['a token that can be guessed', ['--token', 'short'], 'E_USAGE'],
    ['a certificate without its key', ['--tls-cert', 'cert.pem'], 'E_USAGE'],
    ['a certificate that is not there', ['--tls-cert', 'none.pem', '--tls-key', 'none.pem'], 'E_NOT_FOUND'],
    ['a certificate that is none', ['--tls-cert', 'text.pem', '--tls-key', 'key.pem'], 'E_BAD_INPUT'],
    ['a key that is none', ['--tls-cert', 'cert.pem', '--tls-key', 'text.pem'], 'E_BAD_INPUT'],
    ['a certificate as its own key', ['--tls-cert', 'cert.pem', '--tls-key', 'cert.pem'], 'E_BAD_INPUT'],
    ['a place that is none', ['--registry', 'no place'], 'E_BAD_INPUT'],
    ['an empty certificate', ['--tls-cert', 'empty.pem', '--tls-key', 'key.pem'], 'E_BAD_INPUT'],
    ['an empty key', ['--tls-cert', 'cert.pem', '--tls-key', 'empty.pem'], 'E_BAD_INPUT'],
    ['a key of another kind', ['--tls-cert', 'cert.pem', '--tls-key', 'other.pem'], 'E_BAD_INPUT'],
  ])('refuses %s before it starts an engine', async (_, args, code) => {
    await home.write('text.pem', 'nothing of that kind')
    await home.write('empty.pem', '')
    const other = generateKeyPairSync('ed25519').privateKey
    await home.write('other.pem', String(other.export({ type: 'pkcs8', format: 'pem' })))
    await home.write('cert.pem', cert)
    await home.write('key.pem', key)
    const ran = await home.run(['serve', '--api', ...args])
    expect(ran.error()).toMatchObject({ code })
    expect(ran.stdout).toBe('')
  })

  it('is not taken for a window that is served on the network', async () => {
    for (const option of ['--token', '--tls-cert', '--tls-key', '--registry', '--token-host'])
      expect((await home.run(['serve', option, 'something'])).error()).toMatchObject({ code: 'E_USAGE' })
  })
})
