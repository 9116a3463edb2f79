import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Fork } from '../../sdk/evm/fork.ts'
import type { Authorization } from '../../sdk/evm/transaction.ts'
import { type Address, address, fromHex, type Hex, slot, type Wei } from '../../sdk/units.ts'
import {
  type BlobPrices,
  type Block,
  blobPrices,
  createMachine,
  type Outcome,
  type TouchedPlaces,
  type Transaction,
} from '../../sdk/vm/index.ts'
import { type MemoryState, memoryState } from '../sdk/vm/memoryState.ts'
import { heavyPrecompiles } from '../sdk/vm/precompiles.ts'
import { asRecord, filesBelow, readJson } from './files.ts'
import type { Case } from './suite.ts'

/** What one engine said of a transaction: keys are `s` a slot, `b` an account's value, `c` an account as it was. */
export interface Expected {
  readonly status: number
  readonly gasUsed: number
  readonly logs: number
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  readonly credits: readonly string[]
}

/** A block that can be run, and what one engine said of it. */
export interface RunnableBlock {
  readonly name: string
  readonly fork: Fork
  readonly block: Block
  readonly state: MemoryState
  readonly transactions: readonly Transaction[]
  readonly expected: readonly Expected[]
}

/** A block as grevm-test-data has it (unsigned transactions, and the state before with its code), run in its order. */
export function* executedCases(file: string): Iterable<Case> {
  const read = readBlock(file)
  if (!read) return
  if (typeof read === 'string') {
    yield { name: basename(dirname(file)), skip: read }
    return
  }
  const { name, block, expected, transactions } = read
  for (const [at, outcome] of [...runBlock(read)].entries())
    yield {
      name: `${name} transaction ${at}`,
      check: () =>
        checkOutcome(outcome, expected[at] as Expected, {
          transaction: transactions[at] as Transaction,
          miner: block.miner,
        }),
    }
}

/** The block of this `block.json`: nothing when there is no state beside it, and why it proves nothing when it does not. */
export function readBlock(file: string): RunnableBlock | string | undefined {
  const folder = dirname(file)
  const suffix = /\.gz$/.test(file) ? '.gz' : ''
  const path = (name: string) => join(folder, `${name}.json${suffix}`)
  if (!existsSync(path('txs')) || !existsSync(path('pre_state'))) return undefined
  const [expectations] = filesBelow(folder).filter((name) => /^expected-.*\.json(\.gz)?$/.test(basename(name)))
  if (!expectations) return 'no engine has said what should come out'
  const { tx } = readJson(expectations) as { tx: Expected[] }
  const json = readJson(file) as Record<string, string | number>
  const { fork, prices } = rulesAt(Number(json.timestamp))
  return {
    name: basename(folder),
    fork,
    block: blockOf(json, prices),
    state: stateOf(asRecord(readJson(path('pre_state'))) ?? {}),
    transactions: (readJson(path('txs')) as Json[]).map(transactionOf),
    expected: tx,
  }
}

/** Runs a block's transactions one after the other, without system calls and with a BLOCKHASH of zero. */
export function* runBlock({ fork, block, state, transactions }: RunnableBlock): Iterable<Outcome> {
  const machine = createMachine({ fork, precompiles: heavyPrecompiles })
  for (const transaction of transactions) {
    const outcome = machine.execute(transaction, block, state)
    if (outcome.kind === 'executed') state.apply(outcome.changes)
    yield outcome
  }
}

type Json = Readonly<Record<string, unknown>>

export function checkOutcome(
  outcome: Outcome,
  expected: Expected,
  { transaction, miner }: { readonly transaction: Transaction; readonly miner: Address },
): void {
  if (outcome.kind !== 'executed') assert.fail(`is not run: ${Object.values(outcome)}`)
  assert.equal(outcome.status, expected.status === 1 ? 'succeeded' : 'failed')
  assert.equal(outcome.gasUsed, BigInt(expected.gasUsed))
  assert.equal(outcome.logs.length, expected.logs)
  const keys = keysOf(outcome.access, miner)
  const slots = (list: readonly string[]) => list.filter((key) => key.startsWith('s')).sort()
  assert.deepEqual(slots(keys.reads), slots(expected.reads), 'slots read')
  assert.deepEqual(slots(keys.writes), slots(expected.writes), 'slots written')
  // Balances that were looked at count as debits there, so a credit here may stand among the writes.
  const values = new Set(keys.writes.concat(keys.credits).filter((key) => key.startsWith('b')))
  const expectedValues = new Set(expected.writes.concat(expected.credits).filter((key) => key.startsWith('b')))
  assert.deepEqual([...values].sort(), [...expectedValues].sort(), `accounts changed by ${transaction.from}`)
}

