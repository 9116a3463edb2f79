import type { AccessList, Authorization } from '../../../../sdk/evm/index.ts'
import { type Address, address, fromHex, isHex, type Slot, slot, type TxHash, txHash } from '../../../../sdk/units.ts'
import { authorizationsMax, listPlacesMax, logsAlternativesMax } from './limits.ts'

/** Which block is meant. */
export type BlockRef =
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'hash'; readonly hash: string }
  | { readonly kind: 'tag'; readonly tag: 'latest' | 'pending' | 'earliest' }

/** A call object as wallets send it; what was left out is nothing. */
export interface CallWish {
  readonly from: Address | undefined
  readonly to: Address | null
  readonly value: bigint
  readonly data: Uint8Array
  readonly gas: bigint | undefined
  readonly nonce: bigint | undefined
  readonly gasPrice: bigint | undefined
  readonly maxFeePerGas: bigint | undefined
  readonly maxPriorityFeePerGas: bigint | undefined
  readonly accessList: AccessList
  readonly authorizations: readonly Authorization[]
}

/** Which logs are meant: of one block by its hash, or of a range. */
export interface LogsWish {
  readonly from: BlockRef
  readonly to: BlockRef
  readonly blockHash: string | undefined
  readonly addresses: readonly Address[]
  /** Alternatives at each position; none of them means any. */
  readonly topics: readonly (readonly string[])[]
}

/**
 * Takes parameters from first to last. The first that does not fit is kept in `fault`, and everything taken then is an
 * empty value of the right type, to be thrown away.
 */
export interface Params {
  readonly address: (at: number) => Address
  readonly hash: (at: number) => TxHash
  readonly slot: (at: number) => Slot
  readonly slots: (at: number, most: number) => readonly Slot[]
  readonly bytes: (at: number) => Uint8Array
  readonly count: (at: number) => number
  readonly flag: (at: number) => boolean
  /** `latest` when left out. */
  readonly block: (at: number) => BlockRef
  readonly call: (at: number) => CallWish
  readonly logs: (at: number) => LogsWish
  readonly percentiles: (at: number, most: number) => readonly number[]
  readonly record: (at: number) => Readonly<Record<string, unknown>>
  /** As it came. */
  readonly raw: (at: number) => unknown
  /** Says that something is wrong. */
  readonly refuse: (reason: string) => void
  readonly fault: () => string | undefined
}

const latest: BlockRef = { kind: 'tag', tag: 'latest' }
const zeroWord = `0x${'00'.repeat(32)}` as const

export function readParams(values: readonly unknown[]): Params {
  let fault: string | undefined
  const refuse = (reason: string) => {
    fault ??= reason
  }
  function take<value>(at: number, what: string, fit: (json: unknown) => value | undefined, zero: value): value {
    const value = fit(values[at])
    if (value === undefined) refuse(`parameter ${at} is not ${what}`)
    return value ?? zero
  }
  return {
    address: (at) => take(at, 'an address', addressOf, address(`0x${'00'.repeat(20)}`)),
    hash: (at) => take(at, 'a hash', (json) => (isHex(json, 32) ? txHash(json) : undefined), txHash(zeroWord)),
    slot: (at) => take(at, 'a slot', slotOf, slot(zeroWord)),
    slots: (at, most) => take(at, `a list of at most ${most} slots`, (json) => listOf(json, slotOf, most), []),
    bytes: (at) => take(at, '0x and bytes', (json) => (isHex(json) ? fromHex(json) : undefined), new Uint8Array(0)),
    count: (at) => take(at, 'a number', countOf, 0),
    flag: (at) => take(at, 'true or false', (json) => (json === undefined ? false : flagOf(json)), false),
    block: (at) =>
      take(at, 'a block', (json) => (json === undefined || json === null ? latest : blockRefOf(json)), latest),
    call: (at) => take(at, 'a call', callOf, emptyCall),
    logs: (at) =>
      take(at, 'a filter of logs', logsOf, {
        from: latest,
        to: latest,
        blockHash: undefined,
        addresses: [],
        topics: [],
      }),
    percentiles: (at, most) =>
      take(at, 'an ascending list of percentiles', (json) => (json === undefined ? [] : percentilesOf(json, most)), []),
    record: (at) => take(at, 'an object', (json) => (json === undefined ? {} : isRecord(json) ? json : undefined), {}),
    raw: (at) => values[at],
    refuse,
    fault: () => fault,
  }
}

const emptyCall: CallWish = {
  from: undefined,
  to: null,
  value: 0n,
  data: new Uint8Array(0),
  gas: undefined,
  nonce: undefined,
  gasPrice: undefined,
  maxFeePerGas: undefined,
  maxPriorityFeePerGas: undefined,
  accessList: [],
  authorizations: [],
}

function addressOf(json: unknown): Address | undefined {
  return isHex(json, 20) ? address(json) : undefined
}

/** 32 bytes, or a quantity: both are in use for slots. */
function slotOf(json: unknown): Slot | undefined {
  if (typeof json !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(json)) return undefined
  return slot(`0x${json.slice(2).padStart(64, '0')}`)
}

/** A quantity of at most 256 bits. Leading zeros are let through: they change no value. */
export function quantityOf(json: unknown): bigint | undefined {
  return typeof json === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(json) ? BigInt(json) : undefined
}

export function countOf(json: unknown): number | undefined {
  const value = typeof json === 'number' && json >= 0 && Number.isSafeInteger(json) ? BigInt(json) : quantityOf(json)
  return value !== undefined && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined
}

