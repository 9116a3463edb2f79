import { type Declaration, footprint, gasMax, type ReceivedBatch, undeclared } from '../sdk/batch/index.ts'
import {
  authorizationsOf,
  checkUnderFork,
  decodeTransaction,
  floorGas,
  gasTables,
  intrinsicGas,
  type Pricing,
} from '../sdk/evm/index.ts'
import type { ChainConfig } from './config.ts'
import { authorizationsMax, placesPerBatchMax } from './limits.ts'
import { footprintJson } from './payload.ts'
import type { ProblemCode } from './problems.ts'
import type { Item } from './shard.ts'

/** A refusal before anything is asked of anyone. */
export interface Fault {
  readonly ok: false
  readonly code: ProblemCode
  readonly detail: string
}

/** Signed bytes, and what their sender says they touch; nothing where it says nothing. */
export interface Submission {
  readonly raw: Uint8Array
  readonly declaration: Declaration | null
}

/** An item fit for a shard, or why not. */
export type Judged = { readonly ok: true; readonly item: Item } | Fault

/** Judges what a batch says of itself, before its transactions are read. Nothing when it may go on. */
export function batchFault({ chainId, transactions }: ReceivedBatch, chain: ChainConfig): Fault | undefined {
  if (chainId !== chain.id) return fault('wrong-chain', `The envelope is for chain ${chainId}.`)
  let places = 0
  for (const { declaration } of transactions)
    places += declaration.reads.length + declaration.writes.length + declaration.credits.length
  if (places > placesPerBatchMax)
    return fault('batch-too-large', `The declarations name ${places} places, more than ${placesPerBatchMax}.`)
  return undefined
}

/**
 * Judges one transaction by its bytes alone: shape, chain, gas limits under the chain's fork, and its signature, which
 * is the dearest and last. Whether the sender can pay is for the executor to say.
 */
export function judge({ raw, declaration }: Submission, { id, fork }: ChainConfig): Judged {
  const decoded = decodeTransaction(raw)
  if (!decoded.ok) return fault('invalid-transaction', sentence(decoded.reason))
  const { hash, prepared } = decoded.value
  const { chainId, from, nonce, gas, pricing } = prepared
  if (chainId !== id) return fault('wrong-chain', `The transaction is for chain ${chainId}.`)
  if (authorizationsOf(pricing).length > authorizationsMax)
    return fault('invalid-transaction', `It has more than ${authorizationsMax} authorizations.`)
  let least = intrinsicGas(prepared, fork)
  const floor = floorGas(prepared, fork)
  if (floor > least) least = floor
  if (gas < least)
    return fault('gas-too-low', `The gas limit is ${gas}; the transaction takes ${least} before it runs.`)
  const most = gasTables[fork].gasLimitMax
  if (most !== null && gas > most) return fault('gas-too-high', `The gas limit is ${gas}; ${fork} allows ${most}.`)
  const judged = checkUnderFork(prepared, fork)
  if (!judged.ok) return fault('invalid-transaction', sentence(judged.reason))
  // Without a word, the gas limit is the best guess of the gas.
  const said = declaration ?? undeclared(Math.min(Number(gas), gasMax))
  const item = {
    hash,
    sender: from,
    nonce,
    ...feesOf(pricing),
    raw,
    footprintJson: footprintJson(footprint(decoded.value, said)),
  }
  return { ok: true, item }
}

/** Where there is but one price, it is both. */
function feesOf(pricing: Pricing): Pick<Item, 'maxFeePerGas' | 'maxPriorityFeePerGas'> {
  if ('gasPrice' in pricing) return { maxFeePerGas: pricing.gasPrice, maxPriorityFeePerGas: pricing.gasPrice }
  return { maxFeePerGas: pricing.maxFeePerGas, maxPriorityFeePerGas: pricing.maxPriorityFeePerGas }
}

function fault(code: ProblemCode, detail: string): Fault {
  return { ok: false, code, detail }
}

/** A decoder's reason as a sentence. */
export function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`
}