function keysOf({ reads, writes, credits }: TouchedPlaces, miner: Address) {
  const key = (place: TouchedPlaces['reads'][number]) =>
    place.kind === 'slot' ? `s${place.address}${place.slot}` : `b${place.address}`
  const others = (list: TouchedPlaces['reads']) => list.filter((place) => place.address !== miner).map(key)
  return { reads: others(reads), writes: others(writes), credits: others(credits) }
}

/** When mainnet took up which rules, in seconds since 1970. */
const mainnet: readonly { readonly from: number; readonly fork: Fork; readonly prices: BlobPrices }[] = [
  { from: 1_767_747_671, fork: 'osaka', prices: blobPrices.bpo2 },
  { from: 1_765_290_071, fork: 'osaka', prices: blobPrices.bpo1 },
  { from: 1_764_798_551, fork: 'osaka', prices: blobPrices.osaka },
  { from: 1_746_612_311, fork: 'prague', prices: blobPrices.prague },
  { from: 0, fork: 'cancun', prices: blobPrices.cancun },
]

function rulesAt(timestamp: number) {
  const rules = mainnet.find(({ from }) => timestamp >= from)
  assert.ok(rules, 'the block is older than all rules')
  return rules
}

function blockOf(json: Record<string, string | number>, prices: BlobPrices): Block {
  return {
    chainId: Number(json.chain_id),
    number: BigInt(json.number as number),
    timestamp: BigInt(json.timestamp as number),
    miner: address(json.coinbase as string),
    gasLimit: BigInt(json.gas_limit as number),
    baseFeePerGas: BigInt(json.basefee as number),
    prevRandao: fromHex(json.prevrandao as Hex),
    excessBlobGas: BigInt(json.excess_blob_gas as number),
    blobPrices: prices,
    hashOf: () => undefined,
  }
}

function stateOf(pre: Json): MemoryState {
  const state = memoryState()
  for (const [account, value] of Object.entries(pre)) {
    const { nonce, balance, code, storage } = value as Record<string, Hex | null> & { storage: Record<string, Hex> }
    const slots = Object.entries(storage).map(([key, word]) => ({
      slot: slot(word32(key)),
      value: fromHex(word32(word)),
    }))
    state.put(address(account), {
      nonce: BigInt(nonce ?? 0),
      balance: BigInt(balance ?? 0),
      code: fromHex(code ?? '0x'),
      slots,
    })
  }
  return state
}

function transactionOf(json: Json): Transaction {
  return {
    chainId: Number(json.chain_id),
    from: address(json.caller as string),
    to: json.to === null ? null : address(json.to as string),
    nonce: BigInt(json.nonce as number),
    value: BigInt(json.value as string),
    data: fromHex(json.data as Hex),
    gas: BigInt(json.gas_limit as number),
    pricing: pricingOf(json),
  }
}

function pricingOf(json: Json): Transaction['pricing'] {
  const gasPrice = BigInt(json.gas_price as number) as Wei
  const accessList = (json.access_list as { address: string; storage_keys?: string[]; storageKeys?: string[] }[]).map(
    (entry) => ({
      address: address(entry.address),
      slots: (entry.storage_keys ?? entry.storageKeys ?? []).map((key) => slot(word32(key))),
    }),
  )
  const maxPriorityFeePerGas = BigInt((json.gas_priority_fee ?? json.gas_price) as number) as Wei
  const market = { maxFeePerGas: gasPrice, maxPriorityFeePerGas, accessList }
  switch (json.tx_type) {
    case 0:
      return { type: 'legacy', gasPrice }
    case 1:
      return { type: 'eip2930', gasPrice, accessList }
    case 2:
      return { type: 'eip1559', ...market }
    case 3: {
      const maxFeePerBlobGas = BigInt(json.max_fee_per_blob_gas as number)
      return { type: 'eip4844', ...market, maxFeePerBlobGas, blobHashes: json.blob_hashes as Hex[] }
    }
    default:
      return { type: 'eip7702', ...market, authorizations: (json.authorization_list as Json[]).map(authorizationOf) }
  }
}

function authorizationOf(json: Json): Authorization {
  const signature = new Uint8Array(65)
  signature.set(fromHex(word32(json.r as string)), 0)
  signature.set(fromHex(word32(json.s as string)), 32)
  signature[64] = Number(json.y_parity)
  return {
    chainId: Number(json.chain_id),
    delegate: address(json.address as string),
    nonce: BigInt(json.nonce as number),
    signature,
  }
}

function word32(text: string): Hex {
  return `0x${text.replace(/^0x/, '').padStart(64, '0')}`
}
