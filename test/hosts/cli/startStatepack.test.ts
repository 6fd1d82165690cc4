import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { firstObject } from './startStatepack.ts'

it('knows an object that comes in pieces by all of it, also where a piece ends with an object inside', async () => {
  const value = { address: 'https://zürich.example', more: { a: {}, b: { c: '}' } } }
  const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
  for (let at = 1; at < bytes.length; at++) {
    const stream = new PassThrough()
    const first = firstObject(stream)
    stream.write(bytes.subarray(0, at))
    stream.end(bytes.subarray(at))
    expect(await first).toEqual(value)
  }
})
