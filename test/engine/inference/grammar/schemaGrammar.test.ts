/** What of a JSON schema is taken, and what is refused by its name and place. */
import { describe, expect, it } from 'vitest'
import { schemaGrammar } from '#engine/inference/grammar/schemaGrammar.ts'

const inObject = (property: unknown) => ({ type: 'object', properties: { a: property } })
const REFUSED: readonly (readonly [schema: unknown, told: RegExp])[] = [
  [{ not: { type: 'string' } }, /“not” is not supported \(at #\)/],
  [{ oneOf: [{ type: 'string' }] }, /“oneOf”/],
  [{ allOf: [{ type: 'string' }] }, /“allOf”/],
  [{ if: {} }, /“if”/],
  [inObject({ type: 'array', uniqueItems: true }), /“uniqueItems” is not supported \(at #\/properties\/a\)/],
  [inObject({ type: 'array', contains: {} }), /“contains”/],
  [inObject({ type: 'number', multipleOf: 2 }), /“multipleOf”/],
  [inObject({ type: 'number', minimum: 0.5 }), /“minimum” is supported as a whole number/],
  [{ type: 'object', patternProperties: { a: {} } }, /“patternProperties”/],
  [{ type: 'object', minProperties: 1 }, /“minProperties”/],
  [{ type: 'object', dependentRequired: {} }, /“dependentRequired”/],
  [{ type: 'object', properties: {}, required: ['b'] }, /“required” names "b"/],
  [inObject({ minLength: 3 }), /“minLength” does not go with no “type” \(at #\/properties\/a\)/],
  [inObject({ type: 'integer', minLength: 3 }), /“minLength” does not go with integer/],
  [inObject({ type: 'string', maxLength: 1_000_000 }), /“maxLength” is supported as a whole number from 0 to/],
  [inObject({ type: 'string', format: 'uuid', maxLength: 3 }), /only one of/],
  [inObject({ type: 'string', format: 'regex' }), /of “format”/],
  [inObject({ type: 'string', pattern: 'abc' }), /a “pattern” is supported from \^ to \$/],
  [inObject({ type: 'string', pattern: '^.*$' }), /a “pattern”/],
  [inObject({ type: 'string', pattern: '^[^a]$' }), /a “pattern”/],
  [inObject({ type: 'string', pattern: '^a|b$' }), /a “pattern”/],
  [inObject({ type: 'string', pattern: '^(?=a)a$' }), /a “pattern”/],
  [inObject({ type: 'string', pattern: '^a{2,1}$' }), /a “pattern”/],
  [inObject({ $ref: 'https://example.org/x' }), /“\$ref” leads to "https:\/\/example.org\/x"/],
  [inObject({ $ref: '#/$defs/x' }), /“\$ref”/],
  [inObject({ $ref: '#', type: 'object' }), /“\$ref” is supported with nothing beside it/],
  [{ anyOf: [{ type: 'string' }], type: 'string' }, /“anyOf” is supported with nothing beside it/],
  [{ $ref: '#' }, /defined by itself/],
  [{ $ref: '#/$defs/a', $defs: { a: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/a' }] } } }, /defined by itself/],
  [inObject({ type: 'integer', minimum: 5, exclusiveMaximum: 5 }), /no number is between/],
  [inObject({ type: 'string', pattern: '^a**$' }), /a “pattern”/],
  [inObject({ type: 'string', pattern: '^(?:a)$' }), /a “pattern”/],
  [inObject({ type: 'string', pattern: '^(a|)$' }), /a “pattern”/],
  [inObject({ type: 'string', pattern: '^[a-Z]$' }), /a “pattern”/],
  [inObject(false), /false allows no answer \(at #\/properties\/a\)/],
  [inObject({ enum: [1], type: 'string' }), /no value of “enum” is of its “type”/],
  [inObject({ type: 'text' }), /"text" is no type/],
  [{ type: 'array', prefixItems: [{}], maxItems: 3 }, /“prefixItems”/],
  [{ enum: [] }, /no list at #\/enum/],
  [{ properties: [], type: 'object' }, /no object at #\/properties/],
  [inObject({ enum: ['x'.repeat(70_000)] }), /characters/],
]

describe('a schema', () => {
  it.each(REFUSED)('is refused by what it has: %j', (schema, told) => {
    expect(() => schemaGrammar(schema)).toThrow(told)
  })

  it('is refused when it is deeper than anybody needs', () => {
    let deep: unknown = { type: 'string' }
    for (let level = 0; level < 100; level++) deep = { type: 'array', items: deep }
    expect(() => schemaGrammar(deep)).toThrow(/levels deep/)
  })

  it('keeps the order of its properties, and loses what changes no answer', () => {
    const plain = { ...inObject({ type: 'boolean' }), required: ['a'] }
    const annotated = { title: 'T', $comment: 'c', ...plain, properties: { a: { type: 'boolean', default: true } } }
    expect(schemaGrammar(annotated)).toBe(schemaGrammar(plain))
    const order = schemaGrammar({ type: 'object', properties: { b: true, a: true } })
    const other = schemaGrammar({ type: 'object', properties: { a: true, b: true } })
    expect(order).not.toBe(other)
  })
})
