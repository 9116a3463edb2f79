import {
  type AccessList,
  delegateOf,
  type Fork,
  floorGas,
  gasTables,
  intrinsicGas,
  isPrecompile,
  type Pricing,
} from '../../../../sdk/evm/index.ts'
import { type Address, address, type Slot, toHex, wei } from '../../../../sdk/units.ts'
import {
  type Block,
  type Executed,
  emptyCodeHash,
  type Machine,
  type Outcome,
  type State,
  type Transaction,
} from '../../../../sdk/vm/index.ts'
import { callGasMax, listRunsMax } from './limits.ts'
import type { CallWish } from './params.ts'
import { codes, no, type RpcError } from './rpc.ts'

/** A state, and the block that a call on it believes to be in. */
export interface Stage {
  readonly machine: Machine
  readonly state: State
  readonly block: Block
}

/** A run, or why there is none. */
export type Ran = { readonly ok: true; readonly run: Executed } | { readonly ok: false; readonly error: RpcError }

const nobody = address(`0x${'00'.repeat(20)}`)

/** Runs what an account would send as the transaction it would be, and what a contract would as a call. */
export function runAsSent(stage: Stage, wish: CallWish, fork: Fork): Ran {
  if (isContract(stage.state, wish.from ?? nobody)) return runCall(stage, wish)
  const gas = gasAllowed(stage, wish, fork)
  return ran(runPriced(stage, wish, gas), gas)
}

/** Runs a call that nobody pays for (`eth_call`). What it says of fees is left aside. */
export function runCall(stage: Stage, wish: CallWish): Ran {
  if (wish.authorizations.length > 0) return ran(runPriced(stage, wish, stage.block.gasLimit), stage.block.gasLimit)
  const { machine, block, state } = stage
  const { from = nobody, to, value, data, gas = callGasMax } = wish
  const message = { from, to, value, data, gas: gas < callGasMax ? gas : callGasMax }
  return ran(machine.call(message, block, state), message.gas)
}

/** The same as a transaction at no price: with list, authorizations, and the floor of its data. */
function runPriced(stage: Stage, wish: CallWish, gas: bigint): Outcome {
  const { machine, block, state } = stage
  const { from = nobody, to, value, data } = wish
  const nonce = state.account(from)?.nonce ?? 0n
  const transaction: Transaction = { from, to, value, data, gas, nonce, chainId: null, pricing: freePricing(wish) }
  return machine.execute(transaction, free(block), state)
}

function freePricing({ accessList, authorizations }: CallWish): Pricing {
  const nothing = wei(0n)
  const market = { maxFeePerGas: nothing, maxPriorityFeePerGas: nothing, accessList }
  return authorizations.length > 0 ? { type: 'eip7702', ...market, authorizations } : { type: 'eip1559', ...market }
}

function free(block: Block): Block {
  return { ...block, baseFeePerGas: 0n, gasLimit: block.gasLimit > callGasMax ? block.gasLimit : callGasMax }
}

function ran(outcome: Outcome, gas: bigint): Ran {
  switch (outcome.kind) {
    case 'executed':
      return { ok: true, run: outcome }
    case 'refused': {
      const phrase = outcome.code === 'gas-too-low' ? `intrinsic gas too low: have ${gas}` : phrases[outcome.code]
      return { ok: false, ...no(codes.server, phrase ?? `invalid transaction: ${outcome.code}`) }
    }
    case 'needs':
      return { ok: false, ...no(codes.server, `precompiled contract ${outcome.precompile} is not available`) }
  }
}

const phrases: Readonly<Record<string, string>> = {
  'insufficient-funds': 'insufficient funds for gas * price + value',
  'gas-too-high': 'exceeds block gas limit',
  'unsupported-type': 'transaction type not supported',
}

/** Why a run that failed did, as an error; nothing for one that did not. */
export function failureOf({ failure, output }: Executed): RpcError | undefined {
  if (failure === null) return undefined
  if (failure !== 'reverted') return no(codes.server, failure).error
  const reason = reasonIn(output)
  const said = reason === undefined ? 'execution reverted' : `execution reverted: ${reason}`
  return no(codes.reverted, said, toHex(output)).error
}

/** The text of Solidity's `Error(string)`, bounded and printable. */
function reasonIn(output: Uint8Array): string | undefined {
  const head = [0x08, 0xc3, 0x79, 0xa0]
  if (output.length < 68 || !head.every((byte, at) => output[at] === byte)) return undefined
  const length = new DataView(output.buffer, output.byteOffset).getUint32(64)
  const text = new TextDecoder().decode(output.subarray(68, 68 + Math.min(length, 1_024)))
  return text.replace(/[^\x20-\x7e]+/g, ' ')
}

/** An estimate, or why nothing would be enough. */
export type Estimated = { readonly ok: true; readonly gas: bigint } | { readonly ok: false; readonly error: RpcError }

/**
 * The least gas limit with which the call succeeds, exactly, by bisection: one less fails. For code that does not ask
 * how much gas it has left, more is enough too.
 */
