import assert from 'node:assert/strict'
import { currentEngine, keccak256 } from '../../sdk/crypto/engine.ts'
import type { Fork } from '../../sdk/evm/fork.ts'
import { accountOf } from '../../sdk/evm/sender.ts'
import type { Authorization } from '../../sdk/evm/transaction.ts'
import { encodeRlp } from '../../sdk/rlp.ts'
import { address, fromHex, type Hex, slot, toHex, type Wei } from '../../sdk/units.ts'
import type { BlobPrices, BlobPricing, Block, Machine, Outcome, Transaction } from '../../sdk/vm/index.ts'
import { blobPrices, createMachine } from '../../sdk/vm/index.ts'
import { type MemoryState, memoryState, stateRoot } from '../sdk/vm/memoryState.ts'
import { heavyPrecompiles } from '../sdk/vm/precompiles.ts'
import { asRecord, jsonFilesBelow, readJson } from './files.ts'
import type { Case, Suite } from './suite.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * GeneralStateTests of ethereum/tests and the state tests of execution-spec-tests: one transaction on a state, and the
 * state root and hash of the logs after it; or a transaction that no block may hold, which leaves the state as it was.
 * Entries for forks that this library knows are run, others are passed over.
 */
export const stateTests: Suite = {
  *cases(path) {
    for (const file of jsonFilesBelow(path))
      for (const [name, vector] of Object.entries(asRecord(readJson(file)) ?? {}))
        yield* casesOf(name, asRecord(vector) ?? {})
  },
}

/** Forks by the names of the vectors, and what their blobs cost. */
const forks: Readonly<Record<string, { readonly fork: Fork; readonly blobs: BlobPrices }>> = {
  Cancun: { fork: 'cancun', blobs: blobPrices.cancun },
  Prague: { fork: 'prague', blobs: blobPrices.prague },
  Osaka: { fork: 'osaka', blobs: blobPrices.osaka },
  BPO1: { fork: 'osaka', blobs: blobPrices.bpo1 },
  BPO2: { fork: 'osaka', blobs: blobPrices.bpo2 },
}

const machines = new Map<Fork, Machine>()

function machineOf(fork: Fork): Machine {
  const known = machines.get(fork)
  if (known) return known
  const machine = createMachine({ fork, precompiles: heavyPrecompiles })
  machines.set(fork, machine)
  return machine
}

function* casesOf(name: string, vector: Json): Iterable<Case> {
  const { env, pre, post, transaction } = vector
  const [before, parts, facts] = [asRecord(pre), asRecord(transaction), asRecord(env)]
  if (!before || !parts || !facts) return
  for (const [forkName, entries] of Object.entries(asRecord(post) ?? {})) {
    const known = forks[forkName]
    if (!known || !Array.isArray(entries)) continue
    const config = asRecord(vector.config) ?? {}
    const block = blockOf(facts, blobsOf(config, forkName) ?? known.blobs, config)
    for (const entry of entries as Json[]) {
      const { data, gas, value } = entry.indexes as { data: number; gas: number; value: number }
      const check = () => checkEntry({ before, parts, block, entry, fork: known.fork })
      yield { name: `${name} ${forkName} d${data} g${gas} v${value}`, check }
    }
  }
}

interface Entry {
  readonly before: Json
  readonly parts: Json
  readonly block: Block
  readonly entry: Json
  readonly fork: Fork
}

function checkEntry({ before, parts, block, entry, fork }: Entry): void {
  const state = stateOf(before)
  const outcome = runEntry({ parts, block, entry, fork, state })
  if (entry.expectException !== undefined) {
    assert.notEqual(outcome?.kind, 'executed', `is taken, but should be refused: ${String(entry.expectException)}`)
    assert.equal(toHex(stateRoot(state)), entry.hash, 'the state before is another one')
    return
  }
  if (outcome?.kind !== 'executed') assert.fail(`is not run: ${outcome ? Object.values(outcome) : 'malformed'}`)
  state.apply(outcome.changes)
  const logs = outcome.logs.map(({ address, topics, data }) => [fromHex(address), topics, data])
  assert.equal(toHex(keccak256(encodeRlp(logs))), entry.logs, 'the logs differ')
  const { status, failure, gasUsed } = outcome
  assert.equal(toHex(stateRoot(state)), entry.hash, `the state differs (${status}, ${failure}, gas ${gasUsed})`)
}

/** Nothing when the transaction cannot be written down, as one without a sender. */
function runEntry({ parts, block, entry, fork, state }: Omit<Entry, 'before'> & { state: MemoryState }) {
  let transaction: Transaction
  try {
    transaction = transactionOf(parts, entry.indexes as Indexes)
  } catch (error) {
    if (entry.expectException !== undefined) return undefined
    throw error
  }
  return machineOf(fork).execute(transaction, block, state) as Outcome
}

