import {
  authorizationsOf,
  checkUnderFork,
  decodeTransaction,
  type Fork,
  floorGas,
  gasTables,
  intrinsicGas,
  type Signed,
} from '../../../../sdk/evm/index.ts'
import type { ChainId, TxHash } from '../../../../sdk/units.ts'
import { type Account, emptyCodeHash } from '../../../../sdk/vm/index.ts'
import { maxFeeOf } from './fees.ts'
import { authorizationsMax, nonceGapMax } from './limits.ts'
import type { PoolRefusal } from './pool.ts'
import { codes, no, type RpcError } from './rpc.ts'

/** Signed bytes that this chain may run some day, or why not, in words that wallets know. */
export type Read = { readonly ok: true; readonly signed: Signed } | { readonly ok: false; readonly error: RpcError }

/** Judges bytes by themselves: shape, chain, the fork's gas rules, and the signature, which is the dearest and last. */
export function readSigned(
  raw: Uint8Array,
  { chainId, fork }: { readonly chainId: ChainId; readonly fork: Fork },
): Read {
  const decoded = decodeTransaction(raw)
  if (!decoded.ok) {
    const phrase = raw[0] === 3 ? 'transaction type not supported' : 'invalid transaction'
    return refuse(`${phrase}: ${decoded.reason}`)
  }
  const { prepared } = decoded.value
  const { gas, pricing } = prepared
  if (prepared.chainId !== chainId)
    return refuse(`invalid chain id for signer: have ${prepared.chainId} want ${chainId}`)
  if (authorizationsOf(pricing).length > authorizationsMax)
    return refuse(`invalid transaction: it has more than ${authorizationsMax} authorizations`)
  const [intrinsic, floor] = [intrinsicGas(prepared, fork), floorGas(prepared, fork)]
  if (gas < intrinsic) return refuse(`intrinsic gas too low: gas ${gas}, minimum needed ${intrinsic}`)
  if (gas < floor) return refuse(`insufficient gas for floor data gas cost: gas ${gas}, minimum needed ${floor}`)
  const most = gasTables[fork].gasLimitMax
  if (most !== null && gas > most) return refuse(`transaction gas limit too high (cap: ${most}, tx: ${gas})`)
  const judged = checkUnderFork(prepared, fork)
  return judged.ok ? { ok: true, signed: decoded.value } : refuse(`invalid transaction: ${judged.reason}`)
}

/** What the chain says of a sender and of the next block. */
export interface Standing {
  readonly account: Account | undefined
  /** Whether its code only names another account's (EIP-7702). */
  readonly isDelegated: boolean
  readonly baseFee: bigint
  readonly gasLimit: bigint
}

/** Judges a transaction by its sender's account and the next block's fee. Nothing when it may wait for a block. */
export function standingFault({ prepared }: Signed, standing: Standing): RpcError | undefined {
  const { account, isDelegated, baseFee, gasLimit } = standing
  const { from, nonce, gas, value, pricing } = prepared
  const next = account?.nonce ?? 0n
  if (BigInt(nonce) < next) return error(`nonce too low: next nonce ${next}, tx nonce ${nonce}`)
  if (BigInt(nonce) > next + BigInt(nonceGapMax)) return error(`nonce too high: next nonce ${next}, tx nonce ${nonce}`)
  if (account && account.codeHash !== emptyCodeHash && !isDelegated) return error(`sender not an eoa: address ${from}`)
  if (gas > gasLimit) return error(`exceeds block gas limit: limit ${gasLimit}, tx gas ${gas}`)
  const cap = maxFeeOf(pricing)
  if (cap < baseFee) return error(`max fee per gas less than block base fee: maxFeePerGas ${cap}, baseFee ${baseFee}`)
  const [balance, cost] = [account?.balance ?? 0n, gas * cap + value]
  if (balance < cost)
    return error(`insufficient funds for gas * price + value: address ${from} have ${balance} want ${cost}`)
  return undefined
}

const poolPhrases: Readonly<Record<PoolRefusal, RpcError>> = {
  'already-known': { code: codes.server, message: 'already known' },
  'underpriced-replacement': { code: codes.server, message: 'replacement transaction underpriced' },
  'pool-full': { code: codes.limit, message: 'txpool is full' },
  'sender-full': { code: codes.limit, message: 'account limit exceeded in txpool' },
}

export function poolError(refusal: PoolRefusal): RpcError {
  return poolPhrases[refusal]
}

/** Errors of `eth_sendRawTransactionSync` (EIP-7966): 4 time is up, 5 not ready, 6 a nonce is missing. */
export const syncErrors = {
  late: (hash: TxHash, ms: number): RpcError => ({
    code: 4,
    message: `The transaction was added to the pool but was in no block after ${ms} ms`,
    data: hash,
  }),
  unready: (hash: TxHash): RpcError => ({
    code: 5,
    message: 'The transaction was added to the pool and is not ready to be executed',
    data: hash,
  }),
  gap: (missingNonce: bigint): RpcError => ({
    code: 6,
    message: `The transaction waits: nonce ${missingNonce} is missing`,
    data: `0x${missingNonce.toString(16)}`,
  }),
}

function error(message: string): RpcError {
  return no(codes.server, message).error
}

function refuse(message: string): Read {
  return { ok: false, error: error(message) }
}
