import { Block } from 'bitcoinjs-lib'
import { expect, it } from 'vitest'
import type { BitcoinBackend } from '../../../../edge/local/bitcoinBackend.ts'
import { decodeTransaction, outpointKey, p2wpkh } from '../../../../sdk/bitcoin/index.ts'
import {
  classify,
  costOf,
  decodeChannel,
  encodeChannel,
  type FeeCoin,
  type FoundSpend,
  fundingOutput,
  type Htlc,
  type LiveChannel,
  limitsOf,
  otherSide,
  ownContent,
  ownTransaction,
  penaltyStep,
  pursueClaims,
  type Resolution,
  resolve,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import type { BroadcastCode } from '../../../../sdk/ports.ts'
import { feerate, type Height, height, sameBytes, sats, wholeSats } from '../../../../sdk/units.ts'
import * as scripts from '../../../contracts/bitcoinScripts.ts'
import { must } from '../../bitcoin/must.ts'
import { signCoinSpend } from './chainWorld.ts'
import { type Cut, type CutPair, playTo, sides } from './halfway.ts'
import { bytesOf, drafted, feed, live, type Pair, take } from './pair.ts'

/**
 * Every commitment that can be out at a half-way point of an update, on one chain: one transaction funds all channels, all go to the chain
 * in one block, and each is followed to its end.
 */

const capacity = 1_000_000n
const coinValue = sats(40_000n)
const coinsEach = 3
/** Blocks from the first broadcast to the expiry of every HTLC. */
const expiryBlocks = 6
/** Until nothing is left: expiry, HTLC transactions, their delay, and confirmations. */
const looksMax = 32
const terms = { delayBlocks: 4, marginBlocks: 2, confirmationsMin: 2 }
const keyNumbers = { opener: 71, accepter: 72 } as const
const payout = {
  opener: p2wpkh(scripts.keyOf(keyNumbers.opener).public),
  accepter: p2wpkh(scripts.keyOf(keyNumbers.accepter).public),
}
const rate = feerate(2_000)

interface Watched extends CutPair {
  readonly cut: Cut
  readonly coins: readonly FeeCoin[]
  readonly isOver: Record<Side, boolean>
}

/** What the chain holds, by reading each block once. */
interface Seen {
  readonly spends: Map<string, FoundSpend>
  tip: Height
}

/** Goes to the chain at each cut, and follows all of them to their end. */
export function halfwayStory(running: () => BitcoinBackend, cuts: readonly Cut[]): void {
  it(`[TW11] [TW32] [TW36] [TW37] pays each side to the satoshi at ${cuts.length} half-way points of updates`, async () => {
    const backend = running()
    const start = (await backend.node.tip()).height
    const expiry = height(start + 3 + expiryBlocks)
    const { pairs, coins } = await fundAll(backend, cuts)
    const seen: Seen = { spends: new Map(), tip: await mined(backend, 2) }
    for (const pair of pairs) open(pair, seen.tip)
    const worlds = cuts.map((cut, at): Watched => {
      const played = playTo(pairs[at] as Pair, cut, expiry)
      for (const side of sides) revive(played.pair, side)
      const own = coins.slice(at * coinsEach, (at + 1) * coinsEach)
      const keyed = own.map((coin) => coinOf(coin, cut.by))
      return { ...played, cut, coins: keyed, isOver: { opener: false, accepter: false } }
    })
    const refused: string[] = []
    const send = async (world: Watched, what: string, transaction: Uint8Array) => {
      const answer = await backend.node.broadcast(transaction)
      if (!answer.ok && !weather.includes(answer.code)) refused.push(`${nameOf(world.cut)}, ${what}: ${answer.detail}`)
    }
    for (const world of worlds) await send(world, 'commitment', goToChain(world))
    let quiet = 0
    for (let looks = 0; looks < looksMax && !worlds.every(isOver); looks++) {
      // Blocks in which nobody can do anything are passed over.
      for (let blocks = 0; blocks <= quiet; blocks++) await readBlock(backend, seen)
      quiet = expiryBlocks
      for (const world of worlds)
        for (const side of sides) {
          const { transactions, from } = look(world, side, seen)
          quiet = Math.min(quiet, Math.max(0, from - seen.tip - 1))
          for (const transaction of transactions) await send(world, side, transaction)
        }
    }
    expect(refused).toEqual([])
    for (const world of worlds) {
      expect([nameOf(world.cut), isOver(world)]).toEqual([nameOf(world.cut), true])
      expect({ at: nameOf(world.cut), ...shared(world, seen) }).toEqual({ at: nameOf(world.cut), ...due(world) })
    }
  })
}

const weather: readonly BroadcastCode[] = ['already-known', 'missing-inputs', 'conflict', 'replacement-too-cheap']

/** One transaction that funds a channel for each cut, and one that makes their fee coins. */
async function fundAll(backend: BitcoinBackend, cuts: readonly Cut[]) {
  const pairs = cuts.map((cut) => {
    const pair = drafted({ capacity, pushed: 300_000n, terms, name: `${backend.name} ${nameOf(cut)}` })
    feed(pair, 'opener', { type: 'reconnected', random: bytesOf('r', 16) })
    return pair
  })
  const outputs = pairs.map(({ channels: { opener } }) => {
    if (opener.phase !== 'taken') throw new Error('The accepter has not answered.')
    return fundingOutput(opener)
  })
  const funding = await payAll(backend, outputs)
  for (const pair of pairs) {
    feed(pair, 'opener', { type: 'funding', transaction: funding.toBuffer() })
    pair.broadcast.opener.length = 0
  }
  const coinOutputs = cuts.flatMap(({ by }) =>
    Array.from({ length: coinsEach }, () => ({ script: payout[by], value: coinValue })),
  )
  const minted = await payAll(backend, coinOutputs)
  const txid = minted.getId() as FeeCoin['outpoint']['txid']
  return { pairs, coins: coinOutputs.map((_, index) => ({ txid, index })) }
}

/** Pays all of these in one transaction, which waits for a block. */
async function payAll(backend: BitcoinBackend, outputs: readonly { script: Uint8Array; value: bigint }[]) {
  const key = scripts.keyOf(70)
  const lock = scripts.p2wpkh(key.public)
  const value = outputs.reduce((sum, output) => sum + output.value, 50_000n)
  const outpoint = await backend.fund(scripts.addressOf(lock), sats(value))
  const transaction = scripts.signedSpend({ outpoint, value, lock }, key, { outputs })
  const answer = await backend.node.broadcast(transaction.toBuffer())
  if (!answer.ok) throw new Error(`The node refused to fund: ${answer.detail}.`)
  return transaction
}

function coinOf(outpoint: FeeCoin['outpoint'], by: Side): FeeCoin {
  const { public: publicKey } = scripts.keyOf(keyNumbers[by])
  // Change goes elsewhere, so that a payout is of the channel alone.
  return { outpoint, value: coinValue, publicKey, changeScript: p2wpkh(scripts.keyOf(73).public) }
}

function open(pair: Pair, tip: Height): void {
  for (const side of sides) {
    feed(pair, side, { type: 'chain', view: { height: tip, fundedAt: height(tip - 1), isSpent: false } })
    feed(pair, side, { type: 'reconnected', random: bytesOf(side, 16) })
  }
  if (live(pair, 'opener').phase !== 'open') throw new Error('The channel did not open.')
}

/** What a side knows when it starts again: its record. */
function revive(pair: Pair, side: Side): void {
  pair.channels[side] = must(decodeChannel(encodeChannel(pair.channels[side])))
}

/** The commitment that goes to the chain: as the step broadcasts it, or an older one, which the step never does. */
function goToChain({ pair, cut, held }: Watched): Uint8Array {
  const { by } = cut
  if (cut.with === 'older') return ownTransaction(held, pair.secrets[by])
  take(pair, by, penaltyStep(pair.channels[by], { type: 'force' }, pair.secrets[by]))
  const [transaction] = pair.broadcast[by].splice(0)
  if (!transaction) throw new Error('Nothing was broadcast.')
  return transaction
}

async function mined(backend: BitcoinBackend, blocks: number): Promise<Height> {
  await backend.mine(blocks)
  return (await backend.node.tip()).height
}

async function readBlock(backend: BitcoinBackend, seen: Seen): Promise<void> {
  seen.tip = await mined(backend, 1)
  const raw = await backend.node.block((await backend.node.tip()).hash)
  for (const found of Block.fromBuffer(raw as Uint8Array).transactions ?? []) {
    const transaction = must(decodeTransaction(found.toBuffer()))
    for (const { outpoint } of transaction.inputs)
      seen.spends.set(outpointKey(outpoint), { transaction, height: seen.tip })
  }
}

interface Look {
  readonly transactions: readonly Uint8Array[]
  /** The block that can hold the next thing of this side. */
  readonly from: number
}

/** A side looks at the chain; what it has to broadcast. A cheater whose commitment is taken from it looks no more. */
function look(world: Watched, side: Side, { spends, tip }: Seen): Look {
  const { pair, cut, held, isRevoked, isOver } = world
  isOver[side] ||= side === cut.by && isRevoked
  if (isOver[side]) return { transactions: [], from: Number.POSITIVE_INFINITY }
  const before = live(pair, side)
  const spend = spends.get(outpointKey(before.opening.funding))
  const view = { height: tip, fundedAt: height(1), isSpent: spend !== undefined }
  take(pair, side, penaltyStep(before, { type: 'chain', view }, pair.secrets[side]))
  const transactions = pair.broadcast[side].splice(0)
  if (!spend) return { transactions, from: tip + 1 }
  const channel = side === cut.by && cut.with === 'older' ? held : live(pair, side)
  const { resolution, kind } = resolved(world, side, channel, {
    spend,
    spends: spendsOf(spend, spends),
    height: tip,
  })
  expect([nameOf(cut), side, kind]).toEqual([nameOf(cut), side, kindFor(world, side)])
  isOver[side] = resolution.isResolved
  const coins = world.coins.filter(({ outpoint }) => !spends.has(outpointKey(outpoint)))
  const wish = { tip, feerate: rate, to: payout[side], coins: side === cut.by ? coins : [] }
  const { transactions: claims, planned } = pursueClaims(resolution, wish)
  const from = Math.min(...resolution.claims.map((claim) => claim.from), Number.POSITIVE_INFINITY)
  const all = [...transactions, ...claims, ...planned.map((one) => signCoinSpend(side, one))]
  return { transactions: all, from: resolution.claims.length > 0 ? from : tip + 1 }
}

/** What spends outputs of a closing transaction, and of those spends. */
function spendsOf(spend: FoundSpend, all: Seen['spends']): ReadonlyMap<string, FoundSpend> {
  const found = new Map<string, FoundSpend>()
  const follow = ({ transaction: { txid, outputs } }: FoundSpend): readonly FoundSpend[] =>
    outputs.flatMap((_, index) => {
      const key = outpointKey({ txid, index })
      const one = all.get(key)
      if (one) found.set(key, one)
      return one ? [one] : []
    })
  for (const one of follow(spend)) follow(one)
  return found
}

function resolved(
  { pair }: Watched,
  side: Side,
  channel: LiveChannel,
  facts: Parameters<typeof resolve>[3],
): { readonly resolution: Resolution; readonly kind: string } {
  const archive = pair.notes[side].flatMap((note) => (note.type === 'added' ? [note] : []))
  const classified = classify(channel, pair.secrets[side], facts.spend.transaction, archive)
  return { resolution: resolve(channel, pair.secrets[side], classified, facts), kind: classified.kind }
}

function kindFor({ cut, isRevoked }: Watched, side: Side): string {
  if (side === cut.by) return 'own'
  return isRevoked ? 'revoked' : 'peer'
}

function isOver({ isOver: { opener, accepter } }: Watched): boolean {
  return opener && accepter
}

/** Where every satoshi of a channel is, before the fees of claims. */
interface Shares {
  readonly opener: bigint
  readonly accepter: bigint
  readonly anchors: bigint
  readonly fee: bigint
}

/** What the chain says: each output of the commitment is followed to the transaction that pays a side. */
function shared({ held, cut }: Watched, { spends }: Seen): Shares {
  const { funding, draft } = held.opening
  const { transaction } = spends.get(outpointKey(funding)) as FoundSpend
  const got = { opener: 0n, accepter: 0n, anchors: 0n }
  const ends = new Map<string, { readonly spend: FoundSpend; value: bigint; inputs: number }>()
  const follow = (outpoint: FeeCoin['outpoint'], value: bigint): Side | 'anchors' => {
    const spend = spends.get(outpointKey(outpoint))
    if (!spend) return 'anchors'
    const { txid, inputs, outputs } = spend.transaction
    const owner = sides.find((side) => outputs.every(({ script }) => sameBytes(script, payout[side])))
    const end = ends.get(txid) ?? { spend, value: 0n, inputs: 0 }
    if (owner) ends.set(txid, { ...end, value: end.value + value, inputs: end.inputs + 1 })
    if (owner) return owner
    // An HTLC transaction: a coin beside it pays its fee, and what it gives is as much as it took.
    const index = inputs.findIndex((input) => outpointKey(input.outpoint) === outpointKey(outpoint))
    expect([nameOf(cut), outputs[index]?.value]).toEqual([nameOf(cut), value])
    return follow({ txid, index }, value)
  }
  for (const [index, { value }] of transaction.outputs.entries())
    got[follow({ txid: transaction.txid, index }, value)] += value
  // Nothing but this channel paid what came, and its fee is no more than half of it.
  for (const { spend, value, inputs } of ends.values()) {
    const kept = spend.transaction.outputs.reduce((sum, output) => sum + output.value, 0n)
    expect([inputs, kept < value && 2n * kept >= value]).toEqual([spend.transaction.inputs.length, true])
  }
  return { ...got, fee: draft.capacity - transaction.outputs.reduce((sum, { value }) => sum + value, 0n) }
}

/** What the rules say: balances, HTLCs to who knows their preimage or back, or all to the side that was cheated. */
function due({ held, pair, cut, isRevoked }: Watched): Shares {
  const { draft } = held.opening
  const content = ownContent(held)
  const cost = costOf(limitsOf(draft), content)
  const shares = {
    opener: wholeSats(content.balance.opener) - cost,
    accepter: wholeSats(content.balance.accepter) as bigint,
  }
  const other = otherSide(cut.by)
  const knows = (side: Side, { paymentHash }: Htlc) =>
    preimagesOf(side === cut.by ? held : live(pair, other)).some((one) => sameBytes(sha256(one), paymentHash))
  for (const htlc of content.htlcs.filter(({ amount }) => amount >= dustMin)) {
    const taker = knows(otherSide(htlc.by), htlc) ? otherSide(htlc.by) : htlc.by
    shares[taker] += wholeSats(htlc.amount)
  }
  const all = shares.opener + shares.accepter
  const paid = isRevoked ? { opener: 0n, accepter: 0n, [other]: all } : shares
  return { opener: paid.opener, accepter: paid.accepter, anchors: 660n, fee: capacity - all - 660n }
}

/** In msat: the one HTLC below it has no output. */
const dustMin = 1_000_000n

function preimagesOf({ preimages, exchange }: LiveChannel): readonly Uint8Array[] {
  const changes = exchange.state === 'proposed' ? exchange.changes : []
  return [...preimages, ...changes.flatMap((change) => (change.type === 'fulfil' ? [change.preimage] : []))]
}

function nameOf({ update, stop, by, with: which }: Cut): string {
  return `update ${update + 1} ${stop}, the ${by}'s ${which}`
}
