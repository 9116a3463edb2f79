import type { BitcoinBackend } from '../../../../edge/local/bitcoinBackend.ts'
import { decodeTransaction, outpointKey, p2wpkh } from '../../../../sdk/bitcoin/index.ts'
import {
  type ArchivedHtlc,
  type Classified,
  type CoinSpend,
  classify,
  decodeChannel,
  type Effect,
  type EndFacts,
  encodeChannel,
  type FeeCoin,
  type FoundSpend,
  type FundingView,
  fundingOutput,
  type Input,
  isLive,
  type LiveChannel,
  pursueClaims,
  type Resolution,
  resolve,
  type Side,
  sealCoinSpend,
} from '../../../../sdk/channel/penalty/index.ts'
import { currentEngine } from '../../../../sdk/crypto/engine.ts'
import type { BroadcastCode } from '../../../../sdk/ports.ts'
import { type Feerate, feerate, type Height, height, sats, type Txid } from '../../../../sdk/units.ts'
import * as scripts from '../../../contracts/bitcoinScripts.ts'
import { must } from '../../bitcoin/must.ts'
import { bytesOf, drafted, feed, live, type Pair, type PairWish } from './pair.ts'

/** What a node may say of a transaction that it will not take now, or has already. Anything else is a fault of ours. */
const weather: readonly BroadcastCode[] = ['already-known', 'missing-inputs', 'conflict', 'replacement-too-cheap']

const sides = ['opener', 'accepter'] as const

/** A channel on a chain that somebody else judges. A side is read from its record before everything that it does. */
export interface ChainWorld {
  readonly backend: BitcoinBackend
  readonly pair: Pair
  /** What each side broadcast that a node refused, and why. */
  readonly refused: {
    readonly side: Side
    readonly what: string
    readonly code: BroadcastCode
    readonly detail: string
  }[]
  /** Coins of each side that pay fees. */
  readonly coins: Record<Side, FeeCoin[]>
  /** What each side has got back, by transaction. */
  readonly payout: Readonly<Record<Side, Uint8Array>>
  /** A side that does nothing of itself. */
  readonly isAway: Record<Side, boolean>
  readonly feerate: Feerate
}

const keyNumbers = { opener: 71, accepter: 72 } as const
let worlds = 0

/** Opens a channel on the chain, from a coin to the first update that can be made. */
export async function openOnChain(backend: BitcoinBackend, wish: PairWish = {}): Promise<ChainWorld> {
  worlds += 1
  const terms = { delayBlocks: 6, marginBlocks: 3, confirmationsMin: 2, ...wish.terms }
  const pair = drafted({ pushed: 300_000n, ...wish, terms, name: `${backend.name} ${worlds}` })
  feed(pair, 'opener', { type: 'reconnected', random: bytesOf('r', 16) })
  const { opener } = pair.channels
  if (opener.phase !== 'taken') throw new Error('The accepter has not answered.')
  const key = scripts.keyOf(70)
  const lock = scripts.p2wpkh(key.public)
  const value = opener.draft.capacity + 50_000n
  const outpoint = await backend.fund(scripts.addressOf(lock), sats(value))
  await backend.mine(1)
  const output = fundingOutput(opener)
  const change = { script: lock.script, value: 49_000n }
  const funding = scripts.signedSpend({ outpoint, value, lock }, key, { outputs: [output, change] })
  feed(pair, 'opener', { type: 'funding', transaction: funding.toBuffer() })
  const payout = {
    opener: p2wpkh(scripts.keyOf(keyNumbers.opener).public),
    accepter: p2wpkh(scripts.keyOf(keyNumbers.accepter).public),
  }
  const world: ChainWorld = {
    backend,
    pair,
    refused: [],
    coins: { opener: [], accepter: [] },
    payout,
    isAway: { opener: false, accepter: false },
    feerate: feerate(2_000),
  }
  for (const transaction of pair.broadcast.opener.splice(0)) await broadcast(world, 'opener', 'funding', transaction)
  await mine(world, 2)
  for (const side of sides) act(world, side, { type: 'reconnected', random: bytesOf(side, 16) })
  if (live(pair, 'opener').phase !== 'open') throw new Error('The channel did not open.')
  return world
}

