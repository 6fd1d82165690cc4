import { request } from 'node:https'
import { describe, expect, it } from 'vitest'
import { createApiGate } from '#hosts/api/apiGate.ts'
import { startTestApi } from './startTestApi.ts'
import { cert, key } from './testCertificate.ts'

describe('on a network', () => {
  it('speaks https when it has a certificate, and then no http', async () => {
    const api = await startTestApi({ tls: { cert, key } })
    expect(api.api.address).toMatch(/^https:/)
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(`${api.api.address}/health`, { ca: cert }, response => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      sent.on('error', reject)
      sent.end()
    })
    expect(status).toBe(200)
    await expect(fetch(api.api.address.replace('https', 'http'))).rejects.toThrow()
    await api.close()
  })

  it.each([
    ['127.0.0.1', '127.0.0.1:8321', true],
    ['127.0.0.1', 'localhost:8321', true],
    ['127.0.0.1', '192.168.1.5:8321', false],
    ['127.0.0.1', 'evil.example:8321', false],
    ['127.0.0.1', '127.0.0.1', false],
    ['0.0.0.0', '192.168.1.5:8321', true],
    ['0.0.0.0', '[fe80::1]:8321', true],
    ['0.0.0.0', 'evil.example:8321', false],
    ['0.0.0.0', '192.168.1.5:80', false],
    ['studio.lan', 'studio.lan:8321', true],
  ])('listening on %s answers under %s: %s', (host, header, ok) => {
    const gate = createApiGate({ scheme: 'http', token: 'x'.repeat(16), host, port: 8321, bodyLimit: 10 })
    const rawHeaders = ['Host', header, 'Authorization', `Bearer ${'x'.repeat(16)}`]
    expect(gate({ method: 'GET', url: '/v1/models', rawHeaders }).ok).toBe(ok)
  })
})
