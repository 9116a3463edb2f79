import type { Output } from '../../sdk/bitcoin/index.ts'
import {
  type ChainView,
  type CloseAsk,
  channelIdOf,
  closingFee,
  closingHeight,
  decodePayee,
  endingOf,
  fundingOutput,
  isFunded,
  isSameUpdate,
  type Opening,
  type Payee,
  type PayeeMessage,
  type Payer,
  type PayerMessage,
  payableMax,
  payableMin,
  type Update,
} from '../../sdk/channel/index.ts'
import type { StoreWrite } from '../../sdk/ports.ts'
import type { Deposit } from '../../sdk/till/index.ts'
import { depositedFrom, keys, type Payment, paymentFrom } from '../../sdk/till/records.ts'
import { type ChannelId, feerate, type Hex, sameBytes, toHex } from '../../sdk/units.ts'
import { payerKeys } from '../../sdk/wallet/bitcoin/payerRecord.ts'
import type { SimBox } from './box.ts'
import { type Judged, type SimChain, spenderOf, spendFault, tipOf, viewOf } from './chain.ts'
import { payerIn } from './payerShell.ts'
import { fail, type World } from './world.ts'

/** All that is known of one channel by an auditor who sees both disks, the box and the chain. */
export interface Account {
  readonly opening: Opening
  readonly box: SimBox
  /** Every update that the payer's key ever signed. */
  readonly signed: Update[]
  readonly asks: CloseAsk[]
  /** Closings that were left with the box. */
  readonly deposits: Deposit[]
  /** What was sent of each number. */
  readonly sent: Map<number, Uint8Array>
  /** What is on the disks now. */
  payer: Payer | null
  payee: Payee | null
  /** Sum of the prices of stored payments. */
  charged: bigint
  /** Sum of the prices of goods that were given. */
  released: bigint
  /** The last view that the till was shown, and when. */
  shown: { readonly view: ChainView; readonly at: number } | null
  /** For how many blocks the till has not done what the chain asks of it. */
  overdue: number
  /** The payer's disk was once put back. */
  isRestored: boolean
  /** The funding was once deep enough. */
  wasFunded: boolean
  /** The chain once held a spend of it. */
  wasSpent: boolean
}

/** An auditor of a world with one till. It breaks the world at the first thing that must not be. */
export interface Audit {
  readonly world: World
  readonly chain: SimChain
  readonly accounts: Map<ChannelId, Account>
  /** Prices that the till quoted, by payment id. */
  readonly prices: Map<string, bigint>
  readonly undepositedMax: bigint
  readonly viewTicksMax: number
}

const slackTicks = 40

export function openAccount(audit: Audit, opening: Opening, box: SimBox): Account {
  const account: Account = {
    opening,
    box,
    signed: [],
    asks: [],
    deposits: [],
    sent: new Map(),
    payer: null,
    payee: null,
    charged: 0n,
    released: 0n,
    shown: null,
    overdue: 0,
    isRestored: false,
    wasFunded: false,
    wasSpent: false,
  }
  audit.accounts.set(channelIdOf(opening), account)
  return account
}

/** After a commit on the till's disk. */
export function auditTill(audit: Audit, writes: readonly StoreWrite[]): void {
  for (const { key, bytes } of writes) {
    if (key.startsWith(keys.channels)) auditPayee(audit, `0x${key.slice(keys.channels.length)}` as ChannelId, bytes)
    if (key.startsWith('till/payments/')) auditPayment(audit, key.slice('till/payments/'.length), bytes)
    if (key.startsWith('till/deposits/') && bytes) {
      const account = audit.accounts.get(`0x${key.slice('till/deposits/'.length)}` as ChannelId)
      if (depositedFrom(bytes).number > (account?.box.deposit?.number ?? 0))
        fail(audit.world, 'OW25: a deposit is noted that the box does not hold')
    }
  }
  for (const { payee, charged } of audit.accounts.values())
    if (payee && payee.spent !== charged)
      fail(audit.world, `OW11: ${payee.spent} sat are spent, and payments of ${charged} sat are stored`)
}

