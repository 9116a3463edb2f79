import { accepted, type Decoded, refused } from '../errors.ts'
import { encodeRlp, quantity } from '../rlp.ts'
import { fromHex, isHex } from '../units.ts'
import { decodeHeader } from './block.ts'
import { decodeReceipt } from './receipt.ts'

/** Fields of a block in JSON-RPC, in the order of the header. All headers have the first fifteen. */
const headerFields = [
  ['parentHash', 'data'],
  ['sha3Uncles', 'data'],
  ['miner', 'data'],
  ['stateRoot', 'data'],
  ['transactionsRoot', 'data'],
  ['receiptsRoot', 'data'],
  ['logsBloom', 'data'],
  ['difficulty', 'quantity'],
  ['number', 'quantity'],
  ['gasLimit', 'quantity'],
  ['gasUsed', 'quantity'],
  ['timestamp', 'quantity'],
  ['extraData', 'data'],
  ['mixHash', 'data'],
  ['nonce', 'data'],
  ['baseFeePerGas', 'quantity'],
  ['withdrawalsRoot', 'data'],
  ['blobGasUsed', 'quantity'],
  ['excessBlobGas', 'quantity'],
  ['parentBeaconBlockRoot', 'data'],
  ['requestsHash', 'data'],
] as const
const frontierFields = 15

/**
 * The header, in consensus encoding, of a block as JSON-RPC tells it (`eth_getBlockBy...`). Never throws.
 *
 * Further fields are passed over, `hash` too: the caller compares the hash of these bytes with the one it expects,
 * and a header with a field that this version does not know will not have it.
 * Refuses missing and malformed fields, and a later fork's field without those before it.
 */
export function headerFromJson(json: unknown): Decoded<Uint8Array> {
  const faults: string[] = []
  const block = readObject(json, 'the block', faults)
  const present = headerFields.filter(([name], at) => at < frontierFields || block.has(name))
  // Without a field, later ones would move up and be read as others.
  const missing = headerFields.find((field, at) => at < present.length && field !== present[at])
  if (missing) return refused(`the block's ${missing[0]} is missing`)
  const bytes = encodeRlp(present.map(([name, kind]) => block[kind](name)))
  return judged(bytes, decodeHeader(bytes), faults)
}

/**
 * A receipt as JSON-RPC tells it (`eth_getTransactionReceipt`, `eth_getBlockReceipts`), in consensus encoding
 * (EIP-2718). Never throws.
 *
 * Further fields are passed over; none of those that nodes derive (hashes, gas used, contract address) is part of
 * what a block commits to. Refuses missing and malformed fields, and a bloom filter that is not that of the logs.
 */
export function receiptFromJson(json: unknown): Decoded<Uint8Array> {
  const faults: string[] = []
  const receipt = readObject(json, 'the receipt', faults)
  // Before EIP-2718 there were no types; type 0 is written without one.
  const type = receipt.has('type') ? receipt.quantity('type') : nothing
  const payload = encodeRlp([
    // Before Byzantium (EIP-658) there was no status.
    receipt.has('status') ? receipt.quantity('status') : receipt.data('root'),
    receipt.quantity('cumulativeGasUsed'),
    receipt.data('logsBloom'),
    receipt.list('logs').map((item) => {
      const log = readObject(item, 'the log', faults)
      return [log.data('address'), log.list('topics').map((topic) => dataOf(topic) ?? nothing), log.data('data')]
    }),
  ])
  const bytes = new Uint8Array(type.length + payload.length)
  bytes.set(type)
  bytes.set(payload, type.length)
  return judged(bytes, decodeReceipt(bytes), faults)
}

/** Fields of one object. What does not fit is named in `faults` and read as nothing. */
interface JsonObject {
  readonly has: (name: string) => boolean
  readonly data: (name: string) => Uint8Array
  readonly quantity: (name: string) => Uint8Array
  readonly list: (name: string) => readonly unknown[]
}

const nothing = /* @__PURE__ */ new Uint8Array(0)

function readObject(json: unknown, what: string, faults: string[]): JsonObject {
  const record = isRecord(json) ? json : {}
  if (record !== json) faults.push(`${what} is not an object`)
  const read = <value>(name: string, fit: (json: unknown) => value | undefined, otherwise: value): value => {
    const value = fit(record[name])
    if (value === undefined) faults.push(`${what}'s ${name} is missing or malformed`)
    return value ?? otherwise
  }
  return {
    // Nodes write null for what a block of this fork does not have.
    has: (name) => record[name] !== undefined && record[name] !== null,
    data: (name) => read(name, dataOf, nothing),
    quantity: (name) => read(name, quantityOf, nothing),
    list: (name) => read<readonly unknown[]>(name, (json) => (Array.isArray(json) ? json : undefined), []),
  }
}

/** The first fault of the JSON, else what the decoder says of the bytes made from it. */
function judged(bytes: Uint8Array, decoded: Decoded<unknown>, faults: readonly string[]): Decoded<Uint8Array> {
  const [fault] = faults
  if (fault !== undefined) return refused(fault)
  return decoded.ok ? accepted(bytes) : decoded
}

function dataOf(json: unknown): Uint8Array | undefined {
  return isHex(json) ? fromHex(json) : undefined
}

/** Leading zeros are tolerated, as some nodes write them: the number is the same. */
function quantityOf(json: unknown): Uint8Array | undefined {
  return typeof json === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(json) ? quantity(BigInt(json)) : undefined
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
