import { sealRefund } from '../../bitcoin/index.ts'
import {
  type ChainView,
  closingFee,
  decodeMessage,
  encodeMessage,
  type Fault,
  isAuthentic,
  isFromPayer,
  linkKeyOf,
  nextClose,
  nextUpdate,
  type Opening,
  type Payer,
  type PayerEffect,
  type PayerEvent,
  type PayerFault,
  type payerStep,
  refund,
} from '../../channel/index.ts'
import type { Mailbox } from '../../client/index.ts'
import { hmacSha256 } from '../../crypto/index.ts'
import { SdkError, unreachable } from '../../errors.ts'
import type { BitcoinSigner, Clock, Store } from '../../ports.ts'
import { type ChannelId, type Feerate, type Sats, sats } from '../../units.ts'
import { encodePayerRecord, type PayerRecord, payerKeys, payerRecordFrom } from './payerRecord.ts'

/** What the payer asks of Bitcoin's chain: each part proven, as a `BitcoinClient` does it. */
export interface PayerChain {
  readonly view: (opening: Opening) => Promise<ChainView>
  readonly broadcast: (transaction: Uint8Array) => Promise<void>
  readonly feerate: () => Promise<Feerate>
}

/** Everything outside of the payer's desks. */
export interface PayerWorld {
  readonly store: Store
  readonly keys: Pick<BitcoinSigner, 'channelKey' | 'channelSecret' | 'signChannel'>
  readonly chain: PayerChain
  readonly clock: Pick<Clock, 'now'>
  /** The payer's pure step. */
  readonly step: typeof payerStep
  /** Opens the channel's box at its payee. */
  readonly mailbox: (at: {
    readonly peer: string
    readonly id: ChannelId
    readonly token: Uint8Array
    readonly epoch: number
  }) => Mailbox
  /** Runs in the background until the wallet closes. */
  readonly task: (work: Promise<void>) => void
  /** Told of every change that was stored, every look at the chain, and every trouble. */
  readonly changed: (desk: PayerDesk) => void
}

/** One channel of the wallet. Its calls take turns, and whatever changes is stored before anything leaves. [OW15] */
export interface PayerDesk {
  readonly id: ChannelId
  readonly world: PayerWorld
  /** Of this desk: the record must still hold it, or another wallet has taken the channel over. */
  readonly epoch: number
  readonly mailbox: Mailbox
  readonly linkKey: Uint8Array
  /** As last stored or read; for showing, `load` is the truth. */
  known: PayerRecord
  /** `null` after a failed save, whose end may be unknown: the next turn reads the store. */
  version: number | null
  /** What the chain showed last. */
  view: ChainView | null
  /** What could not be reached last. It is tried again. */
  trouble: SdkError | null
  isElsewhere: boolean
  /** When what is unanswered goes out again, and the pause after that. */
  resendAt: number
  resendMs: number
  /** Messages on their way to the box. */
  posting: number
  readonly waiters: Map<number, (fault: Fault | null) => void>
  turn: Promise<unknown>
}

/** First pause before an unanswered message goes out again, and the longest. */
const resendMsMin = 2_000
const resendMsMax = 60_000
/** How often another wallet may come between while a channel is claimed. */
const claimsMax = 5

/**
 * Takes a stored channel over: raises its epoch, so that whoever had it before can store and send nothing more.
 *
 * Throws `store/...`, `signer/refused` and `keys/locked`.
 */
export async function claimDesk(id: ChannelId, world: PayerWorld): Promise<PayerDesk> {
  for (let attempt = 1; ; attempt++) {
    const record = await world.store.get(payerKeys.channel(id))
    if (!record) throw new SdkError('wallet/unknown-channel', 'The store has no such channel.')
    const before = payerRecordFrom(record.bytes)
    const known = { ...before, epoch: before.epoch + 1 }
    try {
      await world.store.commit([
        { key: payerKeys.channel(id), expected: record.version, bytes: encodePayerRecord(known) },
      ])
    } catch (error) {
      if (!(error instanceof SdkError && error.code === 'store/conflict') || attempt === claimsMax) throw error
      continue
    }
    return openDesk(id, world, known, record.version + 1)
  }
}

/** The desk of a channel whose record this wallet has just written. */
export async function openDesk(
  id: ChannelId,
  world: PayerWorld,
  known: PayerRecord,
  version: number,
): Promise<PayerDesk> {
  const { index, epoch, peer, channel } = known
  const { opening } = channel
  const linkKey = linkKeyOf(await world.keys.channelSecret(index, opening.terms.payeeKey), id)
  // ECDH of the key with itself: nobody else can compute it, the payee neither.
  const own = await world.keys.channelSecret(index, opening.payerKey)
  const token = hmacSha256(own, new TextEncoder().encode(`lanekit box payer ${id}`))
  own.fill(0)
  return {
    id,
    world,
    epoch,
    mailbox: world.mailbox({ peer, id, token, epoch }),
    linkKey,
    known,
    version,
    view: null,
    trouble: null,
    isElsewhere: false,
    resendAt: 0,
    resendMs: resendMsMin,
    posting: 0,
    waiters: new Map(),
    turn: Promise.resolve(),
  }
}

