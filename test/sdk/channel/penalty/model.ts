import {
  type Change,
  type Channel,
  type ChannelSecrets,
  decodeChannel,
  type Effect,
  encodeChannel,
  encodeMessage,
  type Input,
  isLive,
  type LiveChannel,
  type Message,
  otherSide,
  ownContent,
  penaltyStep,
  proposerOf,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, msats, toHex } from '../../../../sdk/units.ts'
import { bytesOf, live, opened, type Pair, proven } from './pair.ts'

/**
 * All that two sides can do to each other in three updates: every interleaving of their steps, with every message lost and
 * every process killed between any two effects, as often as the faults allow. A side's step depends on nothing but its state
 * and its input, so each is made once and then looked up.
 */
export interface Model {
  readonly pair: Pair
  readonly steps: Map<string, readonly Outcome[]>
  readonly channels: Map<string, LiveChannel>
  readonly messages: Map<string, Message>
  /** What was signed for each number of each side's commitments, by the one content that it may be signed for. */
  readonly signed: Map<string, string>
  /** How worlds end that have no more faults: all on the way to an end share it. */
  readonly ends: Map<string, string | null>
  readonly step: typeof penaltyStep
}

/** Where a side is after an input, whole or killed on the way, and what it has sent by then. */
interface Outcome {
  readonly state: string
  readonly sent: readonly string[]
  readonly isCrash: boolean
}

/** One state of the world. */
interface World {
  readonly state: Readonly<Record<Side, string>>
  /** Messages on their way to each side, oldest first. */
  readonly toward: Readonly<Record<Side, readonly string[]>>
  readonly faults: number
}

const sides = ['opener', 'accepter'] as const
const queueMax = 30
const roundsMax = 200

/** @param step - The channel's own, or a wrong one that the model has to find out. */
export function createModel(step: typeof penaltyStep = penaltyStep): Model {
  const pair = opened()
  return { pair, steps: new Map(), channels: new Map(), messages: new Map(), signed: new Map(), ends: new Map(), step }
}

/**
 * Goes through every world that `faults` allow, and from each of them on without faults to its end.
 *
 * @returns How many worlds there are. Throws at the first that breaks a rule, or ends otherwise than it should.
 */
export function explore(model: Model, faults: number): number {
  const first = firstWorld(model, faults)
  const seen = new Set([nameOf(first)])
  const queue: World[] = [first]
  for (let at = 0; at < queue.length; at++) {
    const world = queue[at] as World
    const fault = endOf(model, world)
    if (fault) throw new Error(`${fault}, from ${nameOf(world)}`)
    for (const next of worldsAfter(model, world)) {
      const name = nameOf(next)
      if (seen.has(name)) continue
      seen.add(name)
      queue.push(next)
    }
  }
  return queue.length
}

function firstWorld(model: Model, faults: number): World {
  const state = {
    opener: intern(model, live(model.pair, 'opener')),
    accepter: intern(model, live(model.pair, 'accepter')),
  }
  return { state, toward: { opener: [], accepter: [] }, faults }
}

/** A name of a world: equal worlds have equal futures. */
function nameOf({ state, toward, faults }: World): string {
  return `${state.opener} ${state.accepter} ${toward.opener.join()} ${toward.accepter.join()} ${faults}`
}

/** Every world that can follow. */
function worldsAfter(model: Model, world: World): World[] {
  const after: World[] = []
  for (const side of sides) {
    for (const wish of wishesOf(model, world, side)) after.push(...steps(model, world, side, wish))
    const [head, ...rest] = world.toward[side]
    if (head === undefined) continue
    const left = { ...world, toward: { ...world.toward, [side]: rest } }
    after.push(...steps(model, left, side, `m${head}`))
    if (world.faults === 0) continue
    // Lost, or brought twice, the second time after all others.
    const faults = world.faults - 1
    const again = { ...world, toward: { ...world.toward, [side]: [...rest, head] }, faults }
    after.push({ ...left, faults }, ...steps(model, again, side, `m${head}`))
  }
  return after
}

