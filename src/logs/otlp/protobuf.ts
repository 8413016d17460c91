import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { fromBase64, toBase64 } from '../../platform/base64'
import { hexOf } from '../../platform/hex'
import { isObject, listOf } from '../../protocols/fields'
import { type Field, type MessageName, messages, type Scalar } from './messages'

/** Values within values within values: no attribute is meant to be this deep. */
const MAX_DEPTH = 64

/**
 * A protobuf message in the form that OTLP's JSON has: camel case, ids in hexadecimal, 64-bit numbers as texts, bytes
 * in base64. Fields that are not known are skipped.
 * @throws Error when the bytes are no such message
 */
export function decodeProtobuf(bytes: Uint8Array, message: MessageName): Record<string, unknown> {
  return read(new BinaryReader(bytes), { message, end: bytes.byteLength, depth: 0 })
}

/** A message in the form of OTLP's JSON as protobuf. */
export function encodeProtobuf(value: Record<string, unknown>, message: MessageName): Uint8Array {
  const writer = new BinaryWriter()
  write(writer, value, message)
  return writer.finish()
}

function read(
  reader: BinaryReader,
  { message, end, depth }: { message: MessageName; end: number; depth: number },
): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new Error(`values are nested deeper than ${MAX_DEPTH}`)
  const found: Record<string, unknown> = {}
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    const field = messages[message][number]
    if (field === undefined || wireType !== wireTypeOf(field)) {
      reader.skip(wireType, number)
      continue
    }
    const value = readValue(reader, field, depth)
    if (field.isRepeated !== true) found[field.name] = value
    else {
      const list = found[field.name]
      if (Array.isArray(list)) list.push(value)
      else found[field.name] = [value]
    }
  }
  if (reader.pos > end) throw new Error('a message is longer than it says')
  return found
}

function readValue(reader: BinaryReader, { kind }: Field, depth: number): unknown {
  if (isScalar(kind)) return scalars[kind].read(reader)
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new Error('a message is cut off')
  return read(reader, { message: kind, end, depth: depth + 1 })
}

function write(writer: BinaryWriter, value: Record<string, unknown>, message: MessageName): void {
  for (const [number, field] of Object.entries(messages[message])) {
    const given = value[field.name]
    if (given === undefined || given === null) continue
    for (const one of field.isRepeated === true ? listOf(given) : [given])
      writeValue(writer, Number(number), { field, value: one })
  }
}

function writeValue(writer: BinaryWriter, number: number, given: { field: Field; value: unknown }): void {
  const { field, value } = given
  writer.tag(number, wireTypeOf(field))
  if (isScalar(field.kind)) {
    scalars[field.kind].write(writer, value)
    return
  }
  writer.fork()
  if (isObject(value)) write(writer, value, field.kind)
  writer.join()
}

interface ScalarForm {
  wireType: WireType
  read(reader: BinaryReader): unknown
  write(writer: BinaryWriter, value: unknown): void
}

const scalars: Readonly<Record<Scalar, ScalarForm>> = {
  string: {
    wireType: WireType.LengthDelimited,
    read: (reader) => reader.string(),
    write: (writer, value) => writer.string(String(value)),
  },
  bool: {
    wireType: WireType.Varint,
    read: (reader) => reader.bool(),
    write: (writer, value) => writer.bool(value === true),
  },
  int64: {
    wireType: WireType.Varint,
    read: (reader) => String(reader.int64()),
    write: (writer, value) => writer.int64(String(value)),
  },
  double: {
    wireType: WireType.Bit64,
    read: (reader) => reader.double(),
    write: (writer, value) => writer.double(Number(value)),
  },
  bytes: {
    wireType: WireType.LengthDelimited,
    read: (reader) => toBase64(reader.bytes()),
    write: (writer, value) => writer.bytes(fromBase64(String(value))),
  },
  id: {
    wireType: WireType.LengthDelimited,
    read: (reader) => hexOf(reader.bytes()),
    write: (writer, value) => writer.bytes(fromHex(String(value))),
  },
  fixed64: {
    wireType: WireType.Bit64,
    read: (reader) => String(reader.fixed64()),
    write: (writer, value) => writer.fixed64(String(value)),
  },
  fixed32: {
    wireType: WireType.Bit32,
    read: (reader) => reader.fixed32(),
    write: (writer, value) => writer.fixed32(Number(value)),
  },
  uint32: {
    wireType: WireType.Varint,
    read: (reader) => reader.uint32(),
    write: (writer, value) => writer.uint32(Number(value)),
  },
  int32: {
    wireType: WireType.Varint,
    read: (reader) => reader.int32(),
    write: (writer, value) => writer.int32(Number(value)),
  },
}

function isScalar(kind: Scalar | MessageName): kind is Scalar {
  return Object.hasOwn(scalars, kind)
}

function wireTypeOf({ kind }: Field): WireType {
  return isScalar(kind) ? scalars[kind].wireType : WireType.LengthDelimited
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
