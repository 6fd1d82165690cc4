/** A state as one file of these tests: a line of JSON with the shapes, then every array's raw float32 bytes. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { StateSnapshot } from '#engine/inference/stateSnapshot.ts'

export function writeState(path: string, state: StateSnapshot): void {
  const arrays: Float32Array[] = []
  const shapes = JSON.stringify(state, (_key, value: unknown) => {
    if (!(value instanceof Float32Array)) return value
    arrays.push(value)
    return { floats: value.length }
  })
  const bytes = arrays.map(array => Buffer.from(array.buffer, array.byteOffset, array.byteLength))
  writeFileSync(path, Buffer.concat([Buffer.from(`${shapes}\n`), ...bytes]))
}

export function readState(path: string): StateSnapshot {
  const file = readFileSync(path)
  let at = file.indexOf(10) + 1
  return JSON.parse(file.toString('utf8', 0, at), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('floats' in value)) return value
    const array = new Float32Array(Number(value.floats))
    const bytes = new Uint8Array(array.buffer)
    bytes.set(file.subarray(at, at + bytes.length))
    at += bytes.length
    return array
  }) as StateSnapshot
}
