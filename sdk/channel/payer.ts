import { invariant, unreachable } from '../errors.ts'
import { type Height, type Sats, sameBytes, sats } from '../units.ts'
import { closingDigest } from './closing.ts'
import type { PayeeMessage, PayerMessage, Standing } from './messages.ts'
import { channelIdOf, type Opening, type OpeningFault, payableMax, payableMin } from './opening.ts'
import { boundsFault, type Fault, isSameUpdate, isSignedByPayer, type Mark, type Update } from './update.ts'
import { type ChainView, closingHeight, type Ending, endingOf, isFunded, isSameEnding } from './view.ts'

interface Common {
  readonly opening: Opening
  /** Signed. Broadcast once the payee takes the channel. [OW23] */
  readonly fundingTransaction: Uint8Array
  /** The highest number and amount that were ever signed: what the payee could close with at the most. [OW9] */
  readonly signed: Mark
  /** The best update that the payee is known to hold. */
  readonly best: Mark
  /** What the payee says it has charged. [OW24] */
  readonly spent: Sats
  /** Signed, stored, and not answered yet. [OW16] */
  readonly pending: Update | null
}

/** A signed wish to close. [OW19] */
export type CloseAsk = Omit<Extract<PayerMessage, { type: 'close' }>, 'type' | 'channelId'>

/**
 * The payer's side of one channel.
 *
 * - `offered`: the funding transaction is signed and has not left.
 * - `declined`: it never will; the coins are free.
 * - `funding`: it has left, and the payee does not take updates yet, or not now.
 * - `open`: pays.
 * - `closing`: pays no more. `ask` is the payer's wish to close, if it has one that is not refused.
 * - `refunding`: takes everything back after the expiry.
 * - `closed`: a spend of the funding output has confirmed.
 */
export type Payer =
  | (Common & { readonly phase: 'offered' })
  | (Common & { readonly phase: 'funding' | 'open' })
  | (Common & { readonly phase: 'declined'; readonly fault: OpeningFault })
  | (Common & { readonly phase: 'closing'; readonly ask: CloseAsk | null })
  | (Common & { readonly phase: 'refunding'; readonly transaction: Uint8Array })
  | (Common & { readonly phase: 'closed'; readonly ending: Ending })

export type PayerEvent =
  /** An update made by {@link nextUpdate} and signed. */
  | { readonly type: 'update'; readonly update: Update }
  | { readonly type: 'message'; readonly message: PayeeMessage }
  /** The digest of {@link nextClose} was signed. */
  | { readonly type: 'close'; readonly ask: CloseAsk }
  /** The refund was signed. [OW4] */
  | { readonly type: 'refund'; readonly transaction: Uint8Array; readonly height: Height }
  /** A block came, or a reorganization. */
  | { readonly type: 'chain'; readonly view: ChainView }
  /** The way to the payee is open again, or time has passed: whatever is unanswered goes out once more. */
  | { readonly type: 'reconnected' }

export type PayerEffect =
  | { readonly type: 'persist'; readonly channel: Payer }
  | { readonly type: 'send'; readonly message: PayerMessage }
  | { readonly type: 'broadcast'; readonly transaction: Uint8Array }
  /** The expiry has come: sign the refund, and answer by a `refund` event. [OW22] */
  | { readonly type: 'sign-refund' }
  /** The pending payment has its answer. A hint: `pending` of the stored channel is the truth. */
  | { readonly type: 'answered'; readonly update: Update; readonly fault: Fault | null }
  /** What was asked is not done: by the payer itself, or a close by the payee. A hint. */
  | { readonly type: 'refused'; readonly fault: PayerFault }

/** Why the payer does not do what it is asked. `unanswered`: an update is in flight. `insufficient`: too little is left. */
export type PayerFault = Fault | 'unanswered' | 'insufficient' | 'too-early'

export interface PayerStep {
  readonly channel: Payer
  readonly effects: readonly PayerEffect[]
}

/** What is to be signed for the next payment. */
export interface UnsignedUpdate {
  readonly update: Omit<Update, 'signature'>
  readonly digest: Uint8Array
}

const unsigned: Mark = { number: 0, paid: sats(0n) }

/** A channel to be offered: the caller has judged the opening, and stores the channel before anything is sent. [OW23] */
export function openPayer(opening: Opening, fundingTransaction: Uint8Array): Payer {
  const common = { opening, fundingTransaction, signed: unsigned, best: unsigned, spent: sats(0n), pending: null }
  return { phase: 'offered', ...common }
}

/** Most that can still be bought. */
export function remainingOf({ opening, spent }: Payer): Sats {
  return sats(payableMax(opening) - spent)
}

