/** A hostile page in a real browser, against a server that runs: nothing happens, and nothing is read. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from '@playwright/test'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequestJournal } from '#hosts/api/requestJournal.ts'
import { launchChromium } from '../../e2e/chromium.ts'
import { startTestApi, type TestApi } from './startTestApi.ts'

/** Every way a page has to send something or to look at it; what it could read. Runs in the page. */
async function attack({ target, token }: { target: string; token: string }): Promise<string[]> {
  const read: string[] = []
  const body = JSON.stringify({ base_text: 'evil', model: 'starter-transformer', name: 'evil' })
  const authorization = `Bearer ${token}`
  const note = async (what: string, response: Response) => {
    const text = response.type === 'opaque' ? '' : await response.text()
    if (response.ok || text !== '') read.push(`${what} ${response.status} ${text.slice(0, 40)}`)
  }
  const json = 'application/json'
  const tries: [string, RequestInit & { path: string }][] = [
    ['plain', { path: '/health' }],
    ['document', { path: '/openapi.json' }],
    ['key', { path: '/v1/models', headers: { authorization } }],
    ['api key', { path: '/v1/models', headers: { 'x-api-key': token } }],
    ['simple post', { path: '/states', method: 'POST', body }],
    ['form', { path: '/states', method: 'POST', body, headers: { 'content-type': 'text/plain' } }],
    ['json', { path: '/states', method: 'POST', body, headers: { 'content-type': json, authorization } }],
    ['opaque', { path: '/states', method: 'POST', body, mode: 'no-cors' }],
    ['metrics', { path: '/metrics', headers: { authorization }, credentials: 'include' }],
  ]
  for (const [what, { path, ...init }] of tries) {
    await fetch(target + path, init).then(
      response => note(what, response),
      () => {},
    )
  }
  navigator.sendBeacon(`${target}/states`, body)
  for (const path of ['/health', '/openapi.json', '/v1/models']) {
    const script = document.createElement('script')
    script.src = target + path
    const frame = document.createElement('iframe')
    frame.src = target + path
    document.body.append(script, frame)
    await new Promise(done => {
      frame.onload = done
      setTimeout(done, 500)
    })
    try {
      const text = frame.contentDocument?.body.textContent ?? ''
      if (text !== '') read.push(`frame ${text.slice(0, 40)}`)
    } catch {
      // Another origin: not readable.
    }
  }
  await new Promise(done => {
    const socket = new WebSocket(target.replace('http', 'ws'))
    socket.onopen = () => read.push('socket')
    socket.onerror = done
    socket.onclose = done
  })
  return read
}

describe('a hostile page', () => {
  const journal = createRequestJournal(() => {})
  let api: TestApi
  let evil: Server
  let browser: Browser
  const receipts = async () => (await api.client.call('receipts.list', {})).total

  beforeAll(async () => {
    api = await startTestApi({ journal })
    evil = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title><body></body>')
    })
    await new Promise<void>(done => evil.listen(0, '127.0.0.1', done))
    // Every name resolves to this machine: what a rebound DNS name looks like to the browser.
    browser = (await launchChromium(['--host-resolver-rules=MAP *.test 127.0.0.1'])).browser
  })
  afterAll(async () => {
    await browser.close()
    evil.close()
    await api.close()
  })
  const attackFrom = (page: Page, target: string) => page.evaluate(attack, { target, token: api.api.token })

  it('causes nothing and reads nothing, even if it knew the token', async () => {
    const page = await browser.newPage()
    await page.goto(`http://evil.test:${(evil.address() as AddressInfo).port}`)
    expect(await attackFrom(page, api.api.address)).toEqual([])
    expect(journal.read().requests).toBe(0)
    expect(await receipts()).toBe(0)
    await page.close()
  })

  it('gets refusals only when its own name is rebound to the server', async () => {
    const page = await browser.newPage()
    const rebound = `http://rebound.test:${api.api.port}`
    expect((await page.goto(`${rebound}/health`))?.status()).toBe(403)
    const read = await attackFrom(page, rebound)
    expect(read.filter(line => !/ 403 |^frame \{"error":\{"code":"E_FORBIDDEN"/.test(line))).toEqual([])
    expect(journal.read().requests).toBe(0)
    expect(await receipts()).toBe(0)
    await page.close()
  })

  it('would do all that as a program with the token: the traps are live', async () => {
    expect((await api.ask('/states', { base_text: 'good', model: 'starter-transformer' })).status).toBe(200)
    expect(journal.read().requests).toBe(1)
    expect(await receipts()).toBe(1)
  })
})
