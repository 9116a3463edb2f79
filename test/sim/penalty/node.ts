import { decodeTransaction, encodeTransaction, sequenceReplaceable } from '../../../sdk/bitcoin/index.ts'
import {
  acceptChannel,
  type Beside,
  type Channel,
  type ChannelSecrets,
  channelIdOf,
  type Draft,
  decodeChannel,
  decodeMessage,
  type Effect,
  type Envelope,
  encodeChannel,
  encodeMessage,
  type fundingOutput,
  type Input,
  isAuthentic,
  isLive,
  type LiveChannel,
  linkKeyOf,
  type Message,
  type Note,
  openChannel,
  otherSide,
  penaltyStep,
  type Side,
  type Step,
} from '../../../sdk/channel/penalty/index.ts'
import { InvariantError, SdkError } from '../../../sdk/errors.ts'
import { type ChannelId, sats, toHex, txid } from '../../../sdk/units.ts'
import { broadcast, faucetValue, faucetWitness, type SimChain } from '../chain.ts'
import { after, fail, note, outageMax, strikes, type World } from '../world.ts'
import { type Audit, auditBroadcast, auditSend, auditStored } from './audit.ts'
import { ask, type Copies, createCopies, isOverdue, isResumed, isTrusting, once } from './copies.ts'
import { besideOf, createShelf, hear, isAskedToClose, lie, type Manner, type PeerShelf, shelve } from './peerCopies.ts'
import type { Mutant } from './setting.ts'

/** What survives a crash. */
export interface SideDisk {
  record: Uint8Array | null
  readonly notes: Note[]
}

/** One side's process, and the disk under it. */
export interface SideNode {
  readonly side: Side
  readonly secrets: ChannelSecrets
  readonly linkKey: Uint8Array
  readonly id: ChannelId
  /** Where its claims and closings pay. */
  readonly payout: Uint8Array
  readonly disk: SideDisk
  /** In memory; `null` while the process is down. */
  channel: Channel | null
  /** As it was stored last. */
  stored: Channel | null
  /** States that were stored once, for backups and for cheating. */
  readonly past: { readonly record: Uint8Array; readonly notes: number; readonly number: number }[]
  fullUntil: number
  cutUntil: number
  /** It has broken the rules, and is nobody to be fair to. */
  isHostile: boolean
  /** Height from which on its commitment waits for a block; `null` while it does not. */
  waitsSince: number | null
  /** Its disk was once a backup. */
  wasRestored: boolean
  /** Says nothing and does nothing any more. */
  isGone: boolean
  readonly mutant: Mutant | null
  /** `null` for a side that keeps none, or only wants them. */
  readonly copies: Copies | null
  /** `null` where the sides leave nothing with each other. */
  readonly shelf: PeerShelf | null
}

/** Both sides, and what is between them. */
export interface Scene {
  readonly world: World
  readonly chain: SimChain
  readonly audit: Audit
  readonly nodes: Readonly<Record<Side, SideNode>>
  /** Preimages by hash, and who can tell them. */
  readonly invoices: { readonly preimage: Uint8Array; readonly hash: Uint8Array; readonly knower: Side | null }[]
  readonly healsAt: number
  isOver: boolean
  /** A side looks at the chain, and does what is due there. */
  readonly look: (node: SideNode) => void
  /** What blocks ask now, and the most that they have asked, in satoshi for 1,000 virtual bytes. */
  market: number
  dearest: number
}

export function createNode(setup: {
  readonly side: Side
  readonly secrets: ChannelSecrets
  readonly draft: Draft
  readonly sharedSecret: Uint8Array
  readonly payout: Uint8Array
  readonly mutant: Mutant | null
  readonly hasCopies: boolean
  readonly manner: Manner | null
}): SideNode {
  const { side, secrets, draft, sharedSecret, payout, mutant, hasCopies, manner } = setup
  const id = channelIdOf(draft)
  return {
    side,
    secrets,
    linkKey: linkKeyOf(sharedSecret, id),
    id,
    payout,
    disk: { record: null, notes: [] },
    channel: null,
    stored: null,
    past: [],
    fullUntil: 0,
    cutUntil: 0,
    isHostile: false,
    waitsSince: null,
    wasRestored: false,
    isGone: false,
    mutant,
    copies: hasCopies ? createCopies() : null,
    shelf: manner && createShelf(manner),
  }
}

