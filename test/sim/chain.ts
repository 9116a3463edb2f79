import { decode as decodeSignature } from 'bitcoinjs-lib/src/script_signature'
import { Transaction } from 'bitcoinjs-lib/src/transaction'
import {
  type BitcoinTransaction,
  decodeFundingScript,
  decodeTransaction,
  dustLimit,
  fundingOutputScript,
  type Output,
  outpointKey,
} from '../../sdk/bitcoin/index.ts'
import { type ChainView, fundingOutput, type Opening } from '../../sdk/channel/index.ts'
import { currentEngine, sha256 } from '../../sdk/crypto/index.ts'
import { SdkError } from '../../sdk/errors.ts'
import { type Height, height, sameBytes, type Txid, toHex } from '../../sdk/units.ts'
import type { World } from './world.ts'

/** A transaction that the chain has judged. */
export interface Judged extends BitcoinTransaction {
  readonly bytes: Uint8Array
  readonly fee: bigint
}

interface Block {
  readonly transactions: readonly Judged[]
}

/**
 * A chain of blocks without proof of work: outputs, scripts, signatures, locktimes and fees are judged, by other code than
 * the channel's own. Everyone has the same mempool.
 */
export interface SimChain {
  readonly world: World
  readonly blocks: Block[]
  readonly mempool: Map<Txid, Judged>
  /** Outputs of blocks, by outpoint, with what made and what spent them. */
  readonly made: Map<string, { readonly output: Output; readonly at: Height; readonly txid: Txid }>
  readonly spent: Map<string, { readonly by: Judged; readonly at: Height }>
  /** Preimages that a block once told, and a reorganization took back: the height after the last one, by their hashes. */
  readonly untold: Map<string, Height>
  /** When each transaction came to the mempool: miners take what has waited. */
  readonly since: Map<Txid, number>
  readonly listeners: (() => void)[]
  /** Why an input may not spend an output; nothing when it may. */
  readonly judge: typeof scriptFault
  /** Satoshi for 1,000 virtual bytes below which no miner takes a transaction, unless a child pays for it. */
  feerateMin: number
}

export const firstHeight = 100
/** A transaction that has waited for so many blocks is in the next. */
const waitMax = 2

export function createChain(world: World, judge: typeof scriptFault = scriptFault): SimChain {
  return {
    world,
    blocks: [],
    mempool: new Map(),
    made: new Map(),
    spent: new Map(),
    untold: new Map(),
    since: new Map(),
    listeners: [],
    judge,
    feerateMin: 0,
  }
}

export function tipOf({ blocks }: SimChain): Height {
  return height(firstHeight + blocks.length)
}

/** Takes a transaction into the mempool. Throws `node/refused` for one that nodes would not relay. */
export function broadcast(chain: SimChain, bytes: Uint8Array): void {
  const decoded = decodedOf(bytes)
  const { txid } = decoded
  if (chain.mempool.has(txid) || isMined(chain, txid)) return
  const judged = judge(chain, bytes, decoded)
  const rivals = [...chain.mempool.values()].filter((other) => conflicts(other, judged))
  // Replacement, as far as it matters here: the newcomer pays more than all it throws out.
  const price = rivals.reduce((sum, { fee }) => sum + fee, 0n)
  if (rivals.length > 0) chain.world.counts.rival += 1
  if (rivals.length > 0 && judged.fee <= price) throw refusal('it pays less than what it conflicts with')
  for (const rival of rivals) chain.mempool.delete(rival.txid)
  chain.mempool.set(txid, judged)
  chain.since.set(txid, chain.blocks.length)
}

/** Transactions as they were read: the same bytes are broadcast time and again. */
const read = new WeakMap<Uint8Array, BitcoinTransaction>()

function decodedOf(bytes: Uint8Array): BitcoinTransaction {
  const known = read.get(bytes)
  if (known) return known
  const decoded = decodeTransaction(bytes)
  if (!decoded.ok) throw refusal(decoded.reason)
  read.set(bytes, decoded.value)
  return decoded.value
}

/** Mines one block: what has waited long, and some of the rest. */
export function mine(chain: SimChain): void {
  const { world, mempool, since } = chain
  const transactions = [...mempool.values()].filter(({ txid }) => {
    const waited = chain.blocks.length - (since.get(txid) ?? 0)
    return waited >= waitMax || world.random.chance(0.7)
  })
  connect(chain, transactions)
  for (const listen of chain.listeners) listen()
}