/** Gives a side coins to pay fees with, in a block. */
export async function giveCoins(world: ChainWorld, side: Side, count: number): Promise<void> {
  const { public: publicKey } = scripts.keyOf(keyNumbers[side])
  const lock = scripts.p2wpkh(publicKey)
  for (let at = 0; at < count; at++) {
    const outpoint = await world.backend.fund(scripts.addressOf(lock), sats(40_000n))
    world.coins[side].push({ outpoint, value: sats(40_000n), publicKey, changeScript: lock.script })
  }
  await world.backend.mine(1)
}

/** An input to a side, which was read from its record a moment ago; messages are carried, broadcasts wait. */
export function act(world: ChainWorld, side: Side, input: Input): readonly Effect[] {
  revive(world, side)
  return feed(world.pair, side, input)
}

/** What a side's process knows when it starts: its record, and the session it has had. */
function revive({ pair }: ChainWorld, side: Side): void {
  const before = pair.channels[side]
  const decoded = must(decodeChannel(encodeChannel(before)))
  pair.channels[side] = isLive(decoded) && isLive(before) ? { ...decoded, session: before.session } : decoded
}

/** Mines blocks; with each, both sides look, and broadcast what they have to. */
export async function mine(world: ChainWorld, blocks: number): Promise<void> {
  await flush(world)
  for (let at = 0; at < blocks; at++) {
    await world.backend.mine(1)
    await lookAll(world)
  }
}

/** Both sides look at the chain. */
export async function lookAll(world: ChainWorld): Promise<void> {
  for (const side of sides) if (!world.isAway[side]) await look(world, side)
}

/** A side looks at the chain, steps, and broadcasts what it has to, as a wallet would. */
export async function look(world: ChainWorld, side: Side): Promise<Resolution | null> {
  const { pair, backend } = world
  const { height: tip } = await backend.node.tip()
  const channel = live(pair, side)
  const spend = await spendOf(world, channel.opening.funding, fundingOutput(channel.opening).script)
  act(world, side, { type: 'chain', view: await viewOf(world, channel, tip, spend) })
  await flush(world)
  const facts = spend && (await endFacts(world, tip, spend))
  return facts ? pursue(world, side, live(pair, side), facts) : null
}

/** Broadcasts what the sides' steps asked for. */
async function flush(world: ChainWorld): Promise<void> {
  for (const side of sides)
    for (const transaction of world.pair.broadcast[side].splice(0))
      await broadcast(world, side, 'commitment or closing', transaction)
}

/** Claims what a state of a side can claim; a cheater's old state as well. */
export async function pursue(
  world: ChainWorld,
  side: Side,
  channel: LiveChannel,
  facts: EndFacts & { readonly spend: FoundSpend },
): Promise<Resolution> {
  const { pair } = world
  const classified = classifiedBy(world, side, channel, facts)
  const resolution = resolve(channel, pair.secrets[side], classified, facts)
  for (const { preimage } of resolution.learned) pair.notes[side].push({ type: 'learned', preimage } as never)
  const coins = await unspent(world, side)
  const wish = { tip: facts.height, feerate: world.feerate, to: world.payout[side], coins }
  const { transactions, planned } = pursueClaims(resolution, wish)
  for (const transaction of transactions) await broadcast(world, side, classified.kind, transaction)
  for (const spend of planned) await broadcast(world, side, `${classified.kind} htlc`, signCoinSpend(side, spend))
  return resolution
}

/** The transaction of a coin, signed by its key. */
export function signCoinSpend(side: Side, spend: CoinSpend): Uint8Array {
  return sealCoinSpend(spend, currentEngine().sign(spend.digest, scripts.keyOf(keyNumbers[side]).secret))
}

function classifiedBy(
  world: ChainWorld,
  side: Side,
  channel: LiveChannel,
  facts: { readonly spend: FoundSpend },
): Classified {
  return classify(channel, world.pair.secrets[side], facts.spend.transaction, archiveOf(world, side))
}

