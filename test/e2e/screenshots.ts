/**
 * `npm run screenshots`: every view in both themes at 1280x800 and 900x600, filled with real data, into screenshots/.
 * `npm run screenshots -- ask remix` takes only the views whose name contains one of the words.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Page } from '@playwright/test'
import { parseDigest } from '#shared/domain/digest.ts'
import { type Client, createClient } from '#shared/rpc/client.ts'
import { createHttpTransport } from '../../shared/rpc/httpTransport.ts'
import { quiet } from './quiet.ts'
import { openStudio } from './studio.ts'

const FOLDER = resolve(import.meta.dirname, '../../screenshots')
const SIZES = [
  { width: 1280, height: 800 },
  { width: 900, height: 600 },
]
const THEMES = ['light', 'dark'] as const

interface View {
  readonly name: string
  readonly route: (made: Made) => string
  /** What a person would do there before the picture. */
  readonly act?: (page: Page) => Promise<void>
  /** Puts away what would lie over the next view. */
  readonly leave?: (page: Page) => Promise<void>
}

/** What `fill` made, by the names that views use. */
interface Made {
  readonly mamba: string
  readonly transformer: string
  readonly station: string
  readonly card: string
  readonly mix: string
  readonly chain: string
  /** Of which the same questions were asked. */
  readonly several: readonly string[]
}

/** Makes cartridges, asks, mixes, checks and measures through the engine, so that no view is empty. */
async function fill(client: Client): Promise<Made> {
  const starters = async () => (await client.call('library.list', { trust: 'starter' })).items
  let items = await starters()
  while (items.length < 9) {
    await new Promise(resolve => setTimeout(resolve, 200))
    items = await starters()
  }
  const find = (name: string) => {
    const found = items.find(item => item.name === name)
    if (found === undefined) throw new Error(`There is no starter called ${name}.`)
    return found.packetId
  }
  const mamba = find('Station card (Mamba)')
  const coffee = find('Harbor Coffee card (Mamba)')
  const transformer = find('Harbor Coffee handbook')
  const station = find('Station Halcyon, night shift')

  for (const [name, text] of [
    [
      'Lease, second floor',
      'Facts:\nThe owner of the house Alder is Mira Lund.\nThe rent of the house Alder is 940.\n',
    ],
    [
      'Interview notes, May',
      'Facts:\nPetra sells honey.\nTobias is a pilot from Lund.\nThe code of the gate is 2290.\n',
    ],
    ['Release checklist', 'Facts:\nThe deadline of Project Falcon is 14 March.\nThe port of Kestrel is 8080.\n'],
  ] as const) {
    await client.call('packets.create', { model: 'starter-transformer', sources: [{ name, text }], name })
  }
  await client.call('packets.create', {
    ...{ model: 'starter-transformer', name: LONG_NAME },
    sources: [{ name: 'minutes', text: 'Facts:\nAda Holm is the chair of the board.\n' }],
  })
  const days = Array.from(
    { length: 90 },
    (_, day) => `The depth of the river Sable on day ${day + 1} is ${31 + (day % 7)}.`,
  )
  const log = await client.call('packets.create', {
    model: 'starter-mamba',
    sources: [{ name: 'log', text: `Facts:\n${days.join('\n')}\n` }],
    name: 'River log',
  })

  const first = await client.call('ask.ask', {
    ref: station,
    question: 'What is the code of the hatch?',
    compare: true,
  })
  await client.call('ask.ask', { ref: station, question: 'When does the engine Vesper start?', compare: true })
  const step = first.step
  if (step !== null) {
    await client.call('ask.ask', { ref: station, question: 'Where is Nadia from?', parentId: step.id })
  }
  for (const question of ['Who is the manager of Harbor Coffee?', 'Who is the supplier of Harbor Coffee?']) {
    await client.call('ask.ask', { ref: transformer, question })
  }
  await client.call('ask.ask', { ref: mamba, question: 'Who is the captain of Halcyon?' })
  await client.call('ask.ask', {
    ref: log.cartridge.packetId,
    question: 'What is the depth of the river Sable on day 90?',
  })
  const pier = Array.from({ length: 110 }, (_, i) => `The locker ${i} on the pier is empty and painted green.`)
  await client.call('packets.createSplit', {
    ...{ model: 'starter-transformer', title: 'Pier log' },
    sources: [{ name: 'Pier log', text: [...pier, 'The keeper of the pier is Ada Holm.'].join('\n\n') }],
  })
  const several = [station, find('Harbor Coffee card')]
  const conversationId = crypto.randomUUID()
  const put = (asking: 'each' | 'route', question: string) =>
    client.call('ask.several', { conversationId, asking, question, of: several.map(ref => ({ ref })) })
  await put('route', 'What is the phone of Harbor Coffee?')
  await put('each', 'Who is the captain of Halcyon?')
  const mixed = await client.call('remix.mix', {
    parents: [
      { ref: mamba, weight: 0.6 },
      { ref: coffee, weight: 0.4 },
    ],
    name: 'Station and coffee',
  })
  const chain = await client.call('packets.merge', {
    ref: mamba,
    delta: 'Oskar sells salt.\n',
    name: 'Station card, continued',
  })
  await client.call('memory.pin', { packetId: parseDigest(station), pinned: true })
  await askServer(client)
  await client.call('packets.verify', { ref: transformer, level: 'recomputed' })
  await client.call('savings.agentLoop', { model: 'starter-transformer', steps: 20 })
  await client.call('library.update', { packetId: transformer, tags: ['shop', 'handbook'] })
  return {
    mamba,
    transformer,
    station,
    card: find('Harbor Coffee card'),
    mix: mixed.cartridge.packetId,
    chain: chain.cartridge.packetId,
    several,
  }
}