/** Takes the last blocks back, and mines one more than there were. Their transactions return to the mempool. */
export function reorganize(chain: SimChain, depth: number): void {
  const returned: Judged[] = []
  for (let at = 0; at < depth; at++) returned.unshift(...disconnect(chain))
  for (const judged of returned) {
    // A node may have lost it on the way, so whoever needs it has to broadcast it again.
    const isLost =
      chain.world.random.chance(0.3) || [...chain.mempool.values()].some((other) => conflicts(other, judged))
    if (isLost) continue
    chain.mempool.set(judged.txid, judged)
    chain.since.set(judged.txid, chain.blocks.length)
  }
  for (let at = 0; at < depth; at++) connect(chain, minable(chain, 0.5))
  mine(chain)
  for (const { inputs } of returned)
    for (const item of inputs.flatMap(({ witness }) => witness))
      if (item.length === preimageBytes) chain.untold.set(toHex(sha256(item)), tipOf(chain))
}

/** Nothing else in a witness of these scripts is as long. */
const preimageBytes = 32

/** Funding outputs of openings: every view asks for one. */
const outputs = new WeakMap<Opening, Output>()

/** What the chain shows of a channel's funding output. */
export function viewOf(chain: SimChain, opening: Opening): ChainView {
  const key = outpointKey(opening.funding)
  const wanted = outputs.get(opening) ?? fundingOutput(opening)
  outputs.set(opening, wanted)
  const made = chain.made.get(key)
  const isRight = made && made.output.value === wanted.value && sameBytes(made.output.script, wanted.script)
  const spent = isRight ? chain.spent.get(key) : undefined
  return {
    height: tipOf(chain),
    fundedAt: isRight ? made.at : null,
    spend: spent ? { txid: spent.by.txid, height: spent.at, outputs: spent.by.outputs } : null,
  }
}

/** The transaction of the best chain that spends an outpoint. */
export function spenderOf(chain: SimChain, opening: Opening): Judged | null {
  return chain.spent.get(outpointKey(opening.funding))?.by ?? null
}

function minable(chain: SimChain, share: number): Judged[] {
  return [...chain.mempool.values()].filter(() => chain.world.random.chance(share))
}

function connect(chain: SimChain, wanted: readonly Judged[]): void {
  const at = height(tipOf(chain) + 1)
  const transactions: Judged[] = []
  // A parent may stand after its child in the mempool, so what is not ready yet is tried once more.
  for (const judged of [...wanted, ...wanted]) {
    if (transactions.includes(judged) || !isReady(chain, judged, at) || !isWorthMining(chain, judged)) continue
    transactions.push(judged)
    chain.mempool.delete(judged.txid)
    judged.outputs.forEach((output, index) => {
      chain.made.set(`${judged.txid}:${index}`, { output, at, txid: judged.txid })
    })
    for (const { outpoint } of judged.inputs) chain.spent.set(outpointKey(outpoint), { by: judged, at })
    for (const other of [...chain.mempool.values()]) if (conflicts(other, judged)) chain.mempool.delete(other.txid)
  }
  chain.blocks.push({ transactions })
}

function disconnect(chain: SimChain): readonly Judged[] {
  const transactions = chain.blocks.pop()?.transactions ?? []
  for (const judged of transactions) {
    judged.outputs.forEach((_, index) => {
      chain.made.delete(`${judged.txid}:${index}`)
    })
    for (const { outpoint } of judged.inputs) chain.spent.delete(outpointKey(outpoint))
  }
  return transactions
}

/** A transaction is taken for its own fee, or for that of a child. */
function isWorthMining({ mempool, feerateMin }: SimChain, judged: Judged): boolean {
  const pays = (fee: bigint, weight: number) => Number(fee) * 4_000 >= feerateMin * weight
  if (feerateMin === 0 || pays(judged.fee, judged.weight)) return true
  return [...mempool.values()].some(
    ({ inputs, fee, weight }) =>
      inputs.some(({ outpoint }) => outpoint.txid === judged.txid) && pays(judged.fee + fee, judged.weight + weight),
  )
}

/** Whether a block at `at` may hold it: inputs there and unspent, both kinds of locks passed. */
function isReady(chain: SimChain, { inputs, locktime }: Judged, at: Height): boolean {
  if (isLocked(locktime, at)) return false
  return inputs.every(({ outpoint, witness, sequence }) => {
    const key = outpointKey(outpoint)
    if (chain.spent.has(key)) return false
    if (isFaucet(witness)) return true
    const made = chain.made.get(key)
    return made !== undefined && made.at + relativeLock(sequence) <= at
  })
}

/** A locktime beyond 500,000,000 counts seconds, and those of commitments have passed long ago (BIP-65). */
function isLocked(locktime: number, at: number): boolean {
  return locktime < 500_000_000 && locktime >= at
}

