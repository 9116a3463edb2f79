import { accepted, type Decoded, refused } from '../errors.ts'
import { isHex } from '../units.ts'

/** A field of a struct: its type and name, as EIP-712 writes them. */
export interface TypedField {
  readonly name: string
  readonly type: string
}

/** A value of typed data: numbers as bigint; addresses and bytes as lower-case hexadecimal text. */
export type TypedValue = bigint | boolean | string | readonly TypedValue[] | TypedStruct
export interface TypedStruct {
  readonly [name: string]: TypedValue
}

/**
 * Typed data (EIP-712) that holds exactly what is signed: no type that is not reached, no field that is not
 * declared, every value in its range. So what a screen shows of it is what the signature is on.
 */
export interface TypedData {
  /** `EIP712Domain` and whatever `primaryType` reaches. */
  readonly types: Readonly<Record<string, readonly TypedField[]>>
  readonly primaryType: string
  readonly domain: TypedStruct
  /** Empty when `primaryType` is `EIP712Domain`. */
  readonly message: TypedStruct
}

/** Longest typed data taken as text, in characters. */
export const typedDataCharactersMax = 1_048_576
/** Most struct types, and most fields of all of them. */
export const typedDataTypesMax = 128
export const typedDataFieldsMax = 1_024
/** Most values, and deepest nesting of structs and arrays. */
export const typedDataValuesMax = 65_536
export const typedDataDepthMax = 32

const domainFields: readonly TypedField[] = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
  { name: 'salt', type: 'bytes32' },
]
const identifier = /^[A-Za-z_$][A-Za-z0-9_$]*$/
/** Some applications put a colon into the names of their structs; no other type can be meant by it. */
const structName = /^[A-Za-z_$][A-Za-z0-9_$:]*$/
/** What looks like a built-in type cannot name a struct, whether or not such a type exists. */
const builtIn = /^(?:address|bool|string|(bytes|u?int)([0-9]*))$/
const arrayType = /^(.+)\[([0-9]*)\]$/

type Types = ReadonlyMap<string, readonly TypedField[]>
type Json = Readonly<Record<string, unknown>>

/**
 * Reads typed data, as an application hands it over (`eth_signTypedData_v4`): an object, or its JSON text. Never throws.
 *
 * Integers may be numbers, decimal or hexadecimal text. An absent `EIP712Domain` is what the domain's fields say.
 * Refuses a type that does not exist, a value that is absent, of another type or out of range, an array of another
 * length than its type says, and more of anything than the bounds above.
 */
export function decodeTypedData(input: unknown): Decoded<TypedData> {
  const json = typeof input === 'string' ? parse(input) : input
  if (!isObject(json)) return refused('the typed data is not an object')
  const { primaryType, domain = {}, message = {} } = json
  if (typeof primaryType !== 'string') return refused('primaryType is not text')
  if (!isObject(domain)) return refused('the domain is not an object')
  if (!isObject(message)) return refused('the message is not an object')
  const declared = readTypes(json.types)
  if (!declared.ok) return declared
  const usual = domainFields.filter(({ name }) => domain[name] !== undefined && domain[name] !== null)
  const types = reachable(new Map([['EIP712Domain', usual], ...declared.value]), primaryType)
  if (!types.ok) return types

  const reader = { types: types.value, values: 0 }
  const domainRead = readStruct(reader, 'EIP712Domain', domain, { path: 'domain', depth: 0 })
  if (!domainRead.ok) return domainRead
  const isDomain = primaryType === 'EIP712Domain'
  const messageRead = isDomain ? accepted({}) : readStruct(reader, primaryType, message, { path: 'message', depth: 0 })
  if (!messageRead.ok) return messageRead
  return accepted({
    types: Object.fromEntries(types.value),
    primaryType,
    domain: domainRead.value,
    message: messageRead.value,
  })
}

function parse(text: string): unknown {
  if (text.length > typedDataCharactersMax) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined // The caller refuses what is not an object.
  }
}

function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function readTypes(json: unknown): Decoded<Types> {
  if (!isObject(json)) return refused('types is not an object')
  const types = new Map<string, readonly TypedField[]>()
  let count = 0
  for (const [struct, fields] of Object.entries(json)) {
    if (!structName.test(struct) || builtIn.test(struct)) return refused('a struct has a name that none may have')
    if (!Array.isArray(fields)) return refused(`the type ${struct} is not a list of fields`)
    count += fields.length
    if (types.size === typedDataTypesMax || count > typedDataFieldsMax) return refused('there are too many types')
    const read = readFields(fields)
    if (!read.ok) return refused(`the type ${struct} ${read.reason}`)
    types.set(struct, read.value)
  }
  return accepted(types)
}