/** Programs at the server: a conversation that goes on, one whose instructions were changed, a mistake. */
async function askServer(client: Client): Promise<void> {
  const { address, token } = await client.call('server.start', { port: 20_000 + (process.pid % 20_000) })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const ask = (path: string, body: object) =>
    fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }).then(answer => answer.json())
  const model = 'starter-transformer'
  const instructions = LETTER.replace('Facts', 'You answer questions about this house')
  const input = 'What is the rent of the house Alder?'
  const first = await ask('/v1/responses', { model, instructions, input, max_output_tokens: 12 })
  const next = { model, previous_response_id: first.id, input: 'Who is the owner?', max_output_tokens: 12 }
  await ask('/v1/responses', next)
  for (const content of [LETTER, LETTER, LETTER.replace('21:00', '22:00')])
    await ask('/v1/chat/completions', {
      ...{ model, max_tokens: 12 },
      messages: [
        { role: 'system', content },
        { role: 'user', content: 'Who has the phone 555-0188?' },
      ],
    })
  await ask('/v1/chat/completions', { model: 'gpt-4o', messages: [{ role: 'user', content: 'Who?' }] })
}

const LONG_NAME =
  'Minutes of the extraordinary general meeting of the cooperative at Grünstraße 14, with all annexes and replies'
const LETTER = `Facts:
The owner of the house Alder is Mira Lund.
The rent of the house Alder is 940.
The deadline of the lease is 30 June.
Petra is a lawyer from Lund.
The phone of Petra is 555-0188.
The code of the gate is 2290.
The garden of the house closes at 21:00.
`

const id = encodeURIComponent
/** Selects a cartridge, wherever in a long list it stands. */
const pick = (name: string) => async (page: Page) => {
  const search = page.getByRole('searchbox', { name: 'Search the library' })
  await search.fill(name)
  await page.getByRole('option', { name }).first().click()
  await search.fill('')
  await page.locator('.Details').waitFor()
}
const press = (name: string) => (page: Page) => page.getByRole('button', { name, exact: true }).first().click()
const scrollTo = (heading: string) => (page: Page) =>
  page.getByRole('heading', { name: heading, exact: true }).evaluate(element => element.scrollIntoView())
const openDialog = (name: string) => async (page: Page) => {
  await press(name)(page)
  await page.getByRole('dialog').waitFor()
}

