/** The loopback host against a real browser: other pages in it, and the Studio's own. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import type { Browser, Page } from '@playwright/test'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadPageAssets } from '#hosts/loopback/pageAssets.ts'
import { FRAME_TYPE } from '#shared/rpc/codec.ts'
import { freshBuild } from '../../../scripts/freshBuild.mjs'
import { launchChromium } from '../../e2e/chromium.ts'
import { startTestServer, type TestServer } from './startTestServer.ts'

const root = resolve(import.meta.dirname, '../../..')
const sleep = (ms: number) => new Promise(done => setTimeout(done, ms))

/** Every way a page has of sending something to an address it does not own. Runs in the page; returns what it could read. */
async function attack({ target, type, token }: { target: string; type: string; token: string }): Promise<string[]> {
  const read: string[] = []
  const url = `${target}/rpc/savings.reset`
  const header = new Uint8Array([
    33,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    ...new TextEncoder().encode('{"value":{},"arrays":[]}         '),
  ])
  const tries: [string, () => Promise<unknown>][] = [
    ['simple post', () => fetch(url, { method: 'POST', mode: 'no-cors', body: header })],
    [
      'plain text post',
      () => fetch(url, { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body: header }),
    ],
    [
      'cors post',
      () =>
        fetch(url, { method: 'POST', headers: { 'content-type': type }, body: header }).then(r =>
          read.push(`cors ${r.status}`),
        ),
    ],
    [
      'cors post with the key',
      () =>
        fetch(url, {
          method: 'POST',
          headers: { 'content-type': type, authorization: `Bearer ${token}` },
          body: header,
        }).then(r => read.push(`key ${r.status}`)),
    ],
    ['with credentials', () => fetch(url, { method: 'POST', credentials: 'include', mode: 'no-cors', body: header })],
    ['put', () => fetch(url, { method: 'PUT', body: header })],
    ['page', () => fetch(`${target}/`).then(async r => read.push(`page ${(await r.text()).length}`))],
    ['health', () => fetch(`${target}/health`).then(async r => read.push(`health ${await r.text()}`))],
    ['events', () => fetch(`${target}/events`).then(r => read.push(`events ${r.status}`))],
    ['beacon', async () => navigator.sendBeacon(url, new Blob([header], { type: 'text/plain' }))],
    [
      'form',
      async () => {
        const frame = document.createElement('iframe')
        frame.name = 'sink'
        const form = document.createElement('form')
        Object.assign(form, { action: url, method: 'post', target: 'sink', enctype: 'text/plain' })
        document.body.append(frame, form)
        form.submit()
      },
    ],
    ...(['img', 'script', 'link', 'iframe'] as const).map((tag): [string, () => Promise<unknown>] => [
      tag,
      () =>
        new Promise(done => {
          const element = document.createElement(tag)
          element.onload = () => done(tag === 'iframe' ? null : read.push(tag))
          element.onerror = done
          if (tag === 'link') Object.assign(element, { rel: 'stylesheet', href: `${target}/assets/app.js` })
          else Object.assign(element, { src: tag === 'iframe' ? `${target}/` : `${target}/assets/app.js` })
          document.body.append(element)
          setTimeout(done, 500)
        }),
    ]),
    [
      'socket',
      () =>
        new Promise(done => {
          const socket = new WebSocket(url.replace('http', 'ws'))
          socket.onopen = () => done(read.push('socket'))
          socket.onerror = done
        }),
    ],
    [
      'frame content',
      async () => {
        const text = document.querySelector('iframe:last-of-type')
        const inside = text instanceof HTMLIFrameElement ? text.contentDocument?.title : null
        if (inside) read.push(`frame ${inside}`)
      },
    ],
  ]
  for (const [, run] of tries) await run().catch(() => {})
  return read
}