/** Runs on without faults, in one fair order, until nothing moves; what is wrong then. */
function endOf(model: Model, world: World): string | null {
  const way: string[] = []
  let now: World = { ...world, faults: 0 }
  for (let round = 0; round < roundsMax; round++) {
    const name = nameOf(now)
    way.push(name)
    const next: World = sides.map((side) => advance(model, side)).reduce((world, go) => go(world), now)
    const known = model.ends.get(name)
    if (known === undefined && nameOf(next) !== name) {
      now = next
      continue
    }
    const end = known === undefined ? unfinished(model, now) : known
    for (const passed of way) model.ends.set(passed, end)
    return end
  }
  throw new Error('The two talk without an end.')
}

/** What is wrong with a world in which nothing moves any more; nothing when all three updates are made. */
function unfinished(model: Model, { state, toward }: World): string | null {
  const [opener, accepter] = sides.map((side) => channelOf(model, state[side])) as [LiveChannel, LiveChannel]
  if (toward.opener.length + toward.accepter.length > 0) return 'messages are left'
  if (opener.phase !== 'open' || accepter.phase !== 'open') return `they are ${opener.phase} and ${accepter.phase}`
  if (opener.exchange.state !== 'idle' || accepter.exchange.state !== 'idle') return 'an update hangs'
  const contents = [opener, accepter].map(({ base }) => JSON.stringify(base, (_, value) => `${value}` && plain(value)))
  if (contents[0] !== contents[1]) return 'they disagree'
  const { added, htlcs, balance } = opener.base
  if (added.opener !== 1 || added.accepter !== 1 || htlcs.length > 0) return `it ended at number ${opener.base.number}`
  return balance.accepter === 7_000_000n ? null : 'the wrong side was paid'
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  return typeof value === 'bigint' ? `${value}` : value
}

function advance(model: Model, side: Side) {
  return (world: World): World => {
    const [head, ...rest] = world.toward[side]
    if (head !== undefined) {
      const left = { ...world, toward: { ...world.toward, [side]: rest } }
      return steps(model, left, side, `m${head}`).at(-1) as World
    }
    const [wish] = wishesOf(model, world, side)
    return wish === undefined ? world : (steps(model, world, side, wish).at(-1) as World)
  }
}

/** What a side may do of itself: greet again where it waits in vain, and go on with its part of the three updates. */
function wishesOf(model: Model, { state, toward }: World, side: Side): string[] {
  const channel = channelOf(model, state[side])
  const isQuiet = toward.opener.length === 0 && toward.accepter.length === 0
  const isWaiting = channel.exchange.state !== 'idle' || !channel.session.isMet
  if (isQuiet && isWaiting) return ['greet']
  if (!channel.session.isMet || channel.exchange.state !== 'idle' || channel.phase !== 'open') return []
  if (nextChanges(channel).length === 0) return []
  if (proposerOf(channel) === side) return ['propose']
  return isQuiet ? ['ask'] : []
}

const preimage = (): Uint8Array => bytesOf('the preimage')

/** The opener offers; the accepter takes it and offers; the opener gives that back. */
function nextChanges({ own, base }: LiveChannel): readonly Change[] {
  const add = (amount: bigint): Change => ({
    type: 'add',
    id: 0,
    amount: msats(amount),
    paymentHash: sha256(preimage()),
    expiry: height(500),
  })
  const theirs = base.htlcs.some(({ by }) => by !== own)
  if (own === 'opener') {
    if (base.added.opener === 0) return [add(7_000_000n)]
    return theirs ? [{ type: 'fail', id: 0, reason: 'unknown-payment' }] : []
  }
  return theirs ? [{ type: 'fulfil', id: 0, preimage: preimage() }, add(2_000_000n)] : []
}

function inputOf(model: Model, channel: LiveChannel, name: string): Input {
  if (name === 'greet') return { type: 'reconnected', random: bytesOf(channel.own, 16) }
  if (name === 'ask') return { type: 'ask' }
  if (name === 'propose') return { type: 'propose', changes: nextChanges(channel) }
  return { type: 'message', message: model.messages.get(name.slice(1)) as Message }
}