function auditPayee(audit: Audit, id: ChannelId, bytes: Uint8Array | null): void {
  const { world } = audit
  const account = audit.accounts.get(id)
  const decoded = bytes && decodePayee(bytes)
  if (decoded && !decoded.ok) return fail(world, `the till's record is damaged: ${decoded.reason}`)
  if (!account) return fail(world, 'OW7: the till took a channel that nobody should open')
  const before = account.payee
  const after = decoded ? decoded.value : null
  account.payee = after
  if (!after) {
    if (before?.best) fail(world, 'the till forgot a channel with payments')
    return
  }
  for (const [otherId, other] of audit.accounts)
    if (otherId !== id && other.payee && sameOutpoint(other.opening, account.opening))
      fail(world, 'OW7: two channels stand on one output')
  if (!before) return
  if ((after.best?.number ?? 0) < (before.best?.number ?? 0)) fail(world, 'OW9: the best number went back')
  if ((after.best?.paid ?? 0n) < (before.best?.paid ?? 0n)) fail(world, 'OW9: what is paid fell')
  if (after.spent < before.spent) fail(world, 'OW11: what is spent fell')
  if (before.phase !== 'open' && after.phase === 'open') fail(world, 'OW20: a closing channel opened again')
  if (after.phase === 'closed' && !(account.shown && endingOf(account.opening, account.shown.view)))
    fail(world, 'OW21: the till believes in an ending that is not deep enough')
  const { best } = after
  const isNew = best && !(before.best && isSameUpdate(best, before.best))
  if (isNew) auditAccepted(audit, account, best, before)
}

/** The till has accepted an update: was it signed, within bounds, in time, and on a proven funding? */
function auditAccepted(audit: Audit, { opening, signed, shown }: Account, update: Update, before: Payee): void {
  const { world } = audit
  if (!signed.some((known) => isSameUpdate(known, update))) fail(world, 'OW10: the till holds what was never signed')
  if (update.paid < payableMin(opening)) fail(world, 'OW10: an update below dust was taken')
  if (update.paid > payableMax(opening)) fail(world, 'OW10: an update beyond the capacity was taken')
  if (update.number <= (before.best?.number ?? 0)) fail(world, 'OW14: a stale update was taken')
  if (before.phase !== 'open') fail(world, 'OW20: a closing channel took an update')
  if (!shown || world.now - shown.at > audit.viewTicksMax + slackTicks)
    return fail(world, 'OW8: no fresh view was asked for')
  if (!isFunded(opening, shown.view)) fail(world, 'OW8: an update was taken on an unproven funding')
  if (shown.view.height >= closingHeight(opening)) fail(world, 'OW18: an update was taken too late')
  if (tipOf(audit.chain) >= opening.expiry) fail(world, 'OW18: an update was taken after the expiry')
}

function auditPayment({ world, prices, accounts }: Audit, name: string, bytes: Uint8Array | null): void {
  if (!bytes) return fail(world, 'OW12: a payment was deleted')
  const { channelId, price } = paymentFrom(bytes)
  const account = accounts.get(channelId)
  if (!account || prices.get(name) !== price) return fail(world, 'OW12: a payment was stored at another price')
  account.charged += price
}

/** After a commit on a payer's disk. */
export function auditPayer(audit: Audit, account: Account, writes: readonly StoreWrite[]): void {
  const { world } = audit
  const bytes = writes.find(({ key }) => key === payerKeys.channel(channelIdOf(account.opening)))?.bytes
  const after = bytes && payerIn(bytes)
  if (!after) return
  const before = account.payer
  account.payer = after
  if (before && after.signed.number < before.signed.number) fail(world, 'OW9: the signed number went back')
  if (before && after.signed.paid < before.signed.paid) fail(world, 'OW9: what is signed fell')
  const { payee } = account
  if (
    after.best.number > 0 &&
    !account.signed.some(({ number, paid }) => number === after.best.number && paid === after.best.paid)
  )
    fail(world, 'OW17: the payer believes in an update that it never signed')
  if (payee && after.best.number > (payee.best?.number ?? 0))
    fail(world, 'OW15: the payer believes in an update that the till lacks')
  if (payee && after.best.number === payee.best?.number && after.best.paid !== payee.best.paid)
    fail(world, 'OW24: the payer believes in another amount than the till holds')
  if (payee && after.spent > payee.spent) fail(world, 'OW24: the payer believes that more is spent than was charged')
}

