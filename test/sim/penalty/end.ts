import { outpointKey } from '../../../sdk/bitcoin/index.ts'
import {
  type Classified,
  type Content,
  channelDustLimit,
  costOf,
  decodeChannel,
  isLive,
  type LiveChannel,
  limitsOf,
  otherSide,
  ownContent,
  type Side,
} from '../../../sdk/channel/penalty/index.ts'
import { knownPreimages } from '../../../sdk/channel/penalty/state.ts'
import { sha256 } from '../../../sdk/crypto/index.ts'
import { sameBytes, toHex, wholeSats } from '../../../sdk/units.ts'
import type { Judged } from '../chain.ts'
import { fail } from '../world.ts'
import { classifiedBy, factsOf, resolutionOf, viewOf } from './lookout.ts'
import type { Scene, SideNode } from './node.ts'
import { marginBlocks } from './setting.ts'

const sides = ['opener', 'accepter'] as const
/** What an output may be worth that nobody claims: less than its fee, and dust. Where blocks were dear, that is more. */
function slackOf({ dearest }: Scene): bigint {
  return 900n + (dearest > 1_000 ? BigInt(dearest) * 2n * claimVbytes : 0n) / 1_000n
}

/** Of a claim, with what has to come before it; half of its value at most goes to fees. */
const claimVbytes = 400n

/** What of a channel has not come to its end; nothing when all has. */
export function whatIsOpen(scene: Scene): string | null {
  const { nodes, chain } = scene
  const honest = sides.map((side) => nodes[side]).filter((node) => !node.isHostile)
  // A side that died before it had stored anything never was.
  if (sides.some((side) => nodes[side].disk.record === null)) return null
  for (const node of honest) {
    const { channel } = node
    if (!channel) return `the ${node.side} is down`
    if (!isLive(channel)) return `the ${node.side} is ${channel.phase}`
    const facts = factsOf(chain, channel)
    // A cheater does not bring back a funding that a reorganization has lost: then there is no channel.
    if (!facts && nodes.opener.isHostile && viewOf(chain, channel).fundedAt === null) continue
    if (!facts) return `the ${node.side} is ${channel.phase}, nothing has spent the funding`
    const { isResolved, kind, claims } = resolutionOf(node, channel, facts)
    const left = claims.map(({ kind, value, from, deadline }) => `${kind} of ${value} from ${from} until ${deadline}`)
    if (!isResolved) return `the ${node.side} has not got all of its own (${kind}: ${left.join(', ')})`
  }
  return null
}

/** Holds what each honest side has got to what it should have. Gives back what took the funding. */
export function checkEnd(scene: Scene): string {
  let kind = 'none'
  for (const side of sides) {
    const node = scene.nodes[side]
    const { channel } = node
    if (node.isHostile || !channel || !isLive(channel)) continue
    const facts = factsOf(scene.chain, channel)
    if (!facts) continue
    const classified = classifiedBy(node, channel, facts)
    kind = classified.kind
    const isRevoked = classified.kind === 'own-other' && scene.audit.told[side].has(classified.number)
    if (kind === 'unknown' || isRevoked) fail(scene.world, `the ${side} sees ${kind} take the funding`)
    const wanted = entitledTo(scene, node, channel, facts, classified)
    const got = gainOf(scene, node) + feesOf(scene, node)
    if (got < wanted) fail(scene.world, `the ${side} got ${got} sat with its fees, and should have ${wanted} (${kind})`)
  }
  return kind
}

/** What a side should have at the least, before the fees of its claims. */
function entitledTo(scene: Scene, node: SideNode, channel: LiveChannel, facts: Facts, classified: Classified): bigint {
  const { side } = node
  const slackSats = slackOf(scene)
  const { capacity } = channel.opening.draft
  switch (classified.kind) {
    case 'closing':
      // Whoever asked for this one pays its fee.
      return wholeSats(newestOf(scene, channel).base.balance[side]) - feeOfClosing(scene, channel) - 600n
    case 'own':
    case 'peer':
      return shareOf(scene, node, channel, classified.made.content, classified) - slackSats
    case 'revoked':
      // All but anchor outputs, the fee of the cheater's commitment, and what is not worth its claim.
      return (
        capacity -
        costOf(limitsOf(channel.opening.draft), channel.base) -
        forgottenIn(node, channel, facts) -
        slackSats * 8n -
        5_000n
      )
    case 'newer': {
      const content = heldAt(scene.nodes[otherSide(side)], classified.number)
      return content ? balanceOf(channel, content, side) - slackSats : 0n
    }
    default:
      return 0n // Of its own, and forgotten: it is not known any more what it says.
  }
}

