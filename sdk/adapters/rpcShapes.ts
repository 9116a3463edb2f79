import type { CallTrace, NodeAccessList, NodeCall, TracedAccount } from '../ports.ts'
import { toBigInt } from '../rlp.ts'
import { type Address, address, fromHex, type Hex, isHex, toHex } from '../units.ts'
import { fieldsOf } from './http.ts'

/**
 * The shapes of Ethereum's JSON-RPC (execution-apis), read without believing any of it.
 * Every reader returns nothing when the JSON is not of its shape.
 */

/** Most accounts, and most slots in all, that one trace or access list may name. */
export const placesMax = 65_536

/** A quantity below 2^256. Leading zeros are let through: some nodes write them, and they change no value. */
export function readQuantity(json: unknown): bigint | undefined {
  return typeof json === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(json) ? BigInt(json) : undefined
}

/** A quantity that a number holds exactly. */
export function readCount(json: unknown): number | undefined {
  const value = readQuantity(json)
  return value !== undefined && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined
}

export function readBytes(json: unknown): Uint8Array | undefined {
  return isHex(json) ? fromHex(json) : undefined
}

/** 32 bytes, lower case. */
export function readWord(json: unknown): Hex | undefined {
  return isHex(json, 32) ? (json.toLowerCase() as Hex) : undefined
}

export function writeQuantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

/** The transaction object of `eth_call`, `eth_estimateGas` and the tracers. */
export function writeCall(call: NodeCall): Readonly<Record<string, unknown>> {
  return {
    from: call.from,
    ...(call.to === null ? {} : { to: call.to }),
    value: writeQuantity(call.value),
    input: toHex(call.data),
    ...(call.accessList
      ? { accessList: call.accessList.map(({ address, slots }) => ({ address, storageKeys: slots })) }
      : {}),
    ...(call.authorizations ? { authorizationList: call.authorizations.map(writeAuthorization) } : {}),
  }
}

type Authorization = NonNullable<NodeCall['authorizations']>[number]

function writeAuthorization({ chainId, delegate, nonce, signature }: Authorization): object {
  return {
    chainId: writeQuantity(chainId),
    address: delegate,
    nonce: writeQuantity(nonce),
    yParity: writeQuantity(signature[64] ?? 0),
    r: writeQuantity(toBigInt(signature.subarray(0, 32))),
    s: writeQuantity(toBigInt(signature.subarray(32, 64))),
  }
}

/** The answer of `eth_createAccessList`; a run that failed in it is no answer. */
export function readAccessList(json: unknown): NodeAccessList | undefined {
  const fields = fieldsOf(json)
  const gasUsed = readQuantity(fields?.gasUsed)
  if (!fields || gasUsed === undefined || fields.error !== undefined || !Array.isArray(fields.accessList))
    return undefined
  const budget = { left: placesMax }
  const entries: { address: Address; slots: readonly Hex[] }[] = []
  for (const entry of fields.accessList) {
    const { address: account, storageKeys } = fieldsOf(entry) ?? {}
    if (!isHex(account, 20) || !Array.isArray(storageKeys)) return undefined
    budget.left -= 1 + storageKeys.length
    if (budget.left < 0) return undefined
    const slots: Hex[] = []
    for (const key of storageKeys) {
      const slot = readWord(key)
      if (!slot) return undefined
      slots.push(slot)
    }
    entries.push({ address: address(account), slots })
  }
  return { entries, gasUsed }
}

/**
 * Joins the two runs of `prestateTracer` and the gas of `callTracer` into one trace.
 *
 * The difference leaves out what became zero: a slot or account that stands in its `pre` and not in its `post`
 * was cleared, and is told here as zero.
 */
export function readTrace(told: { prestate: unknown; difference: unknown; run: unknown }): CallTrace | undefined {
  const { pre, post } = fieldsOf(told.difference) ?? {}
  const before = readAccounts(told.prestate)
  const changed = readAccounts(pre)
  const after = readAccounts(post)
  const gasUsed = readQuantity(fieldsOf(told.run)?.gasUsed)
  if (!before || !changed || !after || gasUsed === undefined) return undefined
  for (const [account, old] of changed) after.set(account, withCleared(old, after.get(account)))
  return { before, after, gasUsed }
}

const zeroWord: Hex = `0x${'00'.repeat(32)}`

function withCleared(old: TracedAccount, now: TracedAccount | undefined): TracedAccount {
  const storage = new Map(now?.storage)
  for (const slot of old.storage.keys()) if (!storage.has(slot)) storage.set(slot, zeroWord)
  if (now) return { ...now, storage }
  return { balance: 0n, nonce: 0, code: new Uint8Array(0), storage }
}

function readAccounts(json: unknown): Map<Address, TracedAccount> | undefined {
  const fields = fieldsOf(json)
  if (!fields) return undefined
  const accounts = new Map<Address, TracedAccount>()
  const budget = { left: placesMax }
  for (const [name, told] of Object.entries(fields)) {
    const account = isHex(name, 20) ? readAccount(told, budget) : undefined
    budget.left -= 1
    if (!account || budget.left < 0) return undefined
    accounts.set(address(name), account)
  }
  return accounts
}

function readAccount(json: unknown, budget: { left: number }): TracedAccount | undefined {
  const fields = fieldsOf(json)
  if (!fields) return undefined
  const balance = readQuantity(fields.balance)
  const code = readBytes(fields.code)
  // Geth writes the nonce as a number, others as a quantity.
  const nonce = Number.isSafeInteger(fields.nonce) ? (fields.nonce as number) : readCount(fields.nonce)
  const told = [fields.balance, fields.code, fields.nonce].filter((field) => field !== undefined).length
  const read = [balance, code, nonce].filter((field) => field !== undefined).length
  const storage = fields.storage === undefined ? new Map<Hex, Hex>() : readStorage(fields.storage, budget)
  if (told !== read || !storage || (nonce ?? 0) < 0) return undefined
  return {
    ...(balance === undefined ? {} : { balance }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(code === undefined ? {} : { code }),
    storage,
  }
}

function readStorage(json: unknown, budget: { left: number }): Map<Hex, Hex> | undefined {
  const storage = new Map<Hex, Hex>()
  for (const [name, told] of Object.entries(fieldsOf(json) ?? {})) {
    const slot = readWord(name)
    const value = readWord(told)
    budget.left -= 1
    if (!slot || !value || budget.left < 0) return undefined
    storage.set(slot, value)
  }
  return storage
}