/** The opener begins, or the accepter has been asked. */
export function begin(
  scene: Scene,
  node: SideNode,
  draft: Draft,
  keys: Parameters<typeof acceptChannel>[1] | null,
): void {
  perform(scene, node, keys ? acceptChannel(draft, keys) : openChannel(draft))
}

/** One input to a side: its step, and its effects, with all that can go wrong between them. */
export function feed(scene: Scene, node: SideNode, input: Input): void {
  if (!node.channel || node.isGone) return
  const step = node.mutant?.step?.(penaltyStep) ?? penaltyStep
  try {
    const next = step(node.channel, input, node.secrets)
    if (!isTrusting(node, next.channel)) perform(scene, node, next)
  } catch (error) {
    if (!(error instanceof InvariantError || error instanceof SdkError)) throw error
    fail(scene.world, `${node.side}: ${error.message}`)
  }
}

function perform(scene: Scene, node: SideNode, { channel, effects }: Step): void {
  const { world } = scene
  for (const effect of effects) {
    if (strikes(world, 'crash')) return crash(scene, node)
    if (effect.type === 'persist' && !persist(scene, node, effect)) return
    if (effect.type === 'send') once(node, () => sendNow(scene, node, channel, effect.message))
    if (effect.type === 'broadcast') leave(scene, node, channel, effect.transaction)
    if (effect.type === 'broadcast-funding')
      for (const one of node.disk.notes) if (one.type === 'funding') tell(scene, node, one.transaction)
    if (effect.type === 'fund') fund(scene, node, effect.output)
  }
  node.channel = channel
}

/** TW32: what has waited for a copy is not said any more by a side that has decided to close alone meanwhile. */
function sendNow(scene: Scene, node: SideNode, { phase }: Channel, message: Message): void {
  if (phase === 'ending' || node.stored?.phase !== 'ending') transmit(scene, node, message)
}

/** A commitment waits for the decision to be kept, a closing for nothing. [TW42] */
function leave(scene: Scene, node: SideNode, channel: Channel, transaction: Uint8Array): void {
  const isBound = channel.phase === 'ending' && !isOverdue(node, scene)
  if (isBound) once(node, () => tell(scene, node, transaction))
  else tell(scene, node, transaction)
}

/** True when the record is stored, and the process lives to know it. */
function persist(scene: Scene, node: SideNode, effect: Extract<Effect, { type: 'persist' }>): boolean {
  const { world } = scene
  if (node.fullUntil > world.now) return false
  if (strikes(world, 'diskFull')) {
    node.fullUntil = world.now + world.random.from(1, outageMax)
    note(world, `the ${node.side}'s disk is full`)
    return false
  }
  const isUnknown = strikes(world, 'unknownEnd')
  if (!isUnknown || world.random.chance(0.5)) {
    node.disk.record = encodeChannel(effect.channel)
    node.disk.notes.push(...effect.notes)
    node.stored = effect.channel
    auditStored(scene.audit, node, effect.channel)
    if (node.copies) node.copies.stored += 1
    const number = node.copies?.stored ?? 0
    node.past.push({ record: node.disk.record, notes: node.disk.notes.length, number })
    shelve(node)
    ask(world, node)
  }
  if (isUnknown) crash(scene, node)
  return !isUnknown
}

/** Ends the process; it starts again from its disk after a while. */
export function crash(scene: Scene, node: SideNode): void {
  const { world } = scene
  node.channel = null
  node.copies?.held.splice(0)
  note(world, `${node.side} crashes`)
  after(world, world.random.from(1, outageMax), () => restart(scene, node))
}

/** Reads the record, greets, and looks at the chain. */
export function restart(scene: Scene, node: SideNode): void {
  if (node.channel || !node.disk.record || node.isGone) return
  const decoded = decodeChannel(node.disk.record)
  if (!decoded.ok) return fail(scene.world, `the ${node.side}'s record is damaged: ${decoded.reason}`)
  node.channel = decoded.value
  if (node.shelf) node.shelf.held = node.shelf.kept
  if (node.copies) node.copies.endingSince = null
  ask(scene.world, node)
  greet(scene, node)
  scene.look(node)
}

export function greet(scene: Scene, node: SideNode): void {
  feed(scene, node, { type: 'reconnected', random: scene.world.random.bytes(16) })
}

