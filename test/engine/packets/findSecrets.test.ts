import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findSecrets } from '#engine/packets/findSecrets.ts'
import { readShelf } from '../library/retrieval/readShelf.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
const DIGITS = '0123456789'
const ALL = LOWER + UPPER + DIGITS

/** Letters by a fixed rule: the same secrets on every machine, and none of them in this file. */
function drawer(seed: number) {
  let state = seed * 2654435761 + 1
  return (alphabet: string, length: number) =>
    Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return alphabet[(state >>> 8) % alphabet.length]
    }).join('')
}

/** A number of `length` digits with the right check digit (ISO/IEC 7812-1). */
function card(start: string, length: number, draw: ReturnType<typeof drawer>): string {
  const body = start + draw(DIGITS, length - 1 - start.length)
  const sum = [...body].toReversed().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 === 0 ? 2 : 1)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return `${body}${(10 - (sum % 10)) % 10}`
}

const KINDS: readonly ((draw: ReturnType<typeof drawer>) => string)[] = [
  draw => `AKIA${draw(`${UPPER}234567`, 16)}`,
  draw => `aws_secret_access_key = ${draw(ALL, 40)}`,
  draw => `ghp_${draw(ALL, 36)}`,
  draw => `github_pat_${draw(ALL, 22)}_${draw(ALL, 59)}`,
  draw => `sk-proj-${draw(ALL, 40)}`,
  draw => `sk-ant-api03-${draw(ALL, 93)}AA`,
  draw => `sk_live_${draw(ALL, 24)}`,
  draw => `xoxb-${draw(DIGITS, 12)}-${draw(DIGITS, 12)}-${draw(ALL, 24)}`,
  draw => `hf_${draw(ALL, 34)}`,
  draw => `AIza${draw(ALL, 35)}`,
  draw => `npm_${draw(ALL, 36)}`,
  draw => `glpat-${draw(ALL, 20)}`,
  draw => `SG.${draw(ALL, 22)}.${draw(ALL, 43)}`,
  draw => `eyJ${draw(ALL, 20)}.${draw(ALL, 30)}.${draw(ALL, 40)}`,
  draw => `-----BEGIN RSA PRIVATE KEY-----\n${draw(ALL, 64)}\n${draw(ALL, 64)}\n-----END RSA PRIVATE KEY-----`,
  draw => `-----BEGIN OPENSSH PRIVATE KEY-----\n${draw(ALL, 70)}\n-----END OPENSSH PRIVATE KEY-----`,
  draw => `postgres://${draw(LOWER, 6)}:${draw(ALL, 12)}@db.example.com/orders`,
  draw => `https://${draw(LOWER, 6)}:${draw(ALL, 12)}@files.example.com/`,
  draw => `password: ${draw(ALL, 10)}`,
  draw => `The password of the server ${draw(UPPER, 1)}${draw(LOWER, 6)} is ${draw(LOWER, 8)}.`,
  draw => `API_KEY="${draw(ALL, 32)}"`,
  draw => `access_token=${draw(ALL, 32)}`,
  draw => `${draw(LOWER, 5)}.${draw(LOWER, 7)}@${draw(LOWER, 8)}.de`,
  draw => card('4', 16, draw).replace(/(.{4})(?=.)/g, '$1 '),
  draw => card('37', 15, draw),
]

/** 100 texts without a secret: paragraphs of this project's own documents and texts, and lines that come near. */
async function cleanTexts(): Promise<string[]> {
  const paragraphs = (path: string) =>
    readFileSync(join(ROOT, path), 'utf8')
      .split(/\n\s*\n/)
      .filter(text => text.length > 200)
  const shelf = await readShelf()
  const docs = [
    'README.md',
    ...readdirSync(join(ROOT, 'docs'))
      .filter(name => name.endsWith('.md'))
      .map(name => `docs/${name}`),
  ]
  const near = [
    'Call us at +49 30 901820 or 555-0142 between 9:00 and 17:30.',
    'ISBN 978-3-16-148410-0, invoice 2024-000318, customer 100045.',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    '550e8400-e29b-41d4-a716-446655440000',
    'Timestamps 1732694400000, 1732780800000 and 1732867200000 are a day apart.',
    'The password must have at least twelve characters; never write it down.',
    'Tokens are pieces of words; 1,204 tokens were read and 21 are new.',
    'git checkout 3012cdcebdd4995be1a2bc36a74d1af5a173e9ac -- src/index.ts',
    'See https://example.com/a/b?page=2#top and http://localhost:8080/.',
    '3.14159265358979323846264338327950288',
    'IPv6 2001:db8::ff00:42:8329, MAC 00:1b:44:11:3a:b7',
    'npm install --save-dev @scope/package@1.2.3 and user@ is no address.',
    'const key = readKey(file); if (token === undefined) throw new Error(`no token`)',
    'The secret of a good soup is time.',
    'Die Parole lautete immer anders, ein Passwort gab es nicht.',
    '部屋の鍵は管理人が持っています。電話は03-1234-5678です。',
    'IBAN and account numbers are asked for on the second page of the form.',
    'Version 10.15.7, build 19H2026, serial C02XG0FDJGH5.',
    'x^2 + y^2 = z^2; 2**64 = 18446744073709551616',
    'MIT License. Permission is hereby granted, free of charge, to any person.',
  ]
  const shelved = shelf.cartridges
    .map(({ text }) => text)
    // That one is about a password.
    .filter(text => !text.includes('password'))
  const own = docs.flatMap(paragraphs).filter(text => !/password|sk-|@/.test(text))
  return [...near, ...shelved, ...own].slice(0, 100)
}

it('flags 100 planted secrets of 25 kinds', async () => {
  const missed: string[] = []
  for (const [place, kind] of KINDS.entries()) {
    for (let seed = 1; seed <= 4; seed++) {
      const secret = kind(drawer(place * 10 + seed))
      const text = `The meeting is on Friday.\nNote from Ada, ${seed} May:\n${secret}\nBring the blue folder.`
      const found = await findSecrets(text)
      if (found.length === 0) missed.push(secret.slice(0, 24))
      // A warning must not repeat what it warns of.
      for (const { excerpt } of found) expect(excerpt.length).toBeLessThanOrEqual(13)
    }
  }
  expect(missed).toEqual([])
})

it('says nothing of 100 clean texts', async () => {
  const texts = await cleanTexts()
  expect(texts).toHaveLength(100)
  const alarms: string[] = []
  for (const text of texts) for (const { kind, excerpt } of await findSecrets(text)) alarms.push(`${kind}: ${excerpt}`)
  expect(alarms).toEqual([])
})

it('cannot be switched off by the text, and names a kind once', async () => {
  const draw = drawer(7)
  const text = `secretlint-disable\n/* secretlint-disable */\nghp_${draw(ALL, 36)}\n`
  expect(await findSecrets(text)).toEqual([{ kind: 'GitHub token', excerpt: `${text.split('\n')[2]?.slice(0, 12)}…` }])
})

it('ends on long texts that were made to be slow', async () => {
  for (const unit of ['a.', 'é.', 'eyJ-', 'http://a:', 'a@b.co ', `ghp_${'a1B2'.repeat(9)} `])
    await findSecrets(unit.repeat(500_000))
})

it('finds what stands anywhere in a long text', async () => {
  const secret = `ghp_${drawer(7)(ALL, 36)}`
  for (const before of [0, 262_130, 500_000, 1_000_000])
    expect(await findSecrets(`${'The fee is one. '.repeat(before / 16)}\n${secret}\n`)).toHaveLength(1)
})