/**
 * The next update, to be signed: pays `amount` out of the credit first, and never less than the payee's dust limit. [OW10]
 *
 * Funds at risk: what is signed and stored is spent, whatever the payee answers.
 *
 * @returns The reason instead when the channel is not open, the last update is unanswered, or too little is left.
 */
export function nextUpdate(
  channel: Payer,
  wish: { readonly amount: Sats; readonly paymentId: Uint8Array },
): UnsignedUpdate | PayerFault {
  if (channel.phase !== 'open') return 'not-open'
  if (channel.pending) return 'unanswered' // OW16
  const { opening, signed, spent } = channel
  const total = spent + wish.amount
  if (total > payableMax(opening)) return 'insufficient'
  const paid = larger(sats(total), larger(signed.paid, payableMin(opening)))
  const { paymentId } = wish
  const update = { channelId: channelIdOf(opening), number: signed.number + 1, paid, paymentId }
  const digest = closingDigest(opening, update.paid, opening.terms.closeFee)
  return digest ? { update, digest } : 'insufficient'
}

/**
 * What is to be signed to close now at `fee`. [OW19]
 *
 * @returns The reason instead when the channel is neither open nor closing, or too little is left for the fee.
 */
export function nextClose(
  channel: Payer,
  fee: Sats,
): { readonly ask: Omit<CloseAsk, 'signature'>; readonly digest: Uint8Array } | PayerFault {
  const { opening, best } = channel
  if (!isServed(channel)) return 'not-open'
  const digest = closingDigest(opening, best.paid, fee)
  return digest ? { ask: { number: best.number, fee }, digest } : 'insufficient'
}

/** Pure step of the payer. A changed channel is persisted before anything leaves. [OW15] */
export function payerStep(channel: Payer, event: PayerEvent): PayerStep {
  const step = decide(channel, event)
  checkStep(channel, step)
  return step
}

function decide(channel: Payer, event: PayerEvent): PayerStep {
  switch (event.type) {
    case 'update':
      return onUpdate(channel, event.update)
    case 'message':
      return onMessage(channel, event.message)
    case 'close':
      return onClose(channel, event.ask)
    case 'refund':
      return onRefund(channel, event.transaction, event.height)
    case 'chain':
      return onChain(channel, event.view)
    case 'reconnected':
      return stay(channel, ...unanswered(channel))
    default:
      return unreachable(event)
  }
}

function onUpdate(channel: Payer, update: Update): PayerStep {
  const { opening, signed, pending } = channel
  if (pending && isSameUpdate(pending, update)) return stay(channel, ...unanswered(channel))
  if (channel.phase !== 'open') return refuse(channel, 'not-open')
  if (pending) return refuse(channel, 'unanswered') // OW16
  invariant(update.channelId === channelIdOf(opening), 'an update is of its own channel')
  const fault = boundsFault(opening, signed, update)
  if (fault) return refuse(channel, fault)
  const { number, paid } = update
  return move({ ...channel, signed: { number, paid }, pending: update }, send({ type: 'update', update }))
}

function onMessage(channel: Payer, message: PayeeMessage): PayerStep {
  invariant(message.channelId === channelIdOf(channel.opening), 'a message comes to its own channel')
  switch (message.type) {
    case 'declined':
      return channel.phase === 'offered'
        ? move({ ...commonOf(channel), phase: 'declined', fault: message.fault })
        : stay(channel)
    case 'standing':
      return onStanding(channel, message)
    case 'ack':
      return onAck(channel, message)
    case 'refused':
      return onRefused(channel, message)
    default:
      return unreachable(message)
  }
}

function onStanding(channel: Payer, message: Extract<PayeeMessage, { type: 'standing' }>): PayerStep {
  const { channel: known, hints } = learn(channel, message)
  const { phase, fundingTransaction } = known
  const { status } = message
  if (phase === 'offered' && status === 'waiting')
    return move({ ...known, phase: 'funding' }, { type: 'broadcast', transaction: fundingTransaction }) // OW23
  if (phase !== 'funding' && phase !== 'open') return become(channel, known, hints)
  const next = status === 'waiting' ? 'funding' : status
  if (next === 'closing') return move({ ...commonOf(known), phase: 'closing', ask: null }, ...hints)
  return become(channel, next === phase ? known : { ...known, phase: next }, hints)
}