/** The worlds after a side's step: killed before and after each of its effects, and last the whole of it. */
function steps(model: Model, world: World, side: Side, input: string): World[] {
  const peer = otherSide(side)
  const outcomes = outcomesOf(model, world.state[side], input)
  return outcomes.flatMap(({ state, sent, isCrash }) => {
    if (isCrash && world.faults === 0) return []
    const toward = [...world.toward[peer], ...sent]
    if (toward.length > queueMax) throw new Error(`${side} talks too much.`)
    return {
      state: { ...world.state, [side]: state },
      toward: { ...world.toward, [peer]: toward },
      faults: world.faults - (isCrash ? 1 : 0),
    }
  })
}

function outcomesOf(model: Model, state: string, input: string): readonly Outcome[] {
  const name = `${state} ${input}`
  const known = model.steps.get(name)
  if (known) return known
  const before = channelOf(model, state)
  const secrets: ChannelSecrets = model.pair.secrets[before.own]
  const { channel, effects } = model.step(before, inputOf(model, before, input), secrets)
  if (!isLive(channel)) throw new Error('A channel with commitments keeps them.')
  check(model, before, channel, effects)
  const outcomes: Outcome[] = []
  const sent: string[] = []
  let stored = before
  const die = () => outcomes.push({ state: intern(model, revived(stored)), sent: [...sent], isCrash: true })
  die()
  for (const effect of effects) {
    if (effect.type === 'persist') stored = effect.channel as LiveChannel
    if (effect.type === 'send') sent.push(nameMessage(model, channel, effect.message))
    die()
  }
  outcomes.push({ state: intern(model, channel), sent, isCrash: false })
  model.steps.set(name, outcomes)
  return outcomes
}

/** A process that starts again on what it had stored, has seen the chain, and greets at the next occasion. */
function revived(channel: LiveChannel): LiveChannel {
  const decoded = decodeChannel(encodeChannel(channel))
  if (!decoded.ok || !isLive(decoded.value)) throw new Error('A stored channel is read again.')
  const seen = penaltyStep(decoded.value, { type: 'chain', view: proven }, {} as ChannelSecrets).channel
  return seen as LiveChannel
}

/** What no step may do, in any order of things. */
function check(model: Model, before: LiveChannel, after: LiveChannel, effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.type === 'broadcast' || after.phase !== 'open') throw new Error('Nobody asked to close.')
    if (effect.type === 'refused') throw new Error(`${after.own} refuses: ${effect.fault}`)
    if (effect.type !== 'send') continue
    const { message } = effect
    if (message.type === 'commit' || message.type === 'answer') {
      const key = `${after.own} ${message.number}`
      const content = toHex(message.signatures.signature)
      const known = model.signed.get(key) ?? content
      if (known !== content) throw new Error(`TW13: two contents are signed for ${key}`)
      model.signed.set(key, content)
    }
    if ((message.type === 'answer' || message.type === 'revoke') && ownContent(after).number < message.number)
      throw new Error('TW11: a secret is told too early')
  }
  if (ownContent(after).number < ownContent(before).number) throw new Error('TW3: a number went back')
}

function intern(model: Model, channel: LiveChannel): string {
  const { random, isMet, isAsked, isFunded } = channel.session
  const session = `${random ? 1 : 0}${isMet ? 1 : 0}${isAsked ? 1 : 0}${isFunded ? 1 : 0}`
  const name = `${shortOf(encodeChannel(channel))}${session}`
  if (!model.channels.has(name)) model.channels.set(name, channel)
  return name
}

function channelOf(model: Model, name: string): LiveChannel {
  return model.channels.get(name) as LiveChannel
}

function nameMessage(model: Model, channel: Channel, message: Message): string {
  const bytes = encodeMessage(
    { channel: `0x${'00'.repeat(32)}` as never, from: channel.own, message },
    new Uint8Array(32),
  )
  const name = shortOf(bytes)
  model.messages.set(name, message)
  return name
}

function shortOf(bytes: Uint8Array): string {
  return toHex(sha256(bytes)).slice(2, 18)
}