/** A message on its way, with all that may become of it. */
function transmit(scene: Scene, node: SideNode, message: Message): void {
  const { world, audit } = scene
  auditSend(audit, node, message)
  if (node.cutUntil > world.now) return
  if (strikes(world, 'partition')) {
    node.cutUntil = world.now + world.random.from(1, outageMax)
    return
  }
  if (strikes(world, 'drop')) return
  const to = scene.nodes[otherSide(node.side)]
  // A liar does not tell a restored side where it stands.
  if (node.shelf?.manner === 'lying' && to.wasRestored && !world.isHealed && message.type === 'position') return
  carry(scene, node, message, besideOf(node, message))
}

function carry(scene: Scene, node: SideNode, message: Message, beside: Beside): void {
  const { world, audit } = scene
  const bytes = encodeMessage({ channel: node.id, from: node.side, message, beside }, node.linkKey)
  const to = scene.nodes[otherSide(node.side)]
  audit.said.push({ to: to.side, bytes })
  after(world, strikes(world, 'delay') ? world.random.from(2, 25) : 1, () => deliver(scene, to, bytes))
  if (strikes(world, 'double')) after(world, world.random.from(2, 60), () => deliver(scene, to, bytes))
}

/** A message arrives, whoever brought it. */
export function deliver(scene: Scene, node: SideNode, bytes: Uint8Array): void {
  if (!node.channel || node.isGone) return
  const envelope = read(node, bytes)
  if (envelope) take(scene, node, envelope)
  if (!isResumed(node) || !node.channel) return
  const own = { ...(node.channel as LiveChannel), origin: 'own' } as const
  perform(scene, node, { channel: own, effects: [{ type: 'persist', channel: own, notes: [] }] })
}

function take(scene: Scene, node: SideNode, { message, beside }: Pick<Envelope, 'message' | 'beside'>): void {
  const { world } = scene
  const lied = beside.wish === 'none' ? null : lie(world, node, message)
  if (lied) return carry(scene, node, lied.message, lied.beside)
  hear(world, node, beside)
  const isAsked = isAskedToClose(node, message, beside)
  feed(scene, node, { type: 'message', message })
  if (isAsked === 'yes') feed(scene, node, { type: 'force' })
  if (isAsked === 'ask') greet(scene, node)
}

/** Messages as they were read: the same bytes come time and again. */
const known = new WeakMap<Uint8Array, { readonly by: SideNode; readonly envelope: Envelope | null }>()

function read(node: SideNode, bytes: Uint8Array): Envelope | null {
  const found = known.get(bytes)
  if (found?.by === node) return found.envelope
  const envelope = decodeMessage(bytes)
  const isMeant =
    envelope.ok &&
    isAuthentic(envelope.value, node.linkKey) &&
    envelope.value.from !== node.side &&
    envelope.value.channel === node.id
  const meant = isMeant ? envelope.value : null
  known.set(bytes, { by: node, envelope: meant })
  return meant
}

/** Hands a transaction to the mempool. */
export function tell(scene: Scene, node: SideNode, transaction: Uint8Array): void {
  auditBroadcast(scene.audit, node, transaction)
  try {
    broadcast(scene.chain, transaction)
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    if (!/spent|missing|less than what|locked/.test(error.message))
      fail(scene.world, `the ${node.side} broadcast what no node takes: ${error.message}`)
  }
}

/** Enough for the dearest blocks: nobody can lift a funding that a reorganization has lost. */
const fundingFee = 5_000n

/** Makes the funding transaction, out of coins from before. */
function fund(scene: Scene, node: SideNode, output: ReturnType<typeof fundingOutput>): void {
  const { world } = scene
  const inputs = [
    { outpoint: { txid: txid(toHex(world.random.bytes(32)).slice(2)), index: 0 }, sequence: sequenceReplaceable },
  ]
  const change = { script: node.payout, value: sats(faucetValue - output.value - fundingFee) }
  const bytes = encodeTransaction({ version: 2, inputs, outputs: [output, change], locktime: 0 }, [[faucetWitness]])
  const decoded = decodeTransaction(bytes)
  if (decoded.ok) scene.audit.fundingTxids.add(decoded.value.txid)
  after(world, world.random.from(1, 10), () => {
    if (node.channel?.phase === 'taken') feed(scene, node, { type: 'funding', transaction: bytes })
  })
}

/** True where a side cheats or has lost states, so that the two need not come to an end together. */
export function isOdd({ nodes }: Scene): boolean {
  return Object.values(nodes).some(({ isHostile, wasRestored }) => isHostile || wasRestored)
}

/** A side that has commitments, in memory or as it was stored. */
export function liveOf(channel: Channel | null): LiveChannel | null {
  return channel && isLive(channel) ? channel : null
}