/** Before a message of a payer leaves. */
export function auditPayerSend({ world }: Audit, account: Account, message: PayerMessage): void {
  const { payer, sent, isRestored } = account
  if (!payer) return fail(world, 'OW15: a message left before the channel was stored')
  if (message.type === 'close') {
    const ask = payer.phase === 'closing' ? payer.ask : null
    if (ask?.number !== message.number || !sameBytes(ask.signature, message.signature))
      fail(world, 'OW15: a wish to close left before it was stored')
  }
  if (message.type !== 'update') return
  const { update } = message
  if (!payer.pending || !isSameUpdate(payer.pending, update)) fail(world, 'OW15: an update left that is not stored')
  const known = sent.get(update.number)
  const bytes = identityOf(update)
  if (known && !isRestored && !sameBytes(known, bytes)) fail(world, 'OW16: a number was sent with other bytes')
  sent.set(update.number, bytes)
}

/** Before a message of the till leaves. */
export function auditTillSend({ world, accounts }: Audit, message: PayeeMessage): void {
  const account = accounts.get(message.channelId)
  if (message.type === 'declined') return
  const payee = account?.payee
  if (!payee) return fail(world, 'OW15: the till speaks of a channel that is not stored')
  const best = message.type === 'ack' ? message : message.best
  if ((best?.number ?? 0) > (payee.best?.number ?? 0) || (best?.paid ?? 0n) > (payee.best?.paid ?? 0n))
    fail(world, 'OW15: the till speaks of an update that is not stored')
  if (message.spent > payee.spent) fail(world, 'OW15: the till speaks of a price that is not stored')
}

/** Before the till leaves a closing with the box. */
export function auditDeposit({ world, accounts }: Audit, deposit: Deposit): void {
  const account = accounts.get(deposit.channelId)
  const best = account?.payee?.best
  if (!account || !best || deposit.number > best.number)
    return fail(world, 'OW15: a deposit left before its update was stored')
  const fault = spendFault(deposit.transaction, fundingOutput(account.opening))
  if (fault) fail(world, `OW25: a deposited closing is not valid: ${fault}`)
  account.deposits.push(deposit)
}

/** Before the till broadcasts a closing. */
export function auditTillBroadcast({ world, accounts }: Audit, transaction: Uint8Array): void {
  for (const { opening, payee } of accounts.values()) {
    const closing = payee && payee.phase !== 'open' ? payee.closing : null
    if (!closing || !sameBytes(closing.transaction, transaction)) continue
    if (closing.fee < opening.terms.closeFee && closing.fee < closingFee(opening, tillFeerate))
      fail(world, 'OW19: the till closes at a fee that does not confirm')
    return
  }
  fail(world, 'OW20: a closing was broadcast before it was stored')
}

/** What confirms in good time, in this world. */
export const tillFeerate = feerate(1_500)

/** Before a payer broadcasts. */
export function auditPayerBroadcast({ world }: Audit, { payer }: Account, transaction: Uint8Array): void {
  if (!payer) return fail(world, 'OW15: a transaction left before the channel was stored')
  if (sameBytes(payer.fundingTransaction, transaction)) {
    if (payer.phase === 'offered' || payer.phase === 'declined')
      fail(world, 'OW23: the funding left before the payee took the channel')
  } else if (payer.phase !== 'refunding' || !sameBytes(payer.transaction, transaction))
    fail(world, 'OW15: a refund left before it was stored')
}

