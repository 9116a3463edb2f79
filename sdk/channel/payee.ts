import { invariant, unreachable } from '../errors.ts'
import { type Height, type Sats, sats } from '../units.ts'
import { type ClosingSignatures, closingDigest, closingTransaction, isSignedClosing } from './closing.ts'
import type { PayeeMessage, PayerMessage, Standing, Status } from './messages.ts'
import { channelIdOf, type Opening, payableMax } from './opening.ts'
import { boundsFault, type Fault, isSameUpdate, isSignedByPayer, type Update } from './update.ts'
import { type ChainView, closingHeight, type Ending, endingOf, isFunded, isSameEnding } from './view.ts'

interface Common {
  readonly opening: Opening
  /** Height at which it was taken. */
  readonly since: Height
  /** The best update: with the payee's own signature it is a closing. */
  readonly best: Update | null
  /** Sum of the prices charged. [OW11] */
  readonly spent: Sats
}

/** A closing that the payee has signed. */
export interface SignedClosing {
  readonly fee: Sats
  readonly transaction: Uint8Array
}

/**
 * The payee's side of one channel.
 *
 * - `open`: takes updates while the chain proves the funding.
 * - `closing`: takes none any more. `closing` is signed and broadcast until it confirms; `null` while it waits for a
 *   signature, or when there is nothing to close.
 * - `closed`: a spend of the funding output has confirmed, this closing or another.
 */
export type Payee =
  | (Common & { readonly phase: 'open' })
  | (Common & { readonly phase: 'closing'; readonly closing: SignedClosing | null })
  | (Common & { readonly phase: 'closed'; readonly closing: SignedClosing | null; readonly ending: Ending })

export type PayeeEvent =
  /** The payer asks how the channel stands. */
  | { readonly type: 'open'; readonly view: ChainView }
  /** `price`: what the payee asks for this payment id: zero once it was charged in this channel, `null` if not for sale. */
  | { readonly type: 'update'; readonly update: Update; readonly price: Sats | null; readonly view: ChainView }
  /** The payer asks to close. `feeMin`: what the payee deems enough to confirm now. [OW19] */
  | (Omit<Extract<PayerMessage, { type: 'close' }>, 'channelId'> & { readonly feeMin: Sats; readonly view: ChainView })
  /** The payee wants to close. */
  | { readonly type: 'end' }
  /** Both signatures on the best update's amounts at `fee`, as a `sign` effect asked for. */
  | { readonly type: 'signed'; readonly signatures: ClosingSignatures }
  /** A block came, or a reorganization. */
  | { readonly type: 'chain'; readonly view: ChainView }

export type PayeeEffect =
  | { readonly type: 'persist'; readonly channel: Payee }
  | { readonly type: 'send'; readonly message: PayeeMessage }
  | { readonly type: 'broadcast'; readonly transaction: Uint8Array }
  /** Sign `digest` with the payee's key, and answer by a `signed` event. */
  | { readonly type: 'sign'; readonly digest: Uint8Array; readonly fee: Sats; readonly payerSignature: Uint8Array }
  /** What was asked is not done. A hint; the answer to the payer is sent by an effect of its own. */
  | { readonly type: 'refused'; readonly fault: Fault }

export interface PayeeStep {
  readonly channel: Payee
  readonly effects: readonly PayeeEffect[]
}

/** A channel as it is taken: the caller has judged the opening. [OW7] */
export function openPayee(opening: Opening, since: Height): Payee {
  return { phase: 'open', opening, since, best: null, spent: sats(0n) }
}

/** What is paid and not yet spent. [OW11] */
export function creditOf({ best, spent }: Payee): Sats {
  return sats((best?.paid ?? 0n) - spent)
}

/** What the payee's signature makes a closing of the best update; nothing without an update. [OW25] */
export function bestClosing({ opening, best }: Payee): Extract<PayeeEffect, { type: 'sign' }> | null {
  return best && signing(opening, best.paid, opening.terms.closeFee, best.signature)
}

