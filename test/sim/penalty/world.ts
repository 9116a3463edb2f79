import {
  decodeChannel,
  encodeChannel,
  isLive,
  type LiveChannel,
  otherSide,
  ownTransaction,
  type Side,
} from '../../../sdk/channel/penalty/index.ts'
import { currentEngine, nobleEngine, useEngine } from '../../../sdk/crypto/index.ts'
import { createChain, mine, reorganize, tipOf } from '../chain.ts'
import { fakeCurve } from '../fakeCurve.ts'
import { createRandom } from '../random.ts'
import { after, createWorld, type FaultCounts, fail, note, step, strikes } from '../world.ts'
import { createAudit } from './audit.ts'
import { checkEnd, whatIsOpen } from './end.ts'
import { factsOf, look, pursue, viewOf } from './lookout.ts'
import { begin, crash, createNode, deliver, restart, type Scene, type SideNode, tell } from './node.ts'
import { tend } from './people.ts'
import { runScript } from './script.ts'
import { drawChannel, drawFaults, type Mutant } from './setting.ts'

/** What became of one world. */
export interface Outcome {
  readonly seed: number
  readonly failure: string | null
  readonly events: number
  readonly faults: FaultCounts
  readonly log: readonly string[]
  /** Updates that were signed. */
  readonly updates: number
  /** What took the funding, as an honest side calls it. */
  readonly end: string
}

/** How many blocks the end may take, once nothing goes wrong any more. */
const graceBlocks = 200
/** One of so many worlds runs on real signatures. */
const realEvery = 2_000
const realStart = 1_000
/** In one of so many worlds both sides require copies. */
const copiesEvery = 4
/** By a number that follows from the seed: what the sides do with what they leave with each other, in some of those worlds. [TW50] */
const manners = [null, 'honest', 'lying', 'silent', null, 'honest', null, 'lying'] as const
const sides = ['opener', 'accepter'] as const

/** Runs one world of a two-way channel from its seed to its end, or to the first rule that is broken. */
export function runPenaltyWorld(seed: number, mutant: Mutant | null = null): Outcome {
  useEngine(seed % realEvery === realStart ? nobleEngine : fakeCurve)
  try {
    const scene = createScene(seed, mutant)
    const { world, audit } = scene
    plan(scene)
    while (!world.failure && !scene.isOver && step(world));
    if (!world.failure && !scene.isOver) fail(world, 'nothing happens any more, and the world is not at its end')
    const { failure, events, counts, log } = world
    return { seed, failure, events, faults: counts, log, updates: audit.updates, end: scene.end }
  } finally {
    useEngine(nobleEngine)
  }
}

/** What blocks ask where they are not dear. */
const marketFeerate = 1_000

interface OwnScene extends Scene {
  readonly seed: number
  /** Block until which blocks are dear. */
  dearUntil: number
  end: string
  healedAtHeight: number | null
}

function createScene(seed: number, mutant: Mutant | null): OwnScene {
  const random = createRandom(seed)
  const world = createWorld(random, { ...drawFaults(random), ...mutant?.faults })
  const chain = createChain(world, runScript)
  const { secrets, draft, scripts, accepterKeys, nodeSecret } = drawChannel(random)
  const sharedSecret = currentEngine().sharedSecret(nodeSecret, draft.keys.funding)
  const hasCopies = seed % copiesEvery === 0 || mutant?.peerCopy !== undefined
  const drawn = manners[Math.floor(seed / copiesEvery) % manners.length] ?? null
  const manner = mutant?.peerCopy ? 'lying' : hasCopies ? drawn : null
  const nodeOf = (side: Side) =>
    createNode({ side, secrets: secrets[side], draft, sharedSecret, payout: scripts[side], mutant, hasCopies, manner })
  const nodes = { opener: nodeOf('opener'), accepter: nodeOf('accepter') }
  const healsAt = random.from(200, 800)
  const audit = createAudit(world)
  const scene: OwnScene = {
    seed,
    world,
    chain,
    audit,
    nodes,
    invoices: [],
    healsAt,
    isOver: false,
    look: (node) => {
      look(scene, node)
    },
    market: marketFeerate,
    dearest: marketFeerate,
    dearUntil: 0,
    end: 'none',
    healedAtHeight: null,
  }
  begin(scene, nodes.accepter, draft, accepterKeys)
  begin(scene, nodes.opener, draft, null)
  return scene
}