const VIEWS: readonly View[] = [
  { name: 'library', route: () => 'library', act: pick('Harbor Coffee handbook') },
  { name: 'library-collection', route: () => 'library', act: pick('Pier log') },
  {
    name: 'library-long-name',
    route: () => 'library',
    act: pick(LONG_NAME),
  },
  {
    name: 'library-list',
    route: () => 'library',
    act: async page => {
      await page.getByRole('radio', { name: 'List' }).click()
    },
  },
  {
    name: 'library-selection',
    route: () => 'library',
    act: async page => {
      await page.getByRole('option').first().click()
      await page.getByRole('listbox', { name: 'Cartridges' }).press('ControlOrMeta+a')
      await page.getByRole('button', { name: 'Make a collection' }).waitFor()
    },
    leave: page => page.getByRole('option').first().click(),
  },
  {
    name: 'library-nothing',
    route: () => 'library',
    act: async page => {
      await page.getByRole('searchbox').fill('nothing is called this')
      await page.getByRole('button', { name: /^Show all/ }).waitFor()
    },
    leave: page => page.getByRole('searchbox').fill(''),
  },
  {
    name: 'library-rename',
    route: () => 'library',
    act: async page => {
      await page.getByRole('option').first().click()
      await page.getByRole('listbox', { name: 'Cartridges' }).press('F2')
      await page.getByRole('dialog').waitFor()
    },
    leave: closeDialog,
  },
  {
    name: 'community',
    route: () => 'community',
    act: page => page.getByRole('button', { name: 'Review Allotment garden' }).waitFor(),
  },
  {
    name: 'community-review',
    route: () => 'community',
    act: async page => {
      await page.getByRole('button', { name: 'Review Harbour ferry' }).click()
      await page.getByRole('button', { name: 'Import, restricted' }).waitFor()
    },
    leave: page => page.keyboard.press('Escape'),
  },
  { name: 'community-address', route: () => 'community', act: openDialog('Open an address'), leave: closeDialog },
  { name: 'community-catalogues', route: () => 'community', act: openDialog('Catalogues'), leave: closeDialog },
  { name: 'new', route: () => 'new' },
  {
    name: 'new-filled',
    route: () => 'new',
    act: async page => {
      await page.getByRole('textbox', { name: 'Paste text' }).fill(LETTER)
      await page.getByText(/^[\d,]+ tokens$/).waitFor()
    },
  },
  {
    name: 'new-result',
    route: () => 'new',
    act: async page => {
      await page.getByRole('textbox', { name: 'Paste text' }).fill(LETTER)
      await page.getByRole('button', { name: 'Read it' }).click()
      await page.getByRole('heading', { name: 'Done' }).waitFor()
    },
  },
  {
    name: 'jobs',
    route: () => 'library',
    act: async page => {
      const tray = page.getByRole('region', { name: 'Jobs', exact: true })
      const files = Array.from({ length: 40 }, (_, i) => ({
        ...{ name: i === 2 ? 'scan.bin' : `minutes ${i}.txt`, mimeType: '' },
        buffer: i === 2 ? Buffer.from([0x7f, 0x45, 0xff, 0xfe, 0]) : Buffer.from(`Minutes ${i}: ${LETTER}`),
      }))
      await page.evaluate(() => {
        location.hash = '/new'
      })
      const chooser = page.waitForEvent('filechooser')
      await page.getByRole('button', { name: 'Add files' }).click()
      await (await chooser).setFiles(files)
      await page.getByRole('button', { name: 'Read 40 texts' }).click()
      await tray.getByText('1 failed').waitFor()
      await tray.getByRole('button', { name: 'Pause jobs' }).click()
      await tray.getByRole('button', { name: 'Show jobs' }).click()
    },
    leave: async page => {
      const tray = page.getByRole('region', { name: 'Jobs', exact: true })
      await tray.getByRole('button', { name: 'Cancel all' }).click()
      await tray.getByRole('button', { name: 'Clear ended' }).click()
      await tray.getByRole('button', { name: 'Dismiss scan.bin' }).click()
      await tray.waitFor({ state: 'hidden' })
    },
  },
  { name: 'ask', route: made => `ask/${id(made.station)}` },
  {
    name: 'ask-proved',
    route: made => `ask/${id(made.station)}`,
    act: async page => {
      await page.getByRole('button', { name: 'Prove it' }).last().click()
      await page
        .getByText(/difference/)
        .first()
        .waitFor()
    },
  },
  {
    name: 'ask-several',
    route: made => `ask/${made.several.map(id).join(',')}`,
    act: page => page.getByRole('article').last().waitFor(),
  },
  {
    name: 'ask-conversations',
    route: made => `ask/${made.several.map(id).join(',')}`,
    act: page => page.getByRole('radio', { name: 'Conversations' }).click(),
  },
  {
    name: 'ask-rack',
    route: made => `ask/${made.several.map(id).join(',')}`,
    act: page => page.getByRole('radio', { name: 'Cartridges' }).click(),
  },
  {
    name: 'ask-empty',
    route: () => 'ask',
    act: async page => {
      await page.getByRole('button', { name: 'New conversation' }).click()
      const eject = page.getByRole('list', { name: 'In the slots' }).getByRole('button', { name: /^Eject/ })
      const empty = page.getByText('The slot is empty')
      await eject.or(empty).first().waitFor()
      for (let left = await eject.count(); left > 0; left--) {
        await eject.first().click()
        await eject.nth(left - 1).waitFor({ state: 'detached' })
      }
      await empty.waitFor()
    },
  },
  {
    name: 'ask-unknown',
    route: made => `ask/${id(made.transformer)}`,
    act: async page => {
      await page
        .getByRole('textbox', { name: 'Question' })
        .fill('Summarise what a new colleague should know about the shop.')
      await page.locator('.Composer').getByRole('button', { name: /^Ask/ }).click()
      await page.getByRole('button', { name: 'Get a chat model' }).waitFor()
    },
  },
  {
    name: 'ask-chat-models',
    route: made => `ask/${id(made.transformer)}`,
    act: openDialog('Get a chat model'),
    leave: closeDialog,
  },
  {
    name: 'ask-gone',
    route: () => `ask/${id(`sha256:${'0'.repeat(64)}`)}`,
    act: page => page.getByRole('alert').first().waitFor(),
  },
  { name: 'inspect-kv', route: made => `inspect/${id(made.transformer)}` },
  { name: 'inspect-ssm', route: made => `inspect/${id(made.mamba)}` },
  { name: 'inspect-tokens', route: made => `inspect/${id(made.transformer)}?part=tokens` },
  { name: 'inspect-logits', route: made => `inspect/${id(made.transformer)}?part=logits` },
  { name: 'inspect-compare', route: made => `inspect/${id(made.transformer)}?part=compare&with=${id(made.card)}` },
  { name: 'inspect-miss', route: made => `inspect/${id(made.transformer)}?part=miss` },
  {
    name: 'inspect-prove',
    route: made => `inspect/${id(made.transformer)}`,
    act: openDialog('Prove'),
    leave: closeDialog,
  },
  { name: 'remix-append', route: made => `remix/${id(made.transformer)}?do=append` },
  { name: 'remix-compose', route: made => `remix/${id(made.transformer)}?do=compose` },
  {
    name: 'remix-mix',
    route: made => `remix/${id(made.mamba)}?do=mix`,
    act: async page => {
      await page
        .getByRole('button', { name: /Harbor Coffee card/ })
        .first()
        .click()
      await page
        .getByText(/of \d+ right answers/)
        .first()
        .waitFor()
    },
  },
  { name: 'remix-compact', route: made => `remix/${id(made.chain)}?do=compact` },
  { name: 'remix-lineage', route: made => `remix/${id(made.mix)}?do=lineage` },
  { name: 'receipts', route: () => 'receipts' },
  { name: 'savings', route: () => 'savings' },
  {
    name: 'savings-loop',
    route: () => 'savings?tab=loop',
    act: async page => {
      await page.getByRole('button', { name: 'Run benchmark' }).click()
      await page.getByRole('link', { name: 'the receipt' }).waitFor()
    },
  },
  { name: 'savings-calculator', route: () => 'savings?tab=calculator' },
  { name: 'savings-provider', route: () => 'savings?tab=provider' },
  { name: 'savings-prices', route: () => 'savings?tab=prices' },
  { name: 'savings-calculator-below', route: () => 'savings?tab=calculator', act: scrollTo('One loop') },
  { name: 'models', route: () => 'models' },
  { name: 'models-catalogue', route: () => 'models', act: scrollTo('Catalogue') },
  { name: 'models-add', route: () => 'models', act: openDialog('Add a model'), leave: closeDialog },
  { name: 'memory', route: () => 'memory' },
  { name: 'memory-holdings', route: () => 'memory', act: scrollTo('What lives where') },
  { name: 'server', route: () => 'server' },
  { name: 'server-requests', route: () => 'server', act: scrollTo('Requests') },
  { name: 'settings', route: () => 'settings' },
  { name: 'missing', route: () => 'nowhere' },
  { name: 'error', route: () => `inspect/${id(`sha256:${'0'.repeat(64)}`)}` },
  {
    name: 'palette',
    route: () => 'library',
    act: async page => {
      await page.keyboard.press('ControlOrMeta+k')
      await page.getByRole('dialog').waitFor()
    },
    leave: closeDialog,
  },
  {
    name: 'palette-typed',
    route: () => 'library',
    act: async page => {
      await page.keyboard.press('ControlOrMeta+k')
      await page.getByRole('combobox', { name: /^Find a place/ }).fill('savcal')
      await page.getByRole('option', { name: 'Savings: Calculator' }).waitFor()
    },
    leave: closeDialog,
  },
  ...(['Export', 'Import', 'Replace', 'Revoke'] as const).map(button => ({
    name: `keys-${button.toLowerCase()}`,
    route: () => 'settings?section=keys',
    act: async (page: Page) => {
      await page.getByRole('button', { name: button, exact: true }).click()
      await page.getByRole('dialog').waitFor()
    },
    leave: closeDialog,
  })),
  {
    name: 'publish',
    route: () => 'library',
    act: async page => {
      await pick('Lease, second floor')(page)
      await page.getByRole('button', { name: 'More', exact: true }).click()
      await page.getByRole('menuitem', { name: 'Export' }).click()
      const sheet = page.getByRole('dialog')
      await sheet.getByText('Publish it in a registry or on the hub').click()
      await sheet.getByRole('textbox', { name: 'Enter it in your catalogue' }).fill('ghcr.io/you/catalogue')
      await sheet.getByRole('textbox', { name: 'Called there' }).fill('Not a name')
      await sheet.getByText(/^Like you\/handbook/).scrollIntoViewIfNeeded()
    },
    leave: closeDialog,
  },
  {
    name: 'shortcuts',
    route: () => 'library',
    act: async page => {
      await page.getByRole('listbox', { name: 'Cartridges' }).press('?')
      await page.getByRole('dialog').waitFor()
    },
    leave: closeDialog,
  },
  {
    name: 'export',
    route: () => 'library',
    act: async page => {
      await pick('Lease, second floor')(page)
      await page.getByRole('button', { name: 'More', exact: true }).click()
      await page.getByRole('menuitem', { name: 'Export' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).waitFor()
    },
    leave: closeDialog,
  },
  {
    name: 'import',
    route: () => 'library',
    act: async page => {
      await pick('Lease, second floor')(page)
      await page.getByRole('button', { name: 'More', exact: true }).click()
      await page.getByRole('menuitem', { name: 'Export' }).click()
      const download = page.waitForEvent('download')
      await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click()
      const file = await (await download).path()
      const chooser = page.waitForEvent('filechooser')
      await page.getByRole('button', { name: 'Import' }).click()
      await (await chooser).setFiles({ name: 'lease.cartridge', mimeType: '', buffer: readFileSync(file) })
      await page.getByRole('dialog').waitFor()
    },
    leave: closeDialog,
  },
]

async function closeDialog(page: Page): Promise<void> {
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
}

/** In a theme, with what its change left to paint painted: two frames after it is still. */
async function wear(page: Page, colorScheme: (typeof THEMES)[number]): Promise<void> {
  await page.emulateMedia({ colorScheme })
  await page.locator(`html[data-theme="${colorScheme}"]`).waitFor()
  await quiet(page)
  await page.evaluate(
    () => new Promise<void>(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))),
  )
}