/** An ack counts for the update that was signed last, whether it is still pending or was refused before. [OW24] */
function onAck(channel: Payer, { number, paid, spent }: Extract<PayeeMessage, { type: 'ack' }>): PayerStep {
  const { signed, pending, best } = channel
  if (number !== signed.number || paid !== signed.paid || spent > paid) return stay(channel)
  if (!pending && best.number === number && spent <= channel.spent) return stay(channel)
  const hints: PayerEffect[] = pending ? [{ type: 'answered', update: pending, fault: null }] : []
  return move({ ...channel, best: signed, spent: larger(spent, channel.spent), pending: null }, ...hints)
}

function onRefused(channel: Payer, message: Extract<PayeeMessage, { type: 'refused' }>): PayerStep {
  const { number, fault } = message
  const { channel: known, hints } = learn(channel, message)
  const { phase, pending } = known
  const isUpdate = pending?.number === number
  const isAsk = phase === 'closing' && known.ask?.number === number && !isUpdateFault(fault)
  if (!isUpdate && !isAsk) return become(channel, known, hints)
  const common = { ...commonOf(known), pending: isUpdate ? null : pending }
  const told: PayerEffect[] = isUpdate ? [{ type: 'answered', update: pending, fault }] : [{ type: 'refused', fault }]
  return move(afterRefusal(known, common, fault), ...hints, ...told)
}

/** What a refusal of an update or a close says of the channel. */
function afterRefusal(before: Payer, common: Common, fault: Fault): Payer {
  if (!isServed(before)) return { ...before, ...common }
  if (before.phase === 'closing') return { ...common, phase: 'closing', ask: isUpdateFault(fault) ? before.ask : null }
  if (fault === 'too-late' || fault === 'not-open') return { ...common, phase: 'closing', ask: null }
  return { ...common, phase: fault === 'funding-unproven' ? 'funding' : before.phase }
}

/** What an answer shows of the payee's side, as far as it is newer than what is known. [OW17] [OW24] */
function learn(channel: Payer, { best, spent }: Standing): { readonly channel: Payer; readonly hints: PayerEffect[] } {
  const { signed, pending } = channel
  const isNews =
    best && (best.number > channel.best.number || (best.number === channel.best.number && spent > channel.spent))
  if (!isNews || spent > best.paid || !isOurs(channel, best)) return { channel, hints: [] }
  // OW17: where the number is one that we do not know of, our store is older than our word.
  const known = {
    ...channel,
    signed: { number: Math.max(signed.number, best.number), paid: larger(signed.paid, best.paid) },
    best: { number: best.number, paid: best.paid },
    spent: larger(spent, channel.spent),
  }
  // What is below the best one in number or amount can never be taken any more.
  if (!pending || (pending.number > best.number && pending.paid >= best.paid)) return { channel: known, hints: [] }
  const fault = isSameUpdate(pending, best) ? null : 'stale-update'
  return { channel: { ...known, pending: null }, hints: [{ type: 'answered', update: pending, fault }] }
}

/** True for an update that this payer has signed. */
function isOurs({ opening, best, pending }: Payer, update: Update): boolean {
  if (pending && isSameUpdate(pending, update)) return true
  if (update.number === best.number && update.paid === best.paid) return true
  return boundsFault(opening, best, update) === null && isSignedByPayer(opening, update)
}

function onClose(channel: Payer, ask: CloseAsk): PayerStep {
  if (!isServed(channel)) return refuse(channel, 'not-open')
  const before = channel.phase === 'closing' ? channel.ask : null
  if (before && isSameAsk(before, ask)) return stay(channel, ...unanswered(channel))
  if (ask.number !== channel.best.number) return refuse(channel, 'stale-close')
  const next: Payer = { ...commonOf(channel), phase: 'closing', ask }
  return move(next, closeMessage(next, ask))
}

function onRefund(channel: Payer, transaction: Uint8Array, height: Height): PayerStep {
  if (!isServed(channel) && channel.phase !== 'refunding') return refuse(channel, 'not-open')
  if (height < channel.opening.expiry) return refuse(channel, 'too-early')
  const broadcast = { type: 'broadcast', transaction } as const
  if (channel.phase === 'refunding' && sameBytes(channel.transaction, transaction)) return stay(channel, broadcast)
  return move({ ...commonOf(channel), phase: 'refunding', transaction }, broadcast)
}

function onChain(channel: Payer, view: ChainView): PayerStep {
  const { opening, phase } = channel
  const ending = endingOf(opening, view)
  if (ending) {
    if (phase === 'closed' && isSameEnding(channel.ending, ending)) return stay(channel)
    return move({ ...commonOf(channel), phase: 'closed', ending })
  }
  // OW21: the spend was taken back. The payee closes again, or the expiry comes.
  if (phase === 'closed') return move({ ...commonOf(channel), phase: 'closing', ask: null })
  if (phase === 'offered' || phase === 'declined') {
    // OW17: the coins have left, so the store is older than our word.
    if (view.fundedAt !== null) return move({ ...commonOf(channel), phase: 'funding' })
    if (phase === 'declined' || view.height < closingHeight(opening)) return stay(channel)
    return move({ ...commonOf(channel), phase: 'declined', fault: 'expiry-out-of-range' }) // OW23
  }
  return stay(channel, ...(view.spend ? [] : pursue(channel, view)))
}

