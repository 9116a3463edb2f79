import { encodeTransaction, outpointKey } from '../../../sdk/bitcoin/index.ts'
import {
  type ArchivedHtlc,
  type Classified,
  classify,
  type EndFacts,
  type FeeCoin,
  type FoundSpend,
  type FundingView,
  fundingOutput,
  isLive,
  type LiveChannel,
  ownNewest,
  pursueClaims,
  pursueCommitment,
  type Resolution,
  resolve,
} from '../../../sdk/channel/penalty/index.ts'
import { feerate, type Height, sameBytes, sats, type Txid, toHex, txid } from '../../../sdk/units.ts'
import { faucetValue, faucetWitness, type SimChain, tipOf } from '../chain.ts'
import { fail } from '../world.ts'
import { auditDeadlines } from './audit.ts'
import { feed, isOdd, type Scene, type SideNode, tell } from './node.ts'

/** How long a healed world may take to settle its HTLCs together. */
const settledTicks = 300

/** A side looks at the chain after a block: it steps, and claims what it can. */
export function look(scene: Scene, node: SideNode): Resolution | null {
  if (!node.channel || node.isGone || !isLive(node.channel)) return null
  const { phase } = node.channel
  feed(scene, node, { type: 'chain', view: viewOf(scene.chain, node.channel) })
  const { channel } = node
  if (!channel || !isLive(channel)) return null
  auditDeadlines(scene.audit, node, channel, tipOf(scene.chain))
  const isLate = scene.world.now > scene.healsAt + settledTicks && !isOdd(scene)
  if (isLate && phase !== 'ending' && channel.phase === 'ending' && channel.cause === 'deadline')
    fail(scene.world, `after healing, the ${node.side} has to close for an HTLC that nobody takes away`)
  const facts = factsOf(scene.chain, channel)
  if (!facts && channel.phase === 'ending') lift(scene, node, channel)
  else node.waitsSince = null
  return facts ? pursue(scene, node, channel, facts) : null
}

/** Blocks within which a commitment confirms, whatever they ask: a side may be down for some of them. */
const waitMax = 6

/** Lifts a commitment that no block holds, where blocks are dear. */
function lift(scene: Scene, node: SideNode, channel: LiveChannel): void {
  const tip = tipOf(scene.chain)
  node.waitsSince ??= tip
  // One that a cheater was first with is in its hands, and a funding that is lost has to come back before.
  const isAlone = Object.values(scene.nodes).some((one) => one.isHostile || !one.channel)
  const isHeldUp = isAlone || waitsToClose(scene, node, channel)
  // A side that has nothing in its commitment has no anchor output there, and no reason to lift it.
  const { commitment } = ownNewest(channel, node.secrets)
  const hasAnchor = commitment.outputs.some(({ kind }) => kind === 'holder-anchor')
  if (isHeldUp || !hasAnchor || viewOf(scene.chain, channel).fundedAt === null) node.waitsSince = tip
  if (tip > node.waitsSince + waitMax)
    fail(scene.world, `TW38: the ${node.side}'s commitment waits since block ${node.waitsSince}`)
  const lifted = node.mutant?.lift?.(pursueCommitment) ?? pursueCommitment
  const wish = { tip, feerate: feerate(scene.market), coin: coinOf(scene) }
  for (const { unsigned, witness } of lifted(channel, node.secrets, wish))
    tell(scene, node, encodeTransaction(unsigned, [witness, [faucetWitness]]))
}

/** True while a closing that both have signed is with the miners. No commitment has a chance beside it, and none is needed. */
function waitsToClose({ chain }: Scene, { secrets }: SideNode, channel: LiveChannel): boolean {
  const key = outpointKey(channel.opening.funding)
  const rival = [...chain.mempool.values()].find(({ inputs }) =>
    inputs.some(({ outpoint }) => outpointKey(outpoint) === key),
  )
  return rival !== undefined && classify(channel, secrets, rival, []).kind === 'closing'
}