const wanted = process.argv.slice(2)
const views = VIEWS.filter(view => wanted.length === 0 || wanted.some(word => view.name.includes(word)))
mkdirSync(FOLDER, { recursive: true })
const studio = await openStudio({ viewport: SIZES[0] })
try {
  const { page } = studio
  // A busy machine is no failure.
  page.setDefaultTimeout(180_000)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.getByRole('dialog').waitFor()
  await page.locator('.CartridgeOption').nth(8).waitFor({ timeout: 150_000 })
  await quiet(page)
  if (wanted.length === 0) {
    for (const step of [1, 2, 3]) {
      if (step > 1) await page.getByRole('button', { name: 'Next' }).click()
      for (const colorScheme of THEMES) {
        await wear(page, colorScheme)
        await page.screenshot({ path: join(FOLDER, `onboarding-${step}-${colorScheme}.png`) })
      }
    }
  }
  await page
    .getByRole('button', { name: /^(Skip|Close)$/ })
    .last()
    .click()
  const [origin = '', token = ''] = (studio.address ?? '').split('/#/?token=')
  // The host answers its own page only: a POST without its Origin is refused.
  const asPage: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers)
    headers.set('origin', origin)
    return fetch(input, { ...init, headers })
  }
  const transport = createHttpTransport({ origin, token, fetch: asPage })
  const made = await fill(createClient(transport))
  transport.close()
  for (const view of views) {
    await page.setViewportSize(SIZES[0] ?? { width: 1280, height: 800 })
    await page.evaluate(to => {
      location.hash = `/${to}`
    }, view.route(made))
    await page.getByRole('heading', { level: 1 }).waitFor()
    await quiet(page)
    await view.act?.(page)
    // A button under the pointer would look pressed.
    await page.mouse.move(0, 0)
    for (const { width, height } of SIZES) {
      await page.setViewportSize({ width, height })
      for (const colorScheme of THEMES) {
        await wear(page, colorScheme)
        await page.screenshot({ path: join(FOLDER, `${view.name}-${colorScheme}-${width}.png`) })
      }
    }
    await view.leave?.(page)
    console.log(view.name)
  }
} finally {
  await studio.close()
}
console.log(`${views.length} views, ${SIZES.length} sizes, ${THEMES.length} themes: ${FOLDER}`)