function stateOf(pre: Json): MemoryState {
  const state = memoryState()
  for (const [account, json] of Object.entries(pre)) {
    const { balance, nonce, code, storage } = json as Record<string, Hex> & { storage: Record<string, Hex> }
    const slots = Object.entries(storage ?? {}).map(([key, value]) => ({
      slot: word(key),
      value: fromHex(word(value)),
    }))
    state.put(address(account), {
      nonce: number(nonce),
      balance: number(balance),
      code: fromHex((code ?? '0x') as Hex),
      slots: slots.map(({ slot: key, value }) => ({ slot: slot(key), value })),
    })
  }
  return state
}

/** What a vector says itself of the market for blobs. */
function blobsOf({ blobSchedule }: Json, forkName: string): BlobPrices | undefined {
  const entry = asRecord(asRecord(blobSchedule)?.[forkName])
  if (!entry) return undefined
  const { target, max, baseFeeUpdateFraction } = entry
  return { target: Number(number(target)), max: Number(number(max)), updateFraction: number(baseFeeUpdateFraction) }
}

function blockOf(env: Json, blobs: BlobPrices, config: Json): Block {
  return {
    chainId: config.chainid === undefined ? 1 : Number(number(config.chainid)),
    number: number(env.currentNumber),
    timestamp: number(env.currentTimestamp),
    miner: address(env.currentCoinbase as string),
    gasLimit: number(env.currentGasLimit),
    baseFeePerGas: number(env.currentBaseFee),
    prevRandao: fromHex(word((env.currentRandom ?? '0x0') as string)),
    excessBlobGas: env.currentExcessBlobGas === undefined ? 0n : number(env.currentExcessBlobGas),
    blobPrices: blobs,
    // As all runners of these vectors have it: the hash of the number, written in decimal.
    hashOf: (height) => keccak256(new TextEncoder().encode(height.toString())),
  }
}

interface Indexes {
  readonly data: number
  readonly gas: number
  readonly value: number
}

function transactionOf(parts: Json, indexes: Indexes): Transaction {
  const at = <item>(list: unknown, index: number) => (list as item[])[index] as item
  return {
    chainId: parts.chainId === undefined ? 1 : Number(number(parts.chainId)),
    from: parts.sender === undefined ? signerOf(parts.secretKey as Hex) : address(parts.sender as string),
    to: parts.to === '' || parts.to === undefined ? null : address(parts.to as string),
    nonce: number(parts.nonce),
    gas: number(at(parts.gasLimit, indexes.gas)),
    value: number(at(parts.value, indexes.value)),
    data: fromHex(at<Hex>(parts.data, indexes.data)),
    pricing: pricingOf(parts, indexes),
  }
}

function pricingOf(parts: Json, indexes: Indexes): Transaction['pricing'] {
  const lists = parts.accessLists as readonly unknown[] | undefined
  const listed = lists?.[indexes.data] ?? undefined
  const accessList = ((listed ?? []) as { address: string; storageKeys: string[] }[]).map((item) => ({
    address: address(item.address),
    slots: item.storageKeys.map((key) => slot(word(key))),
  }))
  if (parts.maxFeePerGas === undefined) {
    const gasPrice = number(parts.gasPrice) as Wei
    return listed ? { type: 'eip2930', gasPrice, accessList } : { type: 'legacy', gasPrice }
  }
  const maxFeePerGas = number(parts.maxFeePerGas) as Wei
  const maxPriorityFeePerGas = number(parts.maxPriorityFeePerGas) as Wei
  const market = { maxFeePerGas, maxPriorityFeePerGas, accessList }
  if (parts.maxFeePerBlobGas !== undefined || parts.blobVersionedHashes !== undefined)
    return {
      type: 'eip4844',
      ...market,
      maxFeePerBlobGas: number(parts.maxFeePerBlobGas ?? '0x0'),
      blobHashes: (parts.blobVersionedHashes ?? []) as Hex[],
    } satisfies BlobPricing
  if (Array.isArray(parts.authorizationList))
    return { type: 'eip7702', ...market, authorizations: parts.authorizationList.map(authorizationOf) }
  return { type: 'eip1559', ...market }
}

/** A wish that no integer of ours holds is one that every chain skips. */
function authorizationOf(json: Json): Authorization {
  const signature = new Uint8Array(65)
  signature.set(fromHex(word(json.r as string)), 0)
  signature.set(fromHex(word(json.s as string)), 32)
  const parity = number(json.yParity ?? json.v)
  signature[64] = parity > 255n ? 255 : Number(parity)
  const chain = number(json.chainId)
  return {
    chainId: chain > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(chain),
    delegate: address(json.address as string),
    nonce: number(json.nonce),
    signature,
  }
}

function signerOf(secretKey: Hex) {
  const engine = currentEngine()
  return accountOf(engine.uncompressed(engine.publicKey(fromHex(secretKey))))
}

/** A number as the vectors write it; `0x:bigint ...` marks one that is too long for others. */
function number(text: unknown): bigint {
  const digits = String(text).replace(/^0x:bigint /, '')
  return digits === '0x' ? 0n : BigInt(digits)
}

function word(text: string): Hex {
  return `0x${text.replace(/^0x/, '').padStart(64, '0')}`
}