/** What the chain lacks of this channel, while nothing has spent the funding there. */
function pursue(channel: Payer, view: ChainView): PayerEffect[] {
  const { opening, phase, fundingTransaction } = channel
  if (phase === 'refunding') return [{ type: 'broadcast', transaction: channel.transaction }]
  const isExpired = view.height >= opening.expiry
  if (view.fundedAt === null) return isExpired ? [] : [{ type: 'broadcast', transaction: fundingTransaction }] // OW23
  if (isExpired) return [{ type: 'sign-refund' }] // OW22
  return phase === 'funding' && isFunded(opening, view) ? [openMessage(channel)] : []
}

/** What the payee has not answered, byte for byte as it was first sent; a question where nothing is. [OW16] */
function unanswered(channel: Payer): PayerEffect[] {
  const { pending } = channel
  const update: PayerEffect[] = pending ? [send({ type: 'update', update: pending })] : []
  switch (channel.phase) {
    case 'offered':
    case 'funding':
      return [openMessage(channel), ...update]
    case 'open':
      return pending ? update : [openMessage(channel)]
    case 'closing':
      return channel.ask ? [...update, closeMessage(channel, channel.ask)] : update
    default:
      return []
  }
}

/** True while the payee may still be asked for something. */
function isServed(channel: Payer): channel is Extract<Payer, { phase: 'funding' | 'open' | 'closing' }> {
  return channel.phase === 'funding' || channel.phase === 'open' || channel.phase === 'closing'
}

/** True for what is said of updates alone. */
function isUpdateFault(fault: Fault): boolean {
  return !['stale-close', 'fee-too-low', 'malformed-close', 'not-open'].includes(fault)
}

function isSameAsk(a: CloseAsk, b: CloseAsk): boolean {
  return a.number === b.number && a.fee === b.fee && sameBytes(a.signature, b.signature)
}

function openMessage({ opening }: Payer): PayerEffect {
  return send({ type: 'open', opening })
}

function closeMessage({ opening }: Payer, ask: CloseAsk): PayerEffect {
  return send({ type: 'close', channelId: channelIdOf(opening), ...ask })
}

function send(message: PayerMessage): PayerEffect {
  return { type: 'send', message }
}

function commonOf({ opening, fundingTransaction, signed, best, spent, pending }: Payer): Common {
  return { opening, fundingTransaction, signed, best, spent, pending }
}

function larger(a: Sats, b: Sats): Sats {
  return a > b ? a : b
}

function refuse(channel: Payer, fault: PayerFault): PayerStep {
  return stay(channel, { type: 'refused', fault })
}

function stay(channel: Payer, ...effects: PayerEffect[]): PayerStep {
  return { channel, effects }
}

/** The step to what is known now, which may be nothing new. */
function become(before: Payer, after: Payer, hints: readonly PayerEffect[]): PayerStep {
  return after === before ? stay(before) : move(after, ...hints)
}

function move(channel: Payer, ...then: PayerEffect[]): PayerStep {
  return { channel, effects: [{ type: 'persist', channel }, ...then] }
}

function checkStep(before: Payer, { channel: after, effects }: PayerStep): void {
  const { signed, best, spent, pending } = after
  invariant(signed.number >= before.signed.number, 'OW9: the signed number never goes back')
  invariant(signed.paid >= before.signed.paid, 'OW9: what is signed never falls')
  invariant(signed.paid <= payableMax(after.opening), 'OW10: nobody is paid beyond the capacity')
  invariant(best.number <= signed.number && best.paid <= signed.paid, 'OW17: what the payee holds was signed')
  invariant(spent >= before.spent && spent <= best.paid, 'OW11: what is spent is paid')
  invariant(!pending || isMark(pending, signed), 'OW16: only the last update is pending')
  invariant(
    pending?.number !== before.pending?.number || pending === before.pending,
    'OW16: what is in flight is sent again as it is',
  )
  if (after !== before) invariant(effects[0]?.type === 'persist', 'OW15: a changed channel is persisted first')
}

function isMark(update: Update, { number, paid }: Mark): boolean {
  return update.number === number && update.paid === paid
}
