/** Style sheets are loaded once for all pages: a class that two of them define would leak from one into the other. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..', 'renderer')

/** Classes that a rule is about by themselves: `.A {`, `.A:hover`, `.A + .A`, not the `.B` of `.A .B`. */
function definedIn(css: string): Set<string> {
  const plain = css.replace(/\/\*[\s\S]*?\*\//g, '')
  const selectors = [...plain.matchAll(/(?<=^|[{}])([^{}@]+)\{/g)].flatMap(([, list = '']) => list.split(','))
  return new Set(selectors.flatMap(selector => /^\s*\.([\w-]+)[^\s>]*\s*$/.exec(selector)?.[1] ?? []))
}

it('every class is defined in one style sheet', () => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.css'))
  expect(files.length).toBeGreaterThan(10)
  const places = new Map<string, string[]>()
  for (const file of files) {
    for (const name of definedIn(readFileSync(join(root, file), 'utf8')))
      places.set(name, [...(places.get(name) ?? []), file])
  }
  expect([...places].filter(([, in_]) => in_.length > 1)).toEqual([])
})

it('would be found', () => {
  expect([...definedIn('.A { x: y }\n@media (a) { .B:hover { } }\n.C .D { }\n.E,\n.F::before { }')]).toEqual([
    ...['A', 'B', 'E', 'F'],
  ])
})