/** Claims what a state of a side can claim. */
export function pursue(
  scene: Scene,
  node: SideNode,
  channel: LiveChannel,
  facts: EndFacts & { readonly spend: FoundSpend },
): Resolution {
  const resolution = resolutionOf(node, channel, facts)
  const coins = resolution.claims.map((): FeeCoin => coinOf(scene))
  const wish = { tip: facts.height, feerate: feerate(scene.market), to: node.payout, coins }
  const { transactions, planned } = pursueClaims(resolution, wish)
  for (const transaction of transactions) tell(scene, node, transaction)
  for (const { unsigned, witness } of planned)
    tell(scene, node, encodeTransaction(unsigned, [witness, [faucetWitness]]))
  return resolution
}

export function resolutionOf(
  node: SideNode,
  channel: LiveChannel,
  facts: EndFacts & { readonly spend: FoundSpend },
): Resolution {
  const classified = classifiedBy(node, channel, facts)
  return (node.mutant?.resolve?.(resolve) ?? resolve)(channel, node.secrets, classified, facts)
}

/** What took the funding never changes for a state, and is asked for with each block. */
const known = new WeakMap<LiveChannel, { readonly txid: Txid; readonly classified: Classified }>()

/** What took the funding, as a state of a side calls it. */
export function classifiedBy(
  node: SideNode,
  channel: LiveChannel,
  { spend }: { readonly spend: FoundSpend },
): Classified {
  const { txid } = spend.transaction
  const found = known.get(channel)
  if (found?.txid === txid) return found.classified
  const classified = classify(channel, node.secrets, spend.transaction, archiveOf(node))
  known.set(channel, { txid, classified })
  return classified
}

/** What a side has stored of HTLCs that commitments had. */
function archiveOf({ disk }: SideNode): readonly ArchivedHtlc[] {
  return disk.notes.flatMap((note) => (note.type === 'added' ? [{ htlc: note.htlc, number: note.number }] : []))
}

/** A coin from before, which no two claims share. */
function coinOf({ world }: Scene): FeeCoin {
  const outpoint = { txid: txid(toHex(world.random.bytes(32)).slice(2)), index: 0 }
  return { outpoint, value: sats(faucetValue), publicKey: world.random.bytes(33), changeScript: changeScript }
}

/** Where change of fee coins goes: it is not counted as gained. */
const changeScript = Uint8Array.of(0, 20, ...new Uint8Array(20).fill(0xcc))

export function viewOf(chain: SimChain, { opening }: LiveChannel): FundingView {
  const key = outpointKey(opening.funding)
  const wanted = fundingOutput(opening)
  const made = chain.made.get(key)
  const isRight = made && made.output.value === wanted.value && sameBytes(made.output.script, wanted.script)
  return { height: tipOf(chain), fundedAt: isRight ? made.at : null, isSpent: chain.spent.has(key) }
}

/** What the chain holds of a channel's end; nothing before it. */
export function factsOf(chain: SimChain, { opening }: LiveChannel): (EndFacts & { readonly spend: FoundSpend }) | null {
  const spend = spendAt(chain, outpointKey(opening.funding))
  if (!spend) return null
  const spends = new Map<string, FoundSpend>()
  const follow = ({ transaction }: FoundSpend, depth: number) => {
    transaction.outputs.forEach((_, index) => {
      const key = outpointKey({ txid: transaction.txid, index })
      const found = spendAt(chain, key)
      if (!found) return
      spends.set(key, found)
      if (depth > 1) follow(found, depth - 1)
    })
  }
  follow(spend, 2)
  return { height: tipOf(chain) as Height, spend, spends }
}

function spendAt(chain: SimChain, key: string): FoundSpend | null {
  const spent = chain.spent.get(key)
  return spent ? { transaction: spent.by, height: spent.at } : null
}