describe('another page in the same browser', () => {
  let studio: TestServer
  let evil: Server
  let evilOrigin: string
  let browser: Browser
  let calls = 0
  beforeAll(async () => {
    studio = await startTestServer()
    await studio.supervisor.settled()
    studio.supervisor.subscribe(name => {
      if (name === 'savings.changed') calls += 1
    })
    evil = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title><body></body>')
    })
    await new Promise<void>(done => evil.listen(0, '127.0.0.1', done))
    evilOrigin = `http://evil.test:${(evil.address() as AddressInfo).port}`
    // Every name resolves to this machine: what a rebound DNS name looks like to the browser.
    browser = (await launchChromium(['--host-resolver-rules=MAP *.test 127.0.0.1'])).browser
  })
  afterAll(async () => {
    await browser.close()
    evil.close()
    await studio.close()
  })

  const attackFrom = async (page: Page, target: string) =>
    page.evaluate(attack, { target, type: FRAME_TYPE, token: studio.server.token })

  it('causes nothing and reads nothing, even if it somehow knew the key', async () => {
    const page = await browser.newPage()
    await page.goto(evilOrigin)
    expect(await attackFrom(page, studio.server.origin)).toEqual([])
    await sleep(200)
    expect(calls).toBe(0)
    await page.close()
  })

  it('gets nowhere by rebinding its name to the Studio (CVE-2024-28224)', async () => {
    const page = await browser.newPage()
    const rebound = `http://rebound.test:${studio.server.port}`
    const answer = await page.goto(`${rebound}/`)
    expect(answer?.status()).toBe(403)
    // From that very origin everything is same-origin: readable, but all it reads is the refusal.
    const read = await attackFrom(page, rebound)
    expect(read.filter(line => !/ 403$|E_FORBIDDEN|^page \d\d\d?$/.test(line))).toEqual([])
    await sleep(200)
    expect(calls).toBe(0)
    await page.close()
  })

  it('the same attempts do reach the engine from the Studio’s own page: the traps are live', async () => {
    const page = await browser.newPage()
    await page.goto(studio.server.origin)
    const read = await attackFrom(page, studio.server.origin)
    expect(read).toContain('key 200')
    expect(read.some(line => line.startsWith('health'))).toBe(true)
    while (calls === 0) await sleep(10)
    expect(calls).toBe(1)
    await page.close()
  })
})

describe('the Studio’s own window', () => {
  it('runs under its Content-Security-Policy: no violation and no failed request on any route', async () => {
    await freshBuild(root)
    const studio = await startTestServer({ assets: await loadPageAssets(join(root, 'out', 'renderer')) })
    const { browser } = await launchChromium()
    const page = await browser.newPage()
    const problems: string[] = []
    page.on('console', message => {
      if (/Content Security Policy|Refused to/.test(message.text())) problems.push(message.text().slice(0, 200))
    })
    page.on('request', request => {
      const { origin, protocol } = new URL(request.url())
      if (origin !== studio.server.origin && !/^(blob|data):$/.test(protocol))
        problems.push(`left the machine: ${request.url()}`)
    })
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', event =>
        console.error(`Content Security Policy ${event.violatedDirective}`),
      )
    })
    await page.goto(studio.server.address)
    await page.waitForSelector('#root > *')
    // The key is out of the address bar at once.
    expect(page.url()).not.toContain(studio.server.token)
    for (const route of [
      'library',
      'new',
      'ask',
      'inspect',
      'remix',
      'receipts',
      'savings',
      'models',
      'memory',
      'server',
      'settings',
    ]) {
      await page.evaluate(to => {
        location.hash = `#/${to}`
      }, route)
      await page.waitForFunction(to => location.hash.startsWith(`#/${to}`), route)
      await sleep(150)
    }
    expect(problems).toEqual([])
    // The negative control: an injected script does not run, and is noticed.
    await page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'window.injected = true'
      document.head.append(script)
    })
    expect(await page.evaluate(() => 'injected' in window)).toBe(false)
    expect(problems.length).toBeGreaterThan(0)
    // A reload keeps the key; a second tab without it is told what to do.
    await page.reload()
    expect(await page.evaluate(() => Object.values(sessionStorage))).toContain(studio.server.token)
    await browser.close()
    await studio.close()
  })
})