/** Plans what the world brings by itself: people, blocks, trouble, and the healing. */
function plan(scene: OwnScene): void {
  const { world, nodes, healsAt } = scene
  const { random } = world
  for (const side of sides) after(world, random.from(1, 20), () => tend(scene, nodes[side]))
  after(world, random.from(1, 30), () => nextBlock(scene))
  for (let at = 20; at < healsAt; at += 20) after(world, at + random.below(20), () => makeNoise(scene))
  if (world.faults.hostile > 0 && random.chance(world.faults.hostile))
    after(world, random.from(120, healsAt), () => cheat(scene, nodes[random.pick(sides)]))
  else if (world.faults.restore > 0 && random.chance(world.faults.restore))
    after(world, random.from(100, healsAt), () => restore(scene, nodes[random.pick(sides)]))
  after(world, healsAt, () => heal(scene))
}

function heal(scene: OwnScene): void {
  const { world, nodes } = scene
  world.isHealed = true
  note(world, 'the world heals')
  for (const side of sides) {
    nodes[side].cutUntil = 0
    nodes[side].fullUntil = 0
    restart(scene, nodes[side])
  }
}

/** Rubbish, and old messages once more: what any carrier can bring. */
function makeNoise(scene: OwnScene): void {
  const { world, nodes, audit } = scene
  if (!strikes(world, 'noise')) return
  const { random } = world
  const side = random.pick(sides)
  const old = audit.said.filter(({ to }) => to === side)
  const bytes = old.length > 0 && random.chance(0.8) ? random.pick(old).bytes : random.bytes(random.from(0, 120))
  const spoilt = random.chance(0.2) ? bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 4 : byte)) : bytes
  deliver(scene, nodes[side], spoilt)
}

/** A side broadcasts an old commitment, claims by it, and is gone for the other. */
function cheat(scene: OwnScene, node: SideNode): void {
  const { world, chain } = scene
  const past = node.past.map(({ record }) => decodeChannel(record)).flatMap((one) => (one.ok ? [one.value] : []))
  const states = past.filter((one): one is LiveChannel => isLive(one) && one.phase === 'open')
  if (states.length === 0 || !node.stored || node.stored.phase !== 'open') return
  const withHtlcs = states.filter(({ base }) => base.htlcs.length > 0)
  const old = world.random.pick(withHtlcs.length > 0 && world.random.chance(0.6) ? withHtlcs : states)
  world.counts.hostile += 1
  note(world, `the ${node.side} cheats with number ${old.base.number}`)
  node.isHostile = true
  node.isGone = true
  tell(scene, node, ownTransaction(old, node.secrets))
  const claim = () => {
    const facts = factsOf(chain, old)
    if (facts) {
      node.isGone = false
      pursue(scene, node, old, facts)
      node.isGone = true
    } else tell(scene, node, ownTransaction(old, node.secrets))
    if (!scene.isOver) after(world, 30, claim)
  }
  after(world, 30, claim)
}

/**
 * What a side can be restored from. Where the sides leave copies with each other, the place has kept an old one, or has lost it: of the
 * last few, so that what the other side gives back is often newer.
 */
function pastOf({ copies, shelf, past }: SideNode): SideNode['past'] {
  if (shelf) return past.slice(-8)
  if (!copies) return past
  return copies.kept ? [{ ...copies.kept, number: copies.number }] : []
}