/** Blocks that an output must be old for a sequence (BIP-68). */
function relativeLock(sequence: number): number {
  return sequence >= 2 ** 31 ? 0 : sequence & 0xffff
}

function isMined({ blocks }: SimChain, txid: Txid): boolean {
  return blocks.some(({ transactions }) => transactions.some((judged) => judged.txid === txid))
}

function conflicts(a: BitcoinTransaction, b: BitcoinTransaction): boolean {
  return a.inputs.some((one) => b.inputs.some((other) => outpointKey(one.outpoint) === outpointKey(other.outpoint)))
}

/** Coins that a wallet had before: their witness is one byte, and stands for a signature that nobody else can make. */
export const faucetWitness = Uint8Array.of(0x51)

function isFaucet(witness: readonly Uint8Array[]): boolean {
  return witness.length === 1 && sameBytes(witness[0] as Uint8Array, faucetWitness)
}

/** Worth of a coin from before. */
export const faucetValue = 10_000_000n

function judge(chain: SimChain, bytes: Uint8Array, transaction: BitcoinTransaction): Judged {
  const { inputs, outputs, locktime } = transaction
  if (isLocked(locktime, tipOf(chain) + 1)) throw refusal('it is locked until later')
  let worth = 0n
  for (const [at, { outpoint, witness, sequence }] of inputs.entries()) {
    const key = outpointKey(outpoint)
    if (chain.spent.has(key)) throw refusal('an input is spent')
    if (isFaucet(witness)) {
      worth += faucetValue
      continue
    }
    const output = chain.made.get(key)?.output ?? mempoolOutput(chain, outpoint)
    if (!output) throw refusal('an input is missing')
    const since = chain.made.get(key)?.at ?? tipOf(chain) + 1
    if (since + relativeLock(sequence) > tipOf(chain) + 1) throw refusal('an input is locked until later')
    worth += output.value
    const fault = chain.judge(bytes, transaction, at, output)
    if (fault) throw refusal(fault)
  }
  const fee = outputs.reduce((left, { value }) => left - value, worth)
  if (fee < 0n) throw refusal('it makes coins out of nothing')
  if (outputs.some(({ script, value }) => value < dustLimit(script))) throw refusal('an output is dust')
  return { ...transaction, bytes, fee }
}

function mempoolOutput(chain: SimChain, outpoint: { readonly txid: Txid; readonly index: number }): Output | undefined {
  return chain.mempool.get(outpoint.txid)?.outputs[outpoint.index]
}

/** Why a transaction could not spend an output with its first input, now or ever; nothing when it can. */
export function spendFault(bytes: Uint8Array, output: Output): string | null {
  const decoded = decodeTransaction(bytes)
  return decoded.ok ? scriptFault(bytes, decoded.value, 0, output) : decoded.reason
}

/** Judges a spend of a one-way channel's output: CHECKMULTISIG in the first branch, CHECKLOCKTIMEVERIFY and CHECKSIG in the second. */
export function scriptFault(
  bytes: Uint8Array,
  transaction: BitcoinTransaction,
  at: number,
  output: Output,
): string | null {
  const { witness = [], sequence = 0 } = transaction.inputs[at] ?? {}
  const script = witness.at(-1) ?? new Uint8Array(0)
  const terms = decodeFundingScript(script)
  if (!terms.ok || !sameBytes(fundingOutputScript(script), output.script)) return 'the script is not that of the output'
  const digest = Transaction.fromBuffer(bytes.slice()).hashForWitnessV0(at, script, output.value, 1)
  const { payer, payee, expiry } = terms.value
  if (witness.length === 5) {
    const [nothing, first, second, selector] = witness
    if (nothing?.length !== 0 || !selector || !sameBytes(selector, Uint8Array.of(1))) return 'the branch is not chosen'
    return isSignature(first, digest, payer) && isSignature(second, digest, payee) ? null : 'a signature is wrong'
  }
  const [signature, selector] = witness
  if (witness.length !== 3 || selector?.length !== 0) return 'the branch is not chosen'
  if (transaction.locktime < expiry || sequence === 0xffff_ffff) return 'the lock has not passed'
  return isSignature(signature, digest, payer) ? null : 'a signature is wrong'
}

function isSignature(der: Uint8Array | undefined, digest: Uint8Array, key: Uint8Array): boolean {
  const { signature, hashType } = decodeSignature(der ?? new Uint8Array(0))
  return hashType === 1 && currentEngine().verify(signature, digest, key)
}

function refusal(why: string): SdkError {
  return new SdkError('node/refused', `The node does not take the transaction: ${why}.`)
}
