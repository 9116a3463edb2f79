import { decodeTransaction, encodeTransaction } from '../../sdk/bitcoin/index.ts'
import {
  channelIdOf,
  closingDigest,
  decodeMessage,
  encodeMessage,
  type PayeeMessage,
  type PayerMessage,
  payableMax,
  type Update,
} from '../../sdk/channel/index.ts'
import { currentEngine, sha256 } from '../../sdk/crypto/index.ts'
import { invariant, SdkError } from '../../sdk/errors.ts'
import type { StoredRecord } from '../../sdk/ports.ts'
import { type Sats, sats } from '../../sdk/units.ts'
import { payerKeys } from '../../sdk/wallet/bitcoin/payerRecord.ts'
import { type Account, type Audit, leave } from './audit.ts'
import { type Mail, post } from './box.ts'
import { broadcast, faucetValue, faucetWitness } from './chain.ts'
import type { PayerNode } from './payerNode.ts'
import { payerIn } from './payerShell.ts'
import type { Random } from './random.ts'
import { crash, note, type World } from './world.ts'

/** Rubbish, an old message once more, or one that was changed: what any carrier can put into a mailbox. */
export function makeNoise({ random }: World, mail: Mail, wanted: readonly Uint8Array[]): void {
  const old = mail.messages.length > 0 ? random.pick(mail.messages).slice() : random.bytes(40)
  const kinds: readonly (() => Uint8Array)[] = [
    () => random.bytes(random.from(0, 200)),
    () => old,
    () => old.map((byte, at) => (at === old.length >> 1 ? byte ^ random.from(1, 255) : byte)),
    () => turned(mail.messages.at(-1) ?? old, random, wanted),
  ]
  post(mail, random.pick(kinds)())
}

/** The newest message, turned to another payment or amount. Its signature still holds, its tag does not. */
function turned(bytes: Uint8Array, random: Random, wanted: readonly Uint8Array[]): Uint8Array {
  const envelope = decodeMessage(bytes)
  if (!envelope.ok) return bytes
  const { message } = envelope.value
  const noKey = random.bytes(32)
  if (message.type === 'ack') return encodeMessage({ ...message, spent: message.paid }, noKey)
  if (message.type !== 'update' || wanted.length === 0) return bytes
  const number = message.update.number + 1
  return encodeMessage({ type: 'update', update: { ...message.update, number, paymentId: random.pick(wanted) } }, noKey)
}

/** What a payer that breaks the rules sends, signed and sealed with its own keys. */
export function breakRules({ world }: Audit, node: PayerNode, wanted: readonly Uint8Array[]): void {
  const { random } = world
  const { account, linkKey } = node
  const { opening, payee } = account
  const best = payee?.best
  const number = (best?.number ?? 0) + 1
  const paid = best?.paid ?? 0n
  const paymentId = wanted.length > 0 && random.chance(0.8) ? random.pick(wanted) : random.bytes(16)
  const max = payableMax(opening)
  const between = (low: bigint, high: bigint) => low + BigInt(random.below(Number(high - low) + 1))
  const update = (wish: { readonly number: number; readonly paid: bigint }): PayerMessage => {
    const made = updateOf(node, { ...wish, paymentId })
    account.signed.push(made)
    return { type: 'update', update: made }
  }
  const wishes: readonly (() => PayerMessage)[] = [
    () => update({ number, paid: between(0n, paid) }), // Lowered, or nothing new.
    () => update({ number, paid: between(0n, 560n) }), // Around dust.
    () => update({ number, paid: between(max, opening.capacity + 10n) }), // Around the most that can be paid.
    () => update({ number: Math.max(1, number - random.from(1, 3)), paid: between(paid, max) }), // Stale.
    () => update({ number: number + random.below(20), paid: between(paid, max) }), // More than the shell knows of.
    () => ({
      type: 'update',
      update: { ...updateOf(node, { number, paid: max, paymentId }), paid: between(paid, max) as Sats },
    }), // Forged.
    () => closeOf(node, between(0n, max), best?.number ?? 0),
  ]
  world.counts.hostile += 1
  const message = random.pick(wishes)()
  if (message.type === 'close') account.asks.push(message)
  post(account.box.toPayee, encodeMessage(message, linkKey))
}