/** Pure step of the payee. A changed channel is persisted before anything else is done with it. [OW15] */
export function payeeStep(channel: Payee, event: PayeeEvent): PayeeStep {
  const step = decide(channel, event)
  checkStep(channel, step)
  return step
}

function decide(channel: Payee, event: PayeeEvent): PayeeStep {
  switch (event.type) {
    case 'open':
      return stay(channel, tellStanding(channel, event.view))
    case 'update':
      return onUpdate(channel, event)
    case 'close':
      return onCloseAsked(channel, event)
    case 'end':
      return channel.phase === 'open' ? beginClosing(channel) : stay(channel)
    case 'signed':
      return onSigned(channel, event.signatures)
    case 'chain':
      return onChain(channel, event.view)
    default:
      return unreachable(event)
  }
}

function onUpdate(channel: Payee, { update, price, view }: Extract<PayeeEvent, { type: 'update' }>): PayeeStep {
  const { best, opening } = channel
  // OW13: a resend changes nothing, so it comes too late in no phase.
  if (best && isSameUpdate(best, update)) return stay(channel, acknowledgement(channel, best))
  const no = (fault: Fault) => refuse(channel, update.number, fault)
  invariant(update.channelId === channelIdOf(opening), 'an update comes to its own channel')
  const fault = boundsFault(opening, best, update) ?? timeFault(channel, view)
  if (fault) return no(fault)
  if (price === null) return no('unknown-payment')
  const spent = channel.spent + price
  if (spent > update.paid) return no('underpaid')
  if (!isSignedByPayer(opening, update)) return no('forged')
  const next = { ...channel, best: update, spent: sats(spent) }
  return move(next, acknowledgement(next, update))
}

/** Whether an update comes at a time when it may be taken. [OW8] [OW18] [OW20] */
function timeFault({ phase, opening }: Payee, view: ChainView): Fault | null {
  if (phase !== 'open' || view.spend) return 'not-open'
  if (view.height >= closingHeight(opening)) return 'too-late'
  return isFunded(opening, view) ? null : 'funding-unproven'
}

function onCloseAsked(channel: Payee, ask: Extract<PayeeEvent, { type: 'close' }>): PayeeStep {
  const { opening, best } = channel
  const no = (fault: Fault) => refuse(channel, ask.number, fault)
  if (channel.phase === 'closed' || ask.view.spend) return no('not-open')
  if (ask.number !== (best?.number ?? 0)) return no('stale-close')
  const signed = channel.phase === 'closing' ? channel.closing : null
  const isEnough = signed ? ask.fee > signed.fee : ask.fee >= ask.feeMin || ask.fee >= opening.terms.closeFee
  if (!isEnough) return no(signed ? 'not-open' : 'fee-too-low')
  const paid = best?.paid ?? sats(0n)
  const sign = signing(opening, paid, ask.fee, ask.signature)
  if (!sign || !isSignedByPayer(opening, { paid, signature: ask.signature }, ask.fee)) return no('malformed-close')
  const next: Payee = channel.phase === 'open' ? { ...channel, phase: 'closing', closing: null } : channel
  const then = [sign, tellStanding(next, ask.view)]
  return next === channel ? stay(channel, ...then) : move(next, ...then)
}

function onSigned(channel: Payee, signatures: ClosingSignatures): PayeeStep {
  if (channel.phase !== 'closing') return stay(channel)
  const { opening, best, closing } = channel
  const paid = best?.paid ?? sats(0n)
  if (closing && signatures.fee <= closing.fee) return stay(channel)
  if (!isSignedClosing(opening, paid, signatures)) return stay(channel, { type: 'refused', fault: 'malformed-close' })
  const transaction = closingTransaction(opening, paid, signatures)
  const next: Payee = { ...channel, closing: { fee: signatures.fee, transaction } }
  return move(next, { type: 'broadcast', transaction })
}

