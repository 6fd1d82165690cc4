import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readTemplate } from '#engine/models/tokenizer/template.ts'

/** Texts by the template that gives them. */
const texts: Record<string, string> = JSON.parse(readFileSync(join(import.meta.dirname, 'templateTexts.json'), 'utf8'))

const render = (source: string) => readTemplate(source).render({ messages: [{ role: 'user', content: 'hi' }] })

/** Expected values: Jinja 3.1 for Python. */
describe('an undefined value is an empty one', () => {
  test.each([
    ['{{ x | upper }}.', '.'],
    ['{{ x | trim }}.', '.'],
    ['{% if x | length > 0 %}T{% endif %}.', '.'],
    ['{{ x | join(",") }}.', '.'],
    ['{{ x | default("y") }}', 'y'],
    ['{{ x | d("y") }}', 'y'],
    ['{{ x | list | length }}', '0'],
    ['{{ x | count }}', '0'],
    ['{{ x | default }}.', '.'],
    ['{{ x | first }}.', '.'],
    ['{{ x | replace("a", "b") }}.', '.'],
    ['{{ x | string | upper }}.', '.'],
    ['{{ x | int }}', '0'],
    ['{% for a in x %}{{ a }}{% endfor %}.', '.'],
    ['{% for a in x if a %}{{ a }}{% else %}none{% endfor %}', 'none'],
    ['{{ x | selectattr("role", "equalto", "user") | list | length }}', '0'],
    ['{{ messages | map(attribute="name") | list | length }}', '1'],
    ['{% if messages[0].name is defined %}T{% else %}F{% endif %}', 'F'],
  ])('%s gives %j', (source, expected) => {
    expect(render(source)).toBe(expected)
  })
})

test.each([
  ['{{ "abc" | first }}{{ "abc" | last }}{{ "abc" | list | length }}', 'ac3'],
  ['{{ [] | first }}.', '.'],
  ['{% for k, v in {"b": 1, "a": 2} | dictsort %}{{ k }}{% endfor %}', 'ab'],
  ['{% for k in {"b": 1, "a": 2} %}{{ k }}{% endfor %}', 'ba'],
  ['{{ {"b": 1, "a": 2} | list | join("-") }}', 'b-a'],
  ['{% for c in "hé🐐" %}[{{ c }}]{% endfor %}', '[h][é][🐐]'],
  ['{% for i in range(2, 7, 2) %}{{ i }}{% endfor %}', '246'],
  ['{{ "x" | default("y") }}{{ "" | default("y", true) }}', 'xy'],
])('%s gives %j', (source, expected) => {
  expect(render(source)).toBe(expected)
})

/** What Python's Jinja 3.1.6 gives in the sandbox of transformers, with its own `tojson`. */
describe('as Python says it', () => {
  const messages = [
    { role: 'system', content: 'Sys' },
    { role: 'user', content: ' hi ' },
    { role: 'assistant', content: '<think>a</think>\n\nyo' },
  ]
  test.each(Object.entries(texts))('%j', (source, expected) => {
    const rendered = readTemplate(source).render({ messages: structuredClone(messages), bos_token: '<s>' })
    expect(rendered).toBe(expected)
  })
})

test.each([
  '{{ 3.7 | round }}',
  '{{ [1, 2] | batch(2) }}',
  '{% raw %}{{ x }}{% endraw %}',
  '{{ 4 is divisibleby(2) }}',
  "{{ '%5d' % 3 }}",
  "{{ '{}'.format(1) }}",
  '{% include "other" %}',
])('%s is refused, never left out', source => {
  expect(() => render(source)).toThrow()
})

test.each([
  ['{% for m in messages %}{{ loop.changed(m.role) }}{% endfor %}', 'changed()'],
  ['{{ "{}".format(1) }}', 'format()'],
  ['{{ dict(a=1) }}', 'dict()'],
  ['{{ [1, 2] | batch(2) }}', 'batch'],
])('%s is refused by name', (source, name) => {
  expect(() => render(source)).toThrow(name)
})

test('no tools and no documents are None, and none of them', () => {
  const none = (source: string) => readTemplate(source).render({ messages: [], tools: null })
  expect(none('{% if tools | length > 0 %}T{% endif %}{{ tools | join(",") }}{{ tools | list | length }}')).toBe('0')
  expect(none('{% if tools is not none %}T{% endif %}{{ tools | upper }}')).toBe('NONE')
})

test('a table has nothing under what is no text', () => {
  const types = '{% set types = {"string": "str"} %}'
  const found = '{{ types[nothing] is undefined }} {{ types[none] is undefined }} {{ types[1] is undefined }}'
  expect(render(`${types}{{ types["string"] }} ${found}`)).toBe('str True True True')
})

test('the template’s own refusal keeps its words', () => {
  expect(() => render('{{ raise_exception("Only two turns!") }}')).toThrow('Only two turns!')
})

/** Each takes all memory, or for ever, where nothing counts what it does. */
describe('a template that loops or grows without end is ended', () => {
  const big = '{% set n = namespace(s="x", l=[1]) %}'
  test.each([
    ['loops in loops', '{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}'],
    ['a text doubled', `${big}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}`],
    ['a list doubled', `${big}{% for a in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}{{ n.l }}`],
    ['replaced by itself', `${big}{% for a in range(99) %}{% set n.s = n.s | replace("x", "xx") %}{% endfor %}`],
    [
      'a text searched again and again',
      `${big}{% for a in range(22) %}{% set n.s = n.s + n.s %}{% endfor %}{% for a in range(999999) %}{% if "y" in n.s %}{% endif %}{% endfor %}`,
    ],
    ...['{{ n.l }}', '{{ n.l | tojson }}', '{{ n.l == n.l + [] }}'].map(use => [
      `a list of itself, ${use}`,
      `${big}{% for a in range(40) %}{% set n.l = [n.l, n.l] %}{% endfor %}${use}`,
    ]),
    ['a macro that calls itself', '{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}'],
    ['a range of everything', '{% for a in range(10000000000) %}{% endfor %}'],
    ['an indent of everything', '{{ "a\\nb" | indent(2000000000) }}'],
    [
      'a joint of everything',
      `${big}{% for a in range(20) %}{% set n.l = n.l + n.l %}{% endfor %}{{ n.l | join("${'x'.repeat(2000)}") }}`,
    ],
  ])('%s', (_, source) => {
    expect(() => render(source)).toThrow()
  })
})