/** When goods are given for a payment: it is covered by what the box holds, or the chain has paid. [OW25] */
export function auditRelease({ world, chain, accounts, undepositedMax }: Audit, payment: Payment | null): void {
  const account = payment && accounts.get(payment.channelId)
  if (!account) return fail(world, 'OW15: goods were given for what is not stored')
  account.released += payment.price
  const settled = toPayeeOf(account.opening, spenderOf(chain, account.opening))
  const covered = (account.box.deposit?.paid ?? 0n) + undepositedMax
  if (payment.paid > covered && payment.paid > settled)
    fail(world, 'OW25: goods were given beyond what a closing covers')
}

/** What a transaction of the chain gives the payee. */
export function toPayeeOf({ terms }: Opening, spender: Judged | null): bigint {
  return paidTo(terms.payeeScript, spender?.outputs ?? [])
}

/** What a transaction of the chain gives the payer. */
export function toPayerOf({ payerScript }: Opening, spender: Judged | null): bigint {
  return paidTo(payerScript, spender?.outputs ?? [])
}

/** Leaves a closing with the box, which keeps the best. */
export function leave({ world }: Audit, { box }: Account, deposit: Deposit): void {
  const before = box.deposit?.number ?? 0
  box.deposit = box.keep(box.deposit, deposit)
  if (box.deposit.number < before) fail(world, 'OW25: the box gave a better closing up for a lower one')
}

/** When a block came: what it spent of a channel is what was signed for, and the till sees what happens. */
export function auditBlock(audit: Audit, isTillLost: boolean): void {
  const { world, chain } = audit
  for (const account of audit.accounts.values()) {
    const spender = spenderOf(chain, account.opening)
    if (spender) auditSpend(world, account, spender)
    account.wasSpent ||= spender !== null
    account.wasFunded ||= isFunded(account.opening, viewOf(chain, account.opening))
    account.overdue = !isTillLost && isOverdue(audit, account) ? account.overdue + 1 : 0
    if (account.overdue > overdueMax) fail(world, `OW18: the till is ${account.payee?.phase} when it should be closing`)
  }
}

/** How many blocks a till may miss. */
const overdueMax = 6

/** The till should have closed, or should be closing again. [OW18] [OW21] */
function isOverdue({ chain }: Audit, { opening, payee }: Account): boolean {
  const view = viewOf(chain, opening)
  if (payee?.phase === 'open') return view.height >= closingHeight(opening)
  return payee?.phase === 'closed' && view.spend === null
}

function auditSpend(world: World, { opening, signed, asks }: Account, spender: Judged): void {
  const toPayee = toPayeeOf(opening, spender)
  const toPayer = toPayerOf(opening, spender)
  if (toPayee + toPayer + spender.fee !== opening.capacity) fail(world, 'OW3: sats were made or lost')
  if (spender.locktime > 0) {
    if (spender.fee > refundFeeMax) fail(world, 'OW4: a refund burns what it takes back')
    return
  }
  if (toPayee > 0n && !signed.some(({ paid }) => paid === toPayee))
    fail(world, 'OW2: the payee got what was not signed')
  const fees = [opening.terms.closeFee, ...asks.map(({ fee }) => fee)]
  if (!fees.some((fee) => spender.fee >= fee && spender.fee <= fee + dustMax))
    fail(world, 'OW2: the fee was not agreed')
}

/** Of some 150 vbytes at the payer's feerate. */
const refundFeeMax = 2n * 200n

/** The largest output that is left out of a closing. */
const dustMax = 546n

function paidTo(script: Uint8Array, outputs: readonly Output[]): bigint {
  return outputs.filter((output) => sameBytes(output.script, script)).reduce((sum, { value }) => sum + value, 0n)
}

/** Bytes that tell updates apart, whatever else is around them. */
function identityOf({ number, paid, paymentId, signature }: Update): Uint8Array {
  const text = `${number} ${paid} ${toHex(paymentId)} ${toHex(signature)}`
  return new TextEncoder().encode(text)
}

function sameOutpoint(a: Opening, b: Opening): boolean {
  return a.funding.txid === b.funding.txid && a.funding.index === b.funding.index
}

/** A name of bytes in the till's keys. */
export function nameOf(bytes: Uint8Array): string {
  return (toHex(bytes) as Hex).slice(2)
}