/** A payment that was stored, or the reason why nothing was signed. */
export type Signed =
  | { readonly ok: true; readonly number: number; readonly message: Uint8Array; readonly answer: Promise<Fault | null> }
  | { readonly ok: false; readonly fault: PayerFault }

/** Signs, stores and sends a payment. Its answer may come much later, or after this process. */
export function signPayment(
  desk: PayerDesk,
  wish: { readonly amount: Sats; readonly paymentId: Uint8Array },
): Promise<Signed> {
  return inTurn(desk, async () => {
    const { channel, index } = await load(desk)
    const next = nextUpdate(channel, wish)
    if (typeof next === 'string') return { ok: false, fault: next }
    const { number, paid } = next.update
    const signature = await desk.world.keys.signChannel({ kind: 'update', index, digest: next.digest, paid })
    const update = { ...next.update, signature: signature.slice(0, 64) }
    const answer = new Promise<Fault | null>((resolve) => desk.waiters.set(number, resolve))
    await feed(desk, { type: 'update', update })
    const message = encodeMessage({ type: 'update', update }, desk.linkKey)
    return { ok: true, number, message, answer }
  })
}

/** Asks the payee to close. Nothing when the wish is stored. [OW19] */
export function askClose(desk: PayerDesk, feerate: Feerate | null): Promise<PayerFault | null> {
  return inTurn(desk, () => signClose(desk, feerate))
}

/** Takes a message from the box. What is not the payee's is dropped. [OW26] */
export function takeAnswer(desk: PayerDesk, bytes: Uint8Array): Promise<void> {
  return inTurn(desk, async () => {
    const envelope = decodeMessage(bytes)
    if (!envelope.ok || !isAuthentic(envelope.value, desk.linkKey)) return
    const { message } = envelope.value
    if (isFromPayer(message) || message.channelId !== desk.id) return
    desk.resendMs = resendMsMin
    await feed(desk, { type: 'message', message })
  })
}

/** Looks at the chain, does what is due, and sends again what is unanswered for long. */
export function tendDesk(desk: PayerDesk): Promise<void> {
  return inTurn(desk, async () => {
    const { channel } = await load(desk)
    const view = await attempt(desk, () => desk.world.chain.view(channel.opening))
    if (view) {
      desk.view = view
      await feed(desk, { type: 'chain', view })
    }
    const { channel: after } = await load(desk)
    const isDue = desk.posting === 0 && desk.world.clock.now() >= desk.resendAt
    if (isDue && isWaiting(after)) await feed(desk, { type: 'reconnected' })
    else if (isDue && wantsClose(after, desk.view)) await signClose(desk, null)
    desk.world.changed(desk)
  })
}

/** True for a channel of which nothing more is to be done here or expected. */
export function isOver({ known, view }: PayerDesk): boolean {
  const { channel } = known
  if (channel.phase === 'declined') return true
  return channel.phase === 'closed' && view !== null && view.height - channel.ending.height >= finalBlocks
}

/** An ending so deep is for good. */
const finalBlocks = 144

/** Something that the payee has to answer. */
function isWaiting(channel: Payer): boolean {
  const { phase, pending } = channel
  return phase === 'offered' || phase === 'funding' || pending !== null || (phase === 'closing' && channel.ask !== null)
}

/** A close that was refused, or begun by the payee and not seen: asked for again, at the fee that no payee refuses. */
function wantsClose(channel: Payer, view: ChainView | null): boolean {
  return (
    channel.phase === 'closing' && !channel.ask && view !== null && !view.spend && view.height < channel.opening.expiry
  )
}

async function signClose(desk: PayerDesk, feerate: Feerate | null): Promise<PayerFault | null> {
  const { channel, index } = await load(desk)
  const { opening, best } = channel
  const fee = feerate === null ? opening.terms.closeFee : closingFee(opening, feerate)
  const next = nextClose(channel, fee)
  if (typeof next === 'string') return next
  const { digest, ask } = next
  const signature = await desk.world.keys.signChannel({ kind: 'close', index, digest, paid: best.paid })
  await feed(desk, { type: 'close', ask: { ...ask, signature: signature.slice(0, 64) } })
  return null
}

async function signRefund(desk: PayerDesk): Promise<void> {
  const { channel, index } = await load(desk)
  const feerate = await attempt(desk, () => desk.world.chain.feerate())
  if (feerate === null || !desk.view) return // OW22: the next look signs it.
  const unsigned = refund(channel.opening, feerate)
  if (!unsigned.ok) {
    desk.trouble = new SdkError('wallet/fee-too-high', `The refund waits for lower fees: ${unsigned.reason}.`, {
      retryable: true,
    })
    return
  }
  const { digest } = unsigned.value
  const signature = await desk.world.keys.signChannel({ kind: 'refund', index, digest, paid: sats(0n) })
  const { bytes } = sealRefund(unsigned.value, signature)
  await feed(desk, { type: 'refund', transaction: bytes, height: desk.view.height })
}