function flagOf(json: unknown): boolean | undefined {
  return typeof json === 'boolean' ? json : undefined
}

function listOf<value>(
  json: unknown,
  read: (entry: unknown) => value | undefined,
  most: number,
): readonly value[] | undefined {
  if (!Array.isArray(json) || json.length > most) return undefined
  const values: value[] = []
  for (const entry of json) {
    const value = read(entry)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values
}

/** A number, a name or a hash; also as EIP-1898 writes it. Every block here is final once it is told. */
function blockRefOf(json: unknown): BlockRef | undefined {
  if (json === 'latest' || json === 'safe' || json === 'finalized') return latest
  if (json === 'pending' || json === 'earliest') return { kind: 'tag', tag: json }
  if (isHex(json, 32)) return { kind: 'hash', hash: json.toLowerCase() }
  if (isRecord(json)) {
    const { blockHash, blockNumber } = json
    if (blockHash !== undefined && blockNumber !== undefined) return undefined
    return blockHash === undefined ? blockRefOf(blockNumber) : isHex(blockHash, 32) ? blockRefOf(blockHash) : undefined
  }
  const number = typeof json === 'string' ? countOf(json) : undefined
  return number === undefined ? undefined : { kind: 'number', number }
}

function percentilesOf(json: unknown, most: number): readonly number[] | undefined {
  const isFit = (entry: unknown) => (typeof entry === 'number' && entry >= 0 && entry <= 100 ? entry : undefined)
  const values = listOf(json, isFit, most)
  return values?.every((value, at) => at === 0 || value >= (values[at - 1] as number)) ? values : undefined
}

function callOf(json: unknown): CallWish | undefined {
  if (!isRecord(json)) return undefined
  const faults: string[] = []
  const optional = <value>(name: string, read: (json: unknown) => value | undefined): value | undefined => {
    const told = json[name]
    if (told === undefined || told === null) return undefined
    const value = read(told)
    if (value === undefined) faults.push(name)
    return value
  }
  const bytes = (told: unknown) => (isHex(told) ? fromHex(told) : undefined)
  const [data, input] = [optional('data', bytes), optional('input', bytes)]
  const budget = { left: listPlacesMax }
  const wish: CallWish = {
    from: optional('from', addressOf),
    to: optional('to', addressOf) ?? null,
    value: optional('value', quantityOf) ?? 0n,
    data: input ?? data ?? new Uint8Array(0),
    gas: optional('gas', quantityOf),
    nonce: optional('nonce', quantityOf),
    gasPrice: optional('gasPrice', quantityOf),
    maxFeePerGas: optional('maxFeePerGas', quantityOf),
    maxPriorityFeePerGas: optional('maxPriorityFeePerGas', quantityOf),
    accessList: optional('accessList', (told) => listOf(told, (entry) => entryOf(entry, budget), listPlacesMax)) ?? [],
    authorizations: optional('authorizationList', (told) => listOf(told, authorizationOf, authorizationsMax)) ?? [],
  }
  return faults.length === 0 ? wish : undefined
}

function entryOf(json: unknown, budget: { left: number }): AccessList[number] | undefined {
  if (!isRecord(json)) return undefined
  const account = addressOf(json.address)
  const slots = listOf(json.storageKeys, slotOf, budget.left)
  if (!account || !slots) return undefined
  budget.left -= slots.length
  return { address: account, slots }
}

function authorizationOf(json: unknown): Authorization | undefined {
  if (!isRecord(json)) return undefined
  const [chainId, nonce, r, s] = [json.chainId, json.nonce, json.r, json.s].map(quantityOf)
  const parity = quantityOf(json.yParity ?? json.v)
  const delegate = addressOf(json.address)
  if (chainId === undefined || nonce === undefined || r === undefined || s === undefined) return undefined
  if (parity === undefined || parity > 255n || !delegate || chainId > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  const word = (value: bigint) => value.toString(16).padStart(64, '0')
  const signature = fromHex(`0x${word(r)}${word(s)}${parity.toString(16).padStart(2, '0')}`)
  return { chainId: Number(chainId), delegate, nonce, signature }
}

function logsOf(json: unknown): LogsWish | undefined {
  if (!isRecord(json)) return undefined
  const { fromBlock = 'latest', toBlock = 'latest', blockHash, address: named, topics = [] } = json
  const [from, to] = [blockRefOf(fromBlock ?? 'latest'), blockRefOf(toBlock ?? 'latest')]
  const isHashed = blockHash !== undefined && blockHash !== null
  if (!from || !to || (isHashed && !isHex(blockHash, 32))) return undefined
  if (isHashed && (json.fromBlock !== undefined || json.toBlock !== undefined)) return undefined
  const addresses = alternativesOf(named, addressOf)
  const topicLists = listOf(topics, (entry) => alternativesOf(entry, topicOf), 4)
  if (!addresses || !topicLists) return undefined
  return { from, to, blockHash: isHashed ? String(blockHash).toLowerCase() : undefined, addresses, topics: topicLists }
}

/** One, several, or nothing, which stands for any. */
function alternativesOf<value>(
  json: unknown,
  read: (json: unknown) => value | undefined,
): readonly value[] | undefined {
  if (json === undefined || json === null) return []
  if (Array.isArray(json)) return listOf(json, read, logsAlternativesMax)
  const value = read(json)
  return value === undefined ? undefined : [value]
}

function topicOf(json: unknown): string | undefined {
  return isHex(json, 32) ? json.toLowerCase() : undefined
}

export function isRecord(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