export function estimateGas(stage: Stage, wish: CallWish, fork: Fork): Estimated {
  if (isContract(stage.state, wish.from ?? nobody)) return estimateByCall(stage, wish)
  const most = gasAllowed(stage, wish, fork)
  const first = ran(runPriced(stage, wish, most), most)
  if (!first.ok) return first
  const failed = failureOf(first.run)
  if (failed) return { ok: false, error: failed }
  const priced = {
    from: wish.from ?? nobody,
    to: wish.to,
    value: wei(wish.value),
    data: wish.data,
    pricing: freePricing(wish),
  }
  const [intrinsic, floor] = [intrinsicGas(priced, fork), floorGas(priced, fork)]
  const isEnough = (gas: bigint) => {
    const outcome = runPriced(stage, wish, gas)
    return outcome.kind === 'executed' && outcome.status === 'succeeded'
  }
  const least = intrinsic > floor ? intrinsic : floor
  return { ok: true, gas: bisect(least, most, first.run, isEnough) }
}

/** A contract sends no transactions, but may be simulated to: then there is no list and no floor. */
function estimateByCall(stage: Stage, wish: CallWish): Estimated {
  const first = runCall(stage, wish)
  if (!first.ok) return first
  const failed = failureOf(first.run)
  if (failed) return { ok: false, error: failed }
  const isEnough = (gas: bigint) => {
    const again = runCall(stage, { ...wish, gas })
    return again.ok && again.run.failure === null
  }
  return { ok: true, gas: bisect(0n, wish.gas ?? callGasMax, first.run, isEnough) }
}

/** @param least - Whatever is below is not enough. */
function bisect(least: bigint, most: bigint, run: Executed, isEnough: (gas: bigint) => boolean): bigint {
  if (isEnough(least)) return least
  let [low, high] = [least, most]
  // What was spent before refunds is mostly enough, but for the 64th that calls leave behind (EIP-150).
  const spent = run.totals.gas
  for (const guess of [spent, spent + spent / 63n + 2_300n]) {
    if (guess <= low || guess >= high) continue
    if (isEnough(guess)) high = guess
    else low = guess
  }
  while (low + 1n < high) {
    const middle = (low + high) / 2n
    if (isEnough(middle)) high = middle
    else low = middle
  }
  return high
}

/** What the sender could pay for, within the limits of block and fork. */
function gasAllowed({ state, block }: Stage, wish: CallWish, fork: Fork): bigint {
  const price = wish.gasPrice ?? wish.maxFeePerGas ?? 0n
  const balance = state.account(wish.from ?? nobody)?.balance ?? 0n
  const limits = [block.gasLimit, callGasMax, gasTables[fork].gasLimitMax ?? callGasMax, wish.gas ?? callGasMax]
  if (price > 0n && balance >= wish.value) limits.push((balance - wish.value) / price)
  return limits.reduce((least, limit) => (limit < least ? limit : least))
}

function isContract(state: State, account: Address): boolean {
  const code = state.account(account)?.codeHash
  return code !== undefined && code !== emptyCodeHash && delegateOf(state.code(code)) === undefined
}

/** A list of what a call touches, and the gas it uses with that list; the error of a run that failed. */
export interface Listed {
  readonly list: AccessList
  readonly gasUsed: bigint
  readonly error: RpcError | undefined
}

/** Runs with the list of the run before until the list no longer changes (`eth_createAccessList`). */
export function listAccess(stage: Stage, wish: CallWish, fork: Fork): Listed | RpcError {
  let list = wish.accessList
  for (let runs = 1; ; runs++) {
    const gas = gasAllowed(stage, wish, fork)
    const again = ran(runPriced(stage, { ...wish, accessList: list }, gas), gas)
    if (!again.ok) return again.error
    const touched = touchedList(again.run, stage, wish, fork)
    if (runs === listRunsMax || isSameList(touched, list))
      return { list: touched, gasUsed: again.run.gasUsed, error: failureOf(again.run) }
    list = touched
  }
}

function isSameList(one: AccessList, other: AccessList): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Accounts and slots the run touched, but for what is warm anyway: sender, recipient and precompiled contracts. */
function touchedList({ access, created }: Executed, { block }: Stage, wish: CallWish, fork: Fork): AccessList {
  const accounts = new Map<Address, Set<Slot>>()
  const at = (account: Address) => {
    const known = accounts.get(account) ?? new Set<Slot>()
    accounts.set(account, known)
    return known
  }
  for (const list of [access.reads, access.writes, access.credits])
    for (const place of list) {
      if (place.kind === 'slot') at(place.address).add(place.slot)
      else at(place.address)
    }
  const warm = new Set<Address | null>([wish.from ?? nobody, wish.to, created, block.miner])
  return [...accounts]
    .filter(([account, slots]) => slots.size > 0 || !(warm.has(account) || isPrecompile(account, fork)))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([account, slots]) => ({ address: account, slots: [...slots].sort() }))
}