/** Steps, and does what comes of it in order. */
async function feed(desk: PayerDesk, event: PayerEvent): Promise<void> {
  const { channel } = await load(desk)
  for (const effect of desk.world.step(channel, event).effects) await perform(desk, effect)
}

async function perform(desk: PayerDesk, effect: PayerEffect): Promise<void> {
  switch (effect.type) {
    case 'persist':
      return save(desk, effect.channel)
    case 'send':
      return post(desk, encodeMessage(effect.message, desk.linkKey))
    case 'broadcast':
      await attempt(desk, () => desk.world.chain.broadcast(effect.transaction))
      return
    case 'sign-refund':
      return signRefund(desk)
    case 'answered': {
      const { number } = effect.update
      desk.waiters.get(number)?.(effect.fault)
      desk.waiters.delete(number)
      return
    }
    case 'refused':
      return // A hint: what is stored says it.
    default:
      return unreachable(effect)
  }
}

/** Reads the channel's box until the signal aborts, or another wallet has taken the channel over. */
export async function readBox(desk: PayerDesk, signal: AbortSignal): Promise<void> {
  try {
    await desk.mailbox.read((message) => takeAnswer(desk, message), signal)
  } catch (error) {
    if (isStale(error)) elsewhere(desk)
    else if (!desk.isElsewhere) throw error
  }
}

/**
 * Sends what is stored already. The mailbox keeps the order and tries again by itself, so no turn waits for it; what does
 * not arrive in the end goes out again at the next look, byte for byte. [OW16]
 */
function post(desk: PayerDesk, message: Uint8Array): void {
  const { clock, task } = desk.world
  desk.posting += 1
  desk.resendAt = clock.now() + desk.resendMs
  desk.resendMs = Math.min(2 * desk.resendMs, resendMsMax)
  const end = async () => {
    try {
      const sent = await attempt(desk, () => desk.mailbox.post(message).then(() => true))
      if (!sent) desk.resendAt = clock.now()
    } catch (error) {
      if (!desk.isElsewhere) throw error // Otherwise it is known by now.
    } finally {
      desk.posting -= 1
    }
  }
  task(end())
}

/** What the world answers, or nothing when it does not answer now: that is remembered, and tried again. */
async function attempt<value>(desk: PayerDesk, ask: () => Promise<value>): Promise<value | null> {
  try {
    const answer = await ask()
    desk.trouble = null
    return answer
  } catch (error) {
    if (isStale(error)) throw elsewhere(desk)
    if (!(error instanceof SdkError)) throw error
    desk.trouble = error
    desk.world.changed(desk)
    return null
  }
}

async function load(desk: PayerDesk): Promise<PayerRecord> {
  if (desk.isElsewhere) throw elsewhere(desk)
  if (desk.version !== null) return desk.known
  const record = await desk.world.store.get(payerKeys.channel(desk.id))
  if (!record) throw new SdkError('store/corrupt', "The record of a channel is missing in the wallet's store.")
  const known = payerRecordFrom(record.bytes)
  if (known.epoch !== desk.epoch) throw elsewhere(desk)
  desk.known = known
  desk.version = record.version
  return known
}

async function save(desk: PayerDesk, channel: Payer): Promise<void> {
  const before = await load(desk)
  const expected = desk.version ?? 0
  const next = { ...before, channel }
  desk.version = null
  try {
    await desk.world.store.commit([{ key: payerKeys.channel(desk.id), expected, bytes: encodePayerRecord(next) }])
  } catch (error) {
    // Whoever wrote meanwhile has a higher epoch: `load` finds that out.
    if (error instanceof SdkError && error.code === 'store/conflict') await load(desk)
    throw error
  }
  desk.known = next
  desk.version = expected + 1
  desk.world.changed(desk)
}

/** True for what a box says to a wallet that another one has taken over from. */
function isStale(error: unknown): boolean {
  return error instanceof SdkError && error.notes[0] === 'stale-epoch'
}

/** The error of a desk that another wallet has taken over. Nothing of it can be stored or sent any more. */
function elsewhere(desk: PayerDesk): SdkError {
  desk.isElsewhere = true
  desk.world.changed(desk)
  return new SdkError('wallet/channel-elsewhere', 'Another tab or device has taken the channel over.', {
    notes: ['Pay there, or open the wallet here again to take the channel back.'],
  })
}

function inTurn<value>(desk: PayerDesk, run: () => Promise<value>): Promise<value> {
  const end = desk.turn.then(run)
  desk.turn = end.catch(() => undefined)
  return end
}
