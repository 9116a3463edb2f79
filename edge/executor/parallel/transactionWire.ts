import type { Authorization } from '../../../sdk/evm/index.ts'
import type { Wei } from '../../../sdk/units.ts'
import type { Transaction } from '../../../sdk/vm/index.ts'
import {
  type Cursor,
  putAddress,
  putBig,
  putBytes,
  putFixed,
  putList,
  putSlot,
  putWord,
  takeAddress,
  takeBig,
  takeBytes,
  takeFixed,
  takeList,
  takeSlot,
  takeWord,
  wordsFor,
} from './cursor.ts'

type Pricing = Transaction['pricing']
const types = ['legacy', 'eip2930', 'eip1559', 'eip4844', 'eip7702'] as const

/** Words that a transaction takes at the most. */
export function transactionWords({ data, pricing }: Transaction): number {
  let words = 96 + wordsFor(data.length)
  if (pricing.type !== 'legacy') for (const { slots } of pricing.accessList) words += 8 + 8 * slots.length
  if (pricing.type === 'eip4844') words += 8 * pricing.blobHashes.length
  if (pricing.type === 'eip7702') words += 48 * pricing.authorizations.length
  return words
}

/** Writes a transaction for another thread. */
export function putTransaction(cursor: Cursor, transaction: Transaction): void {
  const { chainId, from, to, nonce, value, data, gas } = transaction
  putBig(cursor, BigInt(chainId ?? 0))
  putAddress(cursor, from)
  putWord(cursor, to === null ? 0 : 1)
  if (to !== null) putAddress(cursor, to)
  putBig(cursor, BigInt(nonce))
  putBig(cursor, value)
  putBig(cursor, gas)
  putBytes(cursor, data)
  putPricing(cursor, transaction.pricing)
}

/** Reads what {@link putTransaction} wrote. */
export function takeTransaction(cursor: Cursor): Transaction {
  const chainId = Number(takeBig(cursor)) || null
  const from = takeAddress(cursor)
  const to = takeWord(cursor) === 0 ? null : takeAddress(cursor)
  const nonce = takeBig(cursor)
  const value = takeBig(cursor)
  const gas = takeBig(cursor)
  const data = takeBytes(cursor)
  return { chainId, from, to, nonce, value, data, gas, pricing: takePricing(cursor) }
}

function putPricing(cursor: Cursor, pricing: Pricing): void {
  putWord(cursor, types.indexOf(pricing.type))
  if ('gasPrice' in pricing) putBig(cursor, pricing.gasPrice)
  else {
    putBig(cursor, pricing.maxFeePerGas)
    putBig(cursor, pricing.maxPriorityFeePerGas)
  }
  if (pricing.type === 'legacy') return
  putList(cursor, pricing.accessList, ({ address, slots }) => {
    putAddress(cursor, address)
    putList(cursor, slots, (slot) => putSlot(cursor, slot))
  })
  if (pricing.type === 'eip4844') {
    putBig(cursor, pricing.maxFeePerBlobGas)
    putList(cursor, pricing.blobHashes, (hash) => putSlot(cursor, hash))
  }
  if (pricing.type === 'eip7702') putList(cursor, pricing.authorizations, (one) => putAuthorization(cursor, one))
}

function takePricing(cursor: Cursor): Pricing {
  const type = types[takeWord(cursor)]
  const price = takeBig(cursor) as Wei
  if (type === 'legacy') return { type, gasPrice: price }
  if (type === 'eip2930') return { type, gasPrice: price, accessList: takeAccessList(cursor) }
  const maxPriorityFeePerGas = takeBig(cursor) as Wei
  const market = { maxFeePerGas: price, maxPriorityFeePerGas, accessList: takeAccessList(cursor) }
  if (type === 'eip4844') {
    const maxFeePerBlobGas = takeBig(cursor)
    return { type, ...market, maxFeePerBlobGas, blobHashes: takeList(cursor, () => takeSlot(cursor)) }
  }
  if (type !== 'eip7702') return { type: 'eip1559', ...market }
  return { type, ...market, authorizations: takeList(cursor, () => takeAuthorization(cursor)) }
}

function takeAccessList(cursor: Cursor) {
  return takeList(cursor, () => ({
    address: takeAddress(cursor),
    slots: takeList(cursor, () => takeSlot(cursor)),
  }))
}

function putAuthorization(cursor: Cursor, { chainId, delegate, nonce, signature }: Authorization): void {
  putBig(cursor, BigInt(chainId))
  putAddress(cursor, delegate)
  putBig(cursor, nonce)
  putFixed(cursor, signature)
}

function takeAuthorization(cursor: Cursor): Authorization {
  return {
    chainId: Number(takeBig(cursor)),
    delegate: takeAddress(cursor),
    nonce: takeBig(cursor),
    signature: takeFixed(cursor, 65),
  }
}
