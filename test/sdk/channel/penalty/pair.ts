import { encodeTransaction, p2wpkh } from '../../../../sdk/bitcoin/index.ts'
import {
  acceptChannel,
  type Change,
  type Channel,
  type ChannelSecrets,
  channelSecrets,
  type Draft,
  type Effect,
  type FundingView,
  fundingOutput,
  type Input,
  isLive,
  type LiveChannel,
  type Message,
  type Note,
  openChannel,
  otherSide,
  penaltyStep,
  type Side,
  type Step,
  sideKeysOf,
  type Terms,
} from '../../../../sdk/channel/penalty/index.ts'
import { currentEngine, sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, inMsats, msats, sats, txid } from '../../../../sdk/units.ts'

/** Bytes told apart by a text. */
export function bytesOf(text: string, size = 32): Uint8Array {
  return sha256(new TextEncoder().encode(text)).slice(0, size)
}

export const firstTerms = (): Terms => ({
  network: 'regtest',
  nodeKey: currentEngine().publicKey(bytesOf('node')),
  feeratePerKw: 1_000,
  delayBlocks: 144,
  confirmationsMin: 3,
  capacityMin: sats(20_000n),
  capacityMax: sats(10_000_000n),
  amountMin: msats(1n),
  inFlightMax: inMsats(sats(500_000n)),
  htlcsMax: 8,
  marginBlocks: 18,
})

export const proven: FundingView = { height: height(110), fundedAt: height(101), isSpent: false }

/** A payment without a hash, in millisatoshi. */
export const pay = (amount = 5_000n): Change => ({
  type: 'pay',
  amount: msats(amount),
  paymentId: bytesOf('payment', 16),
})

/** Two sides of one channel, all of their messages carried at once and in order. */
export interface Pair {
  readonly secrets: Readonly<Record<Side, ChannelSecrets>>
  readonly channels: Record<Side, Channel>
  /** Everything that became true, and left. */
  readonly notes: Record<Side, Note[]>
  readonly sent: Record<Side, Message[]>
  readonly broadcast: Record<Side, Uint8Array[]>
}

export interface PairWish {
  readonly capacity?: bigint
  readonly pushed?: bigint
  readonly terms?: Partial<Terms>
  /** Tells this pair's keys from those of others. */
  readonly name?: string
}

/** Input to a side, and all that follows from it on both. Gives back the first step's effects. */
export function feed(pair: Pair, side: Side, input: Input): readonly Effect[] {
  const queue: { readonly side: Side; readonly input: Input }[] = [{ side, input }]
  let first: readonly Effect[] | null = null
  for (let at = 0; at < queue.length; at++) {
    const { side, input } = queue[at] as { readonly side: Side; readonly input: Input }
    const step = penaltyStep(pair.channels[side], input, pair.secrets[side])
    for (const message of take(pair, side, step))
      queue.push({ side: otherSide(side), input: { type: 'message', message } })
    first ??= step.effects
    if (queue.length > 200) throw new Error('The two talk without an end.')
  }
  return first ?? []
}

/** Keeps what a step leaves behind; its messages are the caller's to carry. */
export function take(pair: Pair, side: Side, { channel, effects }: Step): readonly Message[] {
  pair.channels[side] = channel
  const messages: Message[] = []
  for (const effect of effects) {
    if (effect.type === 'persist') pair.notes[side].push(...effect.notes)
    if (effect.type === 'broadcast') pair.broadcast[side].push(effect.transaction)
    if (effect.type === 'broadcast-funding')
      for (const note of pair.notes[side]) if (note.type === 'funding') pair.broadcast[side].push(note.transaction)
    if (effect.type === 'send') messages.push(effect.message)
  }
  pair.sent[side].push(...messages)
  return messages
}

/** A channel with its draft sent and nothing answered. */
export function drafted({ capacity = 1_000_000n, pushed = 0n, terms = {}, name = '' }: PairWish = {}): Pair {
  const secrets = {
    opener: channelSecrets(bytesOf(`${name} opener`)),
    accepter: channelSecrets(bytesOf(`${name} accepter`)),
  }
  const draft: Draft = {
    terms: { ...firstTerms(), ...terms },
    capacity: sats(capacity),
    pushed: inMsats(sats(pushed)),
    keys: sideKeysOf(secrets.opener, p2wpkh(currentEngine().publicKey(bytesOf('opener payout')))),
  }
  const accepterKeys = sideKeysOf(secrets.accepter, p2wpkh(currentEngine().publicKey(bytesOf('accepter payout'))))
  const both = <value>(of: () => value) => ({ opener: of(), accepter: of() })
  const opener = openChannel(draft)
  const accepter = acceptChannel(draft, accepterKeys)
  return {
    secrets,
    channels: { opener: opener.channel, accepter: accepter.channel },
    notes: both((): Note[] => []),
    sent: both((): Message[] => []),
    broadcast: both((): Uint8Array[] => []),
  }
}

/** A transaction that funds a channel, and spends what nobody has. */
export function fundingFor(pair: Pair): Uint8Array {
  const { opener, accepter } = pair.channels
  if (opener.phase !== 'taken' || accepter.phase !== 'accepted') throw new Error('It is not time to fund.')
  const unsigned = {
    version: 2,
    inputs: [{ outpoint: { txid: txid('ab'.repeat(32)), index: 0 }, sequence: 0xfffffffd }],
    outputs: [fundingOutput(opener)],
    locktime: 0,
  }
  return encodeTransaction(unsigned, [[Uint8Array.of(0x51)]])
}

/** A channel that both have signed, and the chain does not hold yet. */
export function signed(wish: PairWish = {}): Pair {
  const pair = drafted(wish)
  feed(pair, 'opener', { type: 'reconnected', random: bytesOf('r', 16) })
  feed(pair, 'opener', { type: 'funding', transaction: fundingFor(pair) })
  return pair
}

/** A channel that pays. */
export function opened(wish: PairWish = {}): Pair {
  const pair = signed(wish)
  for (const side of ['opener', 'accepter'] as const) {
    feed(pair, side, { type: 'chain', view: proven })
    feed(pair, side, { type: 'reconnected', random: bytesOf(side, 16) })
  }
  for (const side of ['opener', 'accepter'] as const) {
    const channel = live(pair, side)
    if (channel.phase !== 'open' || !channel.session.isMet) throw new Error(`The ${side} is ${channel.phase}.`)
    pair.sent[side].length = 0
    pair.notes[side].splice(0, pair.notes[side].length, ...pair.notes[side].filter(({ type }) => type === 'funding'))
  }
  return pair
}

/** A side that has commitments. */
export function live(pair: Pair, side: Side): LiveChannel {
  const channel = pair.channels[side]
  if (!isLive(channel)) throw new Error(`The ${side} is ${channel.phase}.`)
  return channel
}