/** How a side calls what took the funding. */
export async function kindOf(world: ChainWorld, side: Side): Promise<Classified['kind'] | null> {
  const channel = live(world.pair, side)
  const spend = await spendOf(world, channel.opening.funding, fundingOutput(channel.opening).script)
  return spend && classifiedBy(world, side, channel, { spend }).kind
}

function archiveOf({ pair }: ChainWorld, side: Side): readonly ArchivedHtlc[] {
  return pair.notes[side].flatMap((note) => (note.type === 'added' ? [{ htlc: note.htlc, number: note.number }] : []))
}

/** Everything that spends outputs of the closing transaction, and of those spends. */
export async function endFacts(
  world: ChainWorld,
  tip: Height,
  spend: FoundSpend,
): Promise<EndFacts & { readonly spend: FoundSpend }> {
  const spends = new Map<string, FoundSpend>()
  const follow = async ({ transaction }: FoundSpend, depth: number): Promise<void> => {
    for (const [index, { script }] of transaction.outputs.entries()) {
      const outpoint = { txid: transaction.txid, index }
      const found = await spendOf(world, outpoint, script)
      if (!found) continue
      spends.set(outpointKey(outpoint), found)
      if (depth > 1) await follow(found, depth - 1)
    }
  }
  await follow(spend, 2)
  return { height: tip, spend, spends }
}

/** The transaction in a block that spends an output. */
export async function spendOf(
  { backend }: ChainWorld,
  outpoint: { readonly txid: Txid; readonly index: number },
  script: Uint8Array,
): Promise<FoundSpend | null> {
  const told = await backend.node.spend(outpoint, script)
  if (!told || told.height === null) return null
  const raw = await backend.node.transaction(told.txid)
  return raw ? { transaction: must(decodeTransaction(raw)), height: told.height } : null
}

async function viewOf(
  { backend }: ChainWorld,
  { opening }: LiveChannel,
  tip: Height,
  spend: FoundSpend | null,
): Promise<FundingView> {
  const inclusion = await backend.node.inclusion(opening.funding.txid)
  return { height: tip, fundedAt: inclusion ? inclusion.height : null, isSpent: spend !== null }
}

/** Hands a transaction over; a definite no is remembered. */
export async function broadcast(
  world: ChainWorld,
  side: Side,
  what: string,
  transaction: Uint8Array,
): Promise<boolean> {
  const answer = await world.backend.node.broadcast(transaction)
  if (!answer.ok && !weather.includes(answer.code))
    world.refused.push({ side, what, code: answer.code, detail: answer.detail })
  return answer.ok
}

/** Coins of a side that are still there, as the chain has them. */
async function unspent({ backend, coins }: ChainWorld, side: Side): Promise<readonly FeeCoin[]> {
  const left: FeeCoin[] = []
  for (const coin of coins[side]) {
    const told = await backend.node.spend(coin.outpoint, coin.changeScript)
    // One that waits may be replaced, so it is offered again.
    if (!told || told.height === null) left.push(coin)
  }
  return left
}

/** Satoshis in blocks at a side's own script, without what it was given for fees. */
export async function gained(world: ChainWorld, side: Side): Promise<bigint> {
  const coins = await world.backend.node.coins(world.payout[side])
  const given = new Set(world.coins[side].map(({ outpoint }) => outpointKey(outpoint)))
  const closing = await world.backend.node.coins(closingScriptOf(world, side))
  const all = [...coins.filter(({ outpoint }) => !given.has(outpointKey(outpoint))), ...closing]
  return all.filter((coin) => coin.height !== null).reduce((sum, { value }) => sum + value, 0n)
}

function closingScriptOf({ pair }: ChainWorld, side: Side): Uint8Array {
  const { draft, accepterKeys } = live(pair, side).opening
  return side === 'opener' ? draft.keys.closingScript : accepterKeys.closingScript
}

/** The tip that a node tells. */
export async function tipOf({ backend }: ChainWorld): Promise<Height> {
  return height((await backend.node.tip()).height)
}