/** Leaves a closing with the box that was left before. */
export function leaveAgain(audit: Audit, account: Account): void {
  const { deposits } = account
  if (deposits.length > 0) leave(audit, account, audit.world.random.pick(deposits))
}

/** Spends the coins of a funding elsewhere, at a higher fee, before anybody has come to believe it. */
export function stealFunding({ world, chain }: Audit, { account, fundingTransaction }: PayerNode): void {
  if (account.wasFunded || account.payee?.best) return
  const funding = decodeTransaction(fundingTransaction)
  invariant(funding.ok, 'the funding transaction is one')
  const { inputs } = funding.value
  const outputs = [{ script: account.opening.payerScript, value: sats(faucetValue - 5_000n) }]
  world.counts.hostile += 1
  note(world, 'the coins of a funding go elsewhere')
  try {
    broadcast(chain, encodeTransaction({ version: 2, inputs, outputs, locktime: 0 }, [[faucetWitness]]))
  } catch (error) {
    if (!(error instanceof SdkError)) throw error // The funding is in a block already.
  }
}

/** What a payee that lies tells the payer, sealed with the key of the channel. */
export function lie({ world }: Audit, { account, linkKey }: PayerNode): void {
  const { random } = world
  const { opening, payer } = account
  if (!payer) return
  const channelId = channelIdOf(opening)
  const number = payer.signed.number + random.below(3)
  const paid = sats(random.chance(0.5) ? payer.signed.paid : payableMax(opening))
  const best = { channelId, number: number + 1, paid, paymentId: random.bytes(16), signature: random.bytes(64) }
  const lies: readonly (() => PayeeMessage)[] = [
    () => ({ type: 'ack', channelId, number: number + 9_999, paid, spent: payer.spent }), // Of what was never signed.
    () => ({ type: 'ack', channelId, number: Math.max(1, number), paid: sats(paid + 1n), spent: payer.spent }), // Of another amount.
    () => ({ type: 'ack', channelId, number: Math.max(1, number), paid, spent: sats(paid + 1n) }), // More spent than paid.
    () => ({ type: 'standing', channelId, status: 'open', best, spent: payer.spent }), // With a forged update.
    () => ({ type: 'refused', channelId, number, fault: 'stale-update', best, spent: paid }), // The same.
    () => ({ type: 'declined', channelId, fault: 'busy' }), // Too late.
  ]
  world.counts.hostile += 1
  post(account.box.toPayer, encodeMessage(random.pick(lies)(), linkKey))
}

function updateOf(
  { account, secretKey }: PayerNode,
  wish: { readonly number: number; readonly paid: bigint; readonly paymentId: Uint8Array },
): Update {
  const { opening } = account
  const paid = sats(wish.paid)
  const digest = closingDigest(opening, paid, opening.terms.closeFee) ?? sha256(wish.paymentId)
  const signature = currentEngine().sign(digest, secretKey).slice(0, 64)
  const { number, paymentId } = wish
  return { channelId: channelIdOf(opening), number, paid, paymentId, signature }
}

/** A wish to close with other amounts than those of the best update. */
function closeOf({ account, secretKey }: PayerNode, paid: bigint, number: number) {
  const { opening } = account
  const fee = sats(opening.terms.closeFee + 100n)
  const digest = closingDigest(opening, sats(paid), fee) ?? sha256(opening.payerKey)
  const signature = currentEngine().sign(digest, secretKey).slice(0, 64)
  return { type: 'close', channelId: channelIdOf(opening), number, fee, signature } as const
}

/** Puts an older copy of the payer's disk in its place, while the payer is down. */
export function restoreBackup(world: World, node: PayerNode, copy: ReadonlyMap<string, StoredRecord>): void {
  world.counts.restore += 1
  note(world, `${node.name} is restored from a backup`)
  crash(world, node)
  node.disk.records = new Map(copy)
  const { opening } = node.account
  node.account.payer = payerIn(node.disk.records.get(payerKeys.channel(channelIdOf(opening)))?.bytes)
  node.account.isRestored = true
}
