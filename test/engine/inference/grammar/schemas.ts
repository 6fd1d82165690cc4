/** Twenty schemas of what programs ask models for, by name. All strings in them have an end, so that any model comes to one. */
const line = { type: 'string', maxLength: 24 }
const object = (properties: Record<string, unknown>, required = Object.keys(properties)) => ({
  ...{ type: 'object', properties, required, additionalProperties: false },
})

export const SCHEMAS: Readonly<Record<string, Record<string, unknown>>> = {
  'one text': object({ name: line }),
  'annotations that change nothing': {
    ...{ $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Person', description: 'Who.' },
    ...object({ name: { ...line, title: 'Name', description: 'In full.', default: 'Ada', examples: ['Ada'] } }),
  },
  'a text of some length': object({ code: { type: 'string', minLength: 3, maxLength: 5 } }),
  'a choice': object({ mood: { type: 'string', enum: ['calm', 'tense', 'mixed "both"', 'naïve \\ 東'] } }),
  'a constant': object({ kind: { const: 'lease' }, version: { const: 2 } }),
  'a choice of all kinds of values': { enum: [1, -2.5, 'three', null, true] },
  'whole numbers in a range': object({ age: { type: 'integer', minimum: 18, maximum: 120 } }),
  'whole numbers below zero': object({ depth: { type: 'integer', minimum: -40, exclusiveMaximum: 0 } }),
  'a number in a range': object({ share: { type: 'number', minimum: 0, maximum: 1 } }),
  'yes, no, or nothing': object({ paid: { type: 'boolean' }, late: { type: ['boolean', 'null'] } }),
  'a text or nothing': object({ note: { type: ['string', 'null'], maxLength: 12 } }),
  'what may be left out': object({ a: { type: 'boolean' }, b: { type: 'integer', minimum: 0, maximum: 9 }, c: line }, [
    'b',
  ]),
  'a list': object({ tags: { type: 'array', items: { type: 'string', maxLength: 8 }, minItems: 1, maxItems: 3 } }),
  'a tuple': {
    type: 'array',
    prefixItems: [{ type: 'integer', minimum: 0, maximum: 99 }, { type: 'boolean' }, line],
    ...{ minItems: 3, maxItems: 3 },
  },
  'objects in objects': object({
    who: object({ name: line, home: object({ town: line, flat: { type: 'boolean' } }) }),
  }),
  'one of several shapes': {
    anyOf: [object({ cat: { type: 'boolean' } }), object({ dog: { type: 'integer', minimum: 1, maximum: 4 } })],
  },
  'a pattern': object({ plate: { type: 'string', pattern: '^[A-Z]{2}-\\d{3}(-(north|south))?$' } }),
  formats: object({ id: { type: 'string', format: 'uuid' }, at: { type: 'string', format: 'ipv4' } }),
  definitions: {
    ...object({ first: { $ref: '#/$defs/point' }, second: { $ref: '#/$defs/point' } }),
    $defs: { point: object({ x: { type: 'integer', minimum: 0, maximum: 9 }, y: { enum: [0, 1] } }) },
  },
  'a tree': {
    $ref: '#/$defs/node',
    $defs: {
      node: object({
        leaf: { type: 'boolean' },
        kids: { type: 'array', maxItems: 2, items: { $ref: '#/$defs/node' } },
      }),
    },
  },
}