type Facts = NonNullable<ReturnType<typeof factsOf>>

/** Value of the HTLCs of a revoked commitment that a restored side has forgotten, and that nobody has taken. [TW47] */
function forgottenIn(node: SideNode, channel: LiveChannel, facts: Facts): bigint {
  if (!node.wasRestored) return 0n
  const { outputs, kind } = classifiedBy(node, channel, facts)
  const left = outputs.filter(
    ({ role, outpoint }) => kind === 'revoked' && role === 'forgotten' && !facts.spends.has(outpointKey(outpoint)),
  )
  return left.reduce((sum, { value }) => sum + value, 0n)
}

/** What a side's commitment of a number said, as the side stored it. */
function heldAt({ past }: SideNode, number: number): Content | null {
  for (const { record } of [...past].reverse()) {
    const decoded = decodeChannel(record)
    if (decoded.ok && isLive(decoded.value) && ownContent(decoded.value).number === number)
      return ownContent(decoded.value)
  }
  return null
}

/** A closing says what both knew last, which a restored side may have forgotten. */
function newestOf({ nodes }: Scene, channel: LiveChannel): LiveChannel {
  const peer = nodes[otherSide(channel.own)].stored
  return peer && isLive(peer) && peer.base.number > channel.base.number ? peer : channel
}

function feeOfClosing({ chain }: Scene, channel: LiveChannel): bigint {
  const outputs = factsOf(chain, channel)?.spend.transaction.outputs ?? []
  return outputs.reduce((left, { value }) => left - value, channel.opening.draft.capacity as bigint)
}

/** A side's balance in a commitment, less what the commitment costs it. */
function balanceOf({ opening }: LiveChannel, content: Content, side: Side): bigint {
  const cost = side === 'opener' ? costOf(limitsOf(opening.draft), content) : 0n
  const value = wholeSats(content.balance[side]) - cost
  return value < channelDustLimit ? 0n : value
}

/** Its balance, its HTLCs that nobody took by a preimage, and those that it could take. */
function shareOf(
  scene: Scene,
  node: SideNode,
  channel: LiveChannel,
  content: Content,
  { outputs }: Classified,
): bigint {
  const facts = factsOf(scene.chain, channel)
  const slackSats = slackOf(scene)
  const balance = balanceOf(channel, content, node.side)
  if (!facts || node.wasRestored) return balance
  return outputs.reduce((sum, output) => {
    if (output.role !== 'htlc') return sum
    const { htlc, value, outpoint } = output
    const spend = facts.spends.get(outpointKey(outpoint))
    const witness = spend?.transaction.inputs.find(
      (input) => outpointKey(input.outpoint) === outpointKey(outpoint),
    )?.witness
    const isTaken = witness?.some((item) => item.length === 32 && sameBytes(sha256(item), htlc.paymentHash)) ?? false
    if (htlc.by === node.side) {
      const knower = scene.invoices.find(({ hash }) => sameBytes(hash, htlc.paymentHash))?.knower
      if (isTaken && knower === null) fail(scene.world, 'an HTLC was taken whose preimage nobody knew')
      return isTaken ? sum : sum + value - slackSats
    }
    const isKnown = knownPreimages(channel).some((preimage) => sameBytes(sha256(preimage), htlc.paymentHash))
    // TW33: a claim that a reorganization takes back within the margin is nobody's fault.
    const untoldAt = scene.chain.untold.get(toHex(htlc.paymentHash))
    const isUndone = untoldAt !== undefined && untoldAt + marginBlocks > htlc.expiry
    return isKnown && !isUndone ? sum + value - slackSats : sum
  }, balance)
}

/** What the chain holds for a side in the end. */
function gainOf({ chain, audit }: Scene, { payout }: SideNode): bigint {
  let sum = 0n
  for (const [key, { output, txid }] of chain.made)
    if (sameBytes(output.script, payout) && !chain.spent.has(key) && !audit.fundingTxids.has(txid)) sum += output.value
  return sum
}

/** Fees that a side's claims paid out of what they took. */
function feesOf({ chain, nodes }: Scene, { payout, side }: SideNode): bigint {
  const { channel } = nodes[side]
  const funding = channel && isLive(channel) ? outpointKey(channel.opening.funding) : ''
  const seen = new Set<Judged>()
  for (const { transactions } of chain.blocks)
    for (const judged of transactions) {
      const isClaim = judged.outputs.length === 1 && judged.outputs.every(({ script }) => sameBytes(script, payout))
      if (isClaim && judged.inputs.every(({ outpoint }) => outpointKey(outpoint) !== funding)) seen.add(judged)
    }
  return [...seen].reduce((sum, { fee }) => sum + fee, 0n)
}
