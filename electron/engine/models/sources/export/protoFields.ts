/** A protobuf message as its fields, each kept byte for byte, so that a file can be changed in places and copied in the rest. */
import protobuf from 'protobufjs/light.js'

export interface ProtoField {
  readonly number: number
  /** Tag and value as in the file. */
  readonly raw: Uint8Array
  /** The value: of a length-delimited field its bytes, of a varint `value`. */
  readonly bytes: Uint8Array
  readonly value: number
}

const VARINT = 0
const DELIMITED = 2
const EMPTY = new Uint8Array()
/** Fields of one message, numbers of one packed field: a graph has some ten thousand nodes. */
const MOST = 1 << 20

/** Throws a RangeError or Error of protobufjs when the bytes are no message, a RangeError for one of too many fields. */
export function readFields(message: Uint8Array): ProtoField[] {
  const reader = protobuf.Reader.create(message)
  const fields: ProtoField[] = []
  while (reader.pos < reader.len) {
    if (fields.length >= MOST) throw new RangeError(`a message has more than ${MOST} fields`)
    const start = reader.pos
    const tag = reader.uint32()
    let bytes: Uint8Array = EMPTY
    let value = 0
    if ((tag & 7) === DELIMITED) {
      const length = reader.uint32()
      const from = reader.pos
      if (from + length > reader.len) throw new RangeError('a field ends after the message')
      reader.pos = from + length
      bytes = message.subarray(from, reader.pos)
    } else if ((tag & 7) === VARINT) {
      value = Number(reader.int64())
    } else {
      reader.skipType(tag & 7)
    }
    fields.push({ number: tag >>> 3, raw: message.subarray(start, reader.pos), bytes, value })
  }
  return fields
}

/** The fields of one number. */
export function fieldsOf(fields: readonly ProtoField[], number: number): ProtoField[] {
  return fields.filter(field => field.number === number)
}

export function textOf(field: ProtoField | undefined): string {
  return field === undefined ? '' : Buffer.from(field.bytes).toString('utf8')
}

/** A length-delimited field. */
export function delimited(number: number, bytes: Uint8Array): Uint8Array {
  const prefix = protobuf.Writer.create()
    .uint32((number << 3) | DELIMITED)
    .uint32(bytes.length)
    .finish()
  return Buffer.concat([prefix, bytes])
}

/** The numbers of a packed field. Throws what {@link readFields} throws. */
export function readVarints(bytes: Uint8Array): number[] {
  const reader = protobuf.Reader.create(bytes)
  const values: number[] = []
  while (reader.pos < reader.len) {
    if (values.length >= MOST) throw new RangeError(`a field has more than ${MOST} numbers`)
    values.push(Number(reader.int64()))
  }
  return values
}