function onChain(channel: Payee, view: ChainView): PayeeStep {
  const { opening } = channel
  const ending = endingOf(opening, view)
  if (ending) {
    if (channel.phase === 'closed' && isSameEnding(channel.ending, ending)) return stay(channel)
    const closing = channel.phase === 'open' ? null : channel.closing
    return move({ ...commonOf(channel), phase: 'closed', closing, ending })
  }
  // OW21: the spend was taken back. It is public, so the channel is not open again.
  if (channel.phase === 'closed') return beginClosing(channel, view)
  // OW18: a spend that is not deep yet ends the channel as the height does.
  if (channel.phase === 'open')
    return view.spend || view.height >= closingHeight(opening) ? beginClosing(channel, view) : stay(channel)
  return stay(channel, ...pursue(channel, view))
}

/** OW20: the decision is stored before the closing is signed. */
function beginClosing(channel: Payee, view?: ChainView): PayeeStep {
  const closing = channel.phase === 'open' ? null : channel.closing
  const next: Payee = { ...commonOf(channel), phase: 'closing', closing }
  return move(next, ...pursue(next, view))
}

/** What brings a closing into the chain, as long as nothing has spent the funding there. */
function pursue(channel: Extract<Payee, { phase: 'closing' }>, view?: ChainView): PayeeEffect[] {
  if (view?.spend) return []
  if (channel.closing) return [{ type: 'broadcast', transaction: channel.closing.transaction }]
  const sign = bestClosing(channel)
  return sign ? [sign] : []
}

function signing(opening: Opening, paid: Sats, fee: Sats, payerSignature: Uint8Array) {
  const digest = closingDigest(opening, paid, fee)
  return digest ? ({ type: 'sign', digest, fee, payerSignature } as const) : null
}

function commonOf({ opening, since, best, spent }: Payee): Common {
  return { opening, since, best, spent }
}

function standingOf({ opening, best, spent }: Payee): Standing {
  return { channelId: channelIdOf(opening), best, spent }
}

function tellStanding(channel: Payee, view: ChainView): PayeeEffect {
  return { type: 'send', message: { type: 'standing', status: statusOf(channel, view), ...standingOf(channel) } }
}

function statusOf({ phase, opening }: Payee, view: ChainView): Status {
  if (phase !== 'open' || view.spend || view.height >= closingHeight(opening)) return 'closing'
  return isFunded(opening, view) ? 'open' : 'waiting'
}

function acknowledgement({ opening, spent }: Payee, { number, paid }: Update): PayeeEffect {
  return { type: 'send', message: { type: 'ack', channelId: channelIdOf(opening), number, paid, spent } }
}

/** OW24: a refusal carries what the payee holds, so that a payer whose store is older can catch up. */
function refuse(channel: Payee, number: number, fault: Fault): PayeeStep {
  const message: PayeeMessage = { type: 'refused', number, fault, ...standingOf(channel) }
  return stay(channel, { type: 'refused', fault }, { type: 'send', message })
}

function stay(channel: Payee, ...effects: PayeeEffect[]): PayeeStep {
  return { channel, effects }
}

function move(channel: Payee, ...then: PayeeEffect[]): PayeeStep {
  return { channel, effects: [{ type: 'persist', channel }, ...then] }
}

function checkStep(before: Payee, { channel: after, effects }: PayeeStep): void {
  const paid = after.best?.paid ?? 0n
  invariant((after.best?.number ?? 0) >= (before.best?.number ?? 0), 'OW9: the best number never goes back')
  invariant(paid >= (before.best?.paid ?? 0n), 'OW9: what is paid never falls')
  invariant(paid <= payableMax(after.opening), 'OW10: nobody is paid beyond the capacity')
  invariant(after.spent >= before.spent && after.spent <= paid, 'OW11: what is spent is paid')
  invariant(after.best === before.best || before.phase === 'open', 'OW20: a closing channel takes no update')
  invariant(after.phase !== 'open' || before.phase === 'open', 'OW20: a closing channel is never open again')
  if (after !== before) invariant(effects[0]?.type === 'persist', 'OW15: a changed channel is persisted first')
}
