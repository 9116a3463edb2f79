import {
  type Change,
  type Htlc,
  type LiveChannel,
  limitsOf,
  proposerOf,
  spendableOf,
} from '../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../sdk/crypto/index.ts'
import { height, msats, sameBytes, sats } from '../../../sdk/units.ts'
import { tipOf } from '../chain.ts'
import { after, fail } from '../world.ts'
import { feed, greet, isOdd, liveOf, type Scene, type SideNode } from './node.ts'
import { delayBlocks, marginBlocks } from './setting.ts'

/** How often a side looks after its channel by itself. */
const tendTicks = [6, 18] as const

/** How long a healed world may take to close together. */
const patienceTicks = 800

/** What the people of a side do: pay, offer, take, give back, and grow tired of waiting. */
export function tend(scene: Scene, node: SideNode): void {
  const { world } = scene
  after(world, world.random.from(...tendTicks), () => tend(scene, node))
  const { channel } = node
  if (!channel || node.isGone) return
  const live = liveOf(channel)
  if (!live) return greet(scene, node)
  // Nobody waits for ever.
  if (world.now > scene.healsAt + patienceTicks && live.phase !== 'ending') return loseHope(scene, node, live)
  if (live.phase === 'closing' && world.isHealed && !live.asked && !live.signed) wantClose(scene, node)
  if (isWaiting(live)) {
    if (world.random.chance(live.phase === 'funding' ? 0.15 : 0.4)) greet(scene, node)
    return
  }
  if (live.phase === 'open' && !world.isHealed) act(scene, node, live)
  if (live.phase === 'open' && world.isHealed) settleDown(scene, node, live)
}

/** True while this side has asked for something that only the other one can give. */
function isWaiting(live: LiveChannel): boolean {
  if (live.phase === 'ending') return false // The chain alone has a word yet.
  if (live.exchange.state !== 'idle' || !live.session.isMet) return true
  if (live.phase === 'open') return live.shutdown.own !== null && !live.shutdown.isByPeer
  return live.phase === 'funding' || (live.phase === 'closing' && live.signed === null)
}

/** Goes to the chain, because the other side is gone, or one of them has lost states; among others that must not be. */
function loseHope(scene: Scene, node: SideNode, live: LiveChannel): void {
  if (!isOdd(scene) && live.phase !== 'behind')
    fail(scene.world, `after healing, the ${node.side} waits in vain (${live.phase})`)
  feed(scene, node, { type: 'force' })
}

function act(scene: Scene, node: SideNode, live: LiveChannel): void {
  const { random } = scene.world
  if (random.chance(0.006)) return feed(scene, node, { type: 'force' })
  if (random.chance(0.01)) return wantClose(scene, node)
  learn(scene, node, live)
  if (!node.channel || random.chance(0.35)) return
  propose(scene, node, changesOf(scene, node, live))
}

/** In a healed world everybody finishes what is begun, and closes. */
function settleDown(scene: Scene, node: SideNode, live: LiveChannel): void {
  const removals = live.base.htlcs.filter(({ by }) => by !== node.side).map((htlc) => removalOf(scene, node, htlc))
  if (removals.length > 0) return propose(scene, node, removals)
  if (live.phase === 'open' && !live.shutdown.own && node.side === 'opener') wantClose(scene, node)
}

function wantClose(scene: Scene, node: SideNode): void {
  const fee = scene.world.random.chance(0.8) ? sats(BigInt(scene.world.random.from(150, 900))) : null
  feed(scene, node, { type: 'close', fee: scene.world.isHealed ? sats(300n) : fee })
}

function propose(scene: Scene, node: SideNode, changes: readonly Change[]): void {
  const live = liveOf(node.channel)
  if (!live || changes.length === 0) return
  if (proposerOf(live) === node.side) feed(scene, node, { type: 'propose', changes })
  else feed(scene, node, { type: 'ask' })
}

function changesOf(scene: Scene, node: SideNode, live: LiveChannel): readonly Change[] {
  const { random } = scene.world
  const { base } = live
  const changes: Change[] = base.htlcs
    .filter(({ by }) => by !== node.side && random.chance(0.4))
    .map((htlc) => removalOf(scene, node, htlc))
  if (live.phase === 'open' && (live.shutdown.own || live.shutdown.isByPeer)) return changes
  const limits = limitsOf(live.opening.draft)
  const most = spendableOf(limits, base, node.side)
  const some = () => msats((most * BigInt(random.from(1, 40))) / 100n)
  if (random.chance(0.5) && most > 0n) changes.push({ type: 'pay', amount: some(), paymentId: random.bytes(16) })
  const count = random.chance(0.5) ? random.from(1, 3) : 0
  for (let at = 0; at < count; at++) {
    const amount = random.chance(0.2) ? msats(BigInt(random.from(1_000, 400_000))) : some()
    changes.push(offer(scene, node, base.added[node.side] + at, amount))
  }
  return changes
}

/** An HTLC for a hash whose preimage the other side has, or nobody tells. Some share a hash. */
function offer(scene: Scene, node: SideNode, id: number, amount: ReturnType<typeof msats>): Change {
  const { world, invoices, chain } = scene
  const { random } = world
  const known = invoices.at(-1)
  if (!known || random.chance(0.8)) {
    const preimage = random.bytes(32)
    const knower = random.chance(0.75) ? (node.side === 'opener' ? 'accepter' : 'opener') : null
    invoices.push({ preimage, hash: sha256(preimage), knower })
  }
  const { hash } = invoices.at(-1) as Scene['invoices'][number]
  const expiry = height(tipOf(chain) + marginBlocks + random.from(1, delayBlocks))
  return { type: 'add', id, amount, paymentHash: hash, expiry }
}

function removalOf(scene: Scene, node: SideNode, htlc: Htlc): Change {
  const preimage = knownBy(scene, node, htlc)
  return preimage ? { type: 'fulfil', id: htlc.id, preimage } : { type: 'fail', id: htlc.id, reason: 'unknown-payment' }
}

/** Keeps preimages before they are told, as a receiver does who wants to be sure of its money. */
function learn(scene: Scene, node: SideNode, live: LiveChannel): void {
  for (const htlc of live.base.htlcs) {
    if (htlc.by === node.side) continue
    const preimage = knownBy(scene, node, htlc)
    if (preimage) feed(scene, node, { type: 'learn', preimage })
  }
}

/**
 * The preimage that a side may count on. What has come to stand too late to be taken from the chain is given back, and a preimage that
 * would take such an HTLC as well is not told before that is done. [TW33]
 */
function knownBy({ invoices, chain }: Scene, node: SideNode, { paymentHash }: Htlc): Uint8Array | undefined {
  const ofHash = liveOf(node.channel)?.base.htlcs.filter((one) => sameBytes(one.paymentHash, paymentHash)) ?? []
  if (ofHash.some(({ by, expiry }) => by !== node.side && tipOf(chain) >= expiry - marginBlocks)) return undefined
  return invoices.find(({ hash, knower }) => knower === node.side && sameBytes(hash, paymentHash))?.preimage
}