function readFields(json: readonly unknown[]): Decoded<readonly TypedField[]> {
  const fields = new Map<string, TypedField>()
  for (const field of json) {
    if (!isObject(field)) return refused('has a field that is not an object')
    const { name, type } = field
    if (typeof name !== 'string' || !identifier.test(name)) return refused('has a field without a proper name')
    if (typeof type !== 'string') return refused(`says no type of its field ${name}`)
    if (fields.has(name)) return refused(`has two fields ${name}`)
    fields.set(name, { name, type })
  }
  return accepted([...fields.values()])
}

/** The structs that domain and message are made of, all of which must exist, as must the built-in types. */
function reachable(declared: Types, primaryType: string): Decoded<Types> {
  if (!declared.has(primaryType)) return refused('primaryType is not one of the types')
  const reached = new Map<string, readonly TypedField[]>()
  const waiting = ['EIP712Domain', primaryType]
  for (let type = waiting.shift(); type !== undefined; type = waiting.shift()) {
    const element = type.replace(/(?:\[[0-9]*\])+$/, '')
    const fields = declared.get(element)
    if (!fields && !isBuiltIn(element)) return refused('a field has a type that does not exist')
    if (!fields || reached.has(element)) continue
    reached.set(element, fields)
    waiting.push(...fields.map((field) => field.type))
  }
  return accepted(reached)
}

function isBuiltIn(type: string): boolean {
  const [found, family, size = ''] = builtIn.exec(type) ?? []
  if (family === undefined) return found !== undefined
  if (family === 'bytes') return /^(?:|[1-9]|[12][0-9]|3[0-2])$/.test(size)
  return /^[1-9][0-9]{0,2}$/.test(size) && Number(size) % 8 === 0 && Number(size) <= 256
}

interface Reader {
  readonly types: Types
  /** Read so far. */
  values: number
}

interface Where {
  readonly path: string
  readonly depth: number
}

function readStruct(reader: Reader, struct: string, json: unknown, { path, depth }: Where): Decoded<TypedStruct> {
  if (!isObject(json)) return refused(`${path} is not an object`)
  const entries: [string, TypedValue][] = []
  for (const { name, type } of reader.types.get(struct) ?? []) {
    const value = Object.hasOwn(json, name) ? json[name] : undefined
    const read = readValue(reader, type, value, { path: `${path}.${name}`, depth: depth + 1 })
    if (!read.ok) return read
    entries.push([name, read.value])
  }
  return accepted(Object.fromEntries(entries))
}

function readValue(reader: Reader, type: string, json: unknown, where: Where): Decoded<TypedValue> {
  reader.values += 1
  if (reader.values > typedDataValuesMax) return refused('there are too many values')
  if (where.depth > typedDataDepthMax) return refused('the values are nested too deep')
  const [, element, size] = arrayType.exec(type) ?? []
  if (element !== undefined) return readArray(reader, element, json, { ...where, size: size || undefined })
  if (reader.types.has(type)) return readStruct(reader, type, json, where)
  const value = readBuiltIn(type, json)
  return value === undefined ? refused(`${where.path} is not of type ${type}`) : accepted(value)
}

function readArray(
  reader: Reader,
  element: string,
  json: unknown,
  { path, depth, size }: Where & { readonly size: string | undefined },
): Decoded<readonly TypedValue[]> {
  if (!Array.isArray(json)) return refused(`${path} is not an array`)
  if (size !== undefined && json.length !== Number(size)) return refused(`${path} has not ${size} elements`)
  const values: TypedValue[] = []
  for (const [at, inner] of json.entries()) {
    const read = readValue(reader, element, inner, { path: `${path}[${at}]`, depth: depth + 1 })
    if (!read.ok) return read
    values.push(read.value)
  }
  return accepted(values)
}

function readBuiltIn(type: string, json: unknown): TypedValue | undefined {
  if (type === 'string') return typeof json === 'string' ? json : undefined
  if (type === 'bool') return typeof json === 'boolean' ? json : undefined
  if (type === 'address') return readHex(json, 20)
  const [, family, digits] = builtIn.exec(type) ?? []
  if (family === 'bytes') return readHex(json, digits ? Number(digits) : undefined)
  const value = readInteger(json)
  if (value === undefined) return undefined
  const bits = Number(digits)
  const wrapped = family === 'int' ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)
  return wrapped === value ? value : undefined
}

function readHex(json: unknown, size: number | undefined): string | undefined {
  return isHex(json, size) ? json.toLowerCase() : undefined
}

function readInteger(json: unknown): bigint | undefined {
  if (typeof json === 'bigint') return json
  if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : undefined
  // 78 digits hold 2^256; what follows judges the range.
  const isInteger = typeof json === 'string' && /^(?:-?[0-9]{1,78}|0x[0-9a-fA-F]{1,64})$/.test(json)
  return isInteger ? BigInt(json) : undefined
}