/** A side's disk is replaced by an older copy of it, or by the one that is kept, and it knows that. */
function restore(scene: OwnScene, node: SideNode): void {
  const { world } = scene
  const { copies, shelf } = node
  const past = pastOf(node)
  const found = past.filter(({ record }) => {
    const decoded = decodeChannel(record)
    return decoded.ok && isLive(decoded.value)
  })
  if (found.length === 0 || node.isGone) return
  const { record, notes, number } = world.random.pick(found)
  world.counts.restore += 1
  note(world, `the ${node.side} is restored from a backup`)
  const decoded = (node.mutant?.decode ?? decodeChannel)(record, 'backup')
  if (!decoded.ok) return
  node.disk.record = encodeChannel(decoded.value)
  // A copy holds the record alone. The funding is with the nodes, and in the other side's wallet.
  const kept = node.disk.notes.slice(0, notes).filter(({ type }) => type === 'funding')
  node.disk.notes.splice(0, node.disk.notes.length, ...kept)
  node.stored = decoded.value
  if (copies) {
    copies.number = number
    copies.stored = number
    copies.isAlone = shelf !== null
  }
  if (shelf) shelf.copied = number
  node.wasRestored = true
  crash(scene, node)
  // TW47: a cheater that knows of it.
  if (cheatsRestored(scene)) after(world, 60, () => cheat(scene, scene.nodes[otherSide(node.side)]))
}

/** In one of so many worlds the other side of a restored one cheats. */
const cheatsEvery = 5
const cheatsStart = 3

function cheatsRestored({ seed }: OwnScene): boolean {
  return seed % cheatsEvery === cheatsStart
}

/** Blocks come quickly once the world is healed. */
const healedBlockTicks = 40

/** Blocks at once where all that is left is to wait. */
const quietBlocks = 4

/** In a healed world with nothing in the mempool, and the funding spent, blocks only let time pass. */
function isQuiet({ world, chain, nodes }: OwnScene): boolean {
  if (!world.isHealed || chain.mempool.size > 0) return false
  return sides.every((side) => {
    const { channel } = nodes[side]
    return channel !== null && isLive(channel) && viewOf(chain, channel).isSpent
  })
}

/** Blocks grow dear for a while, and cheap again. */
function priceBlocks(scene: OwnScene): void {
  const { world, chain } = scene
  if (strikes(world, 'feeSpike')) {
    scene.market = marketFeerate * world.random.from(2, 12)
    scene.dearUntil = tipOf(chain) + world.random.from(2, 20)
    note(world, `blocks ask ${scene.market} until ${scene.dearUntil}`)
  } else if (world.isHealed || tipOf(chain) >= scene.dearUntil) scene.market = marketFeerate
  scene.dearest = Math.max(scene.dearest, scene.market)
  // The funding and rounded fees pass where blocks are cheap.
  chain.feerateMin = scene.market > marketFeerate ? scene.market : 0
}

function nextBlock(scene: OwnScene): void {
  const { world, chain, nodes } = scene
  priceBlocks(scene)
  if (strikes(world, 'reorg')) reorganize(chain, world.random.from(1, Math.min(6, chain.blocks.length)))
  else for (let left = isQuiet(scene) ? quietBlocks : 1; left > 0; left--) mine(chain)
  for (const side of sides) look(scene, nodes[side])
  if (world.isHealed) finish(scene)
  if (scene.isOver) return
  after(world, world.isHealed ? healedBlockTicks : world.random.from(15, 45), () => nextBlock(scene))
}

/** Whether the channel has come to its end, with the right sums. */
function finish(scene: OwnScene): void {
  const { world, chain } = scene
  const open = whatIsOpen(scene)
  if (open === null) {
    scene.isOver = true
    scene.end = checkEnd(scene)
    return
  }
  scene.healedAtHeight ??= tipOf(chain)
  if (tipOf(chain) > scene.healedAtHeight + graceBlocks) fail(world, `after healing, something hangs: ${open}`)
}
