import {
  channelIdOf,
  closingDigest,
  decodePayer,
  encodeMessage,
  type PayeeMessage,
  type PayerMessage,
  payableMax,
} from '../../sdk/channel/index.ts'
import { currentEngine, sha256 } from '../../sdk/crypto/index.ts'
import type { StoredRecord } from '../../sdk/ports.ts'
import { sats } from '../../sdk/units.ts'
import type { Audit } from './audit.ts'
import { type Mail, post } from './box.ts'
import type { PayerNode } from './payerNode.ts'
import { payerKey } from './payerShell.ts'
import { crash, note, type World } from './world.ts'

/** Rubbish, an old message once more, or one with a byte changed: what any carrier can put into a mailbox. */
export function makeNoise({ random }: World, mail: Mail): void {
  const old = mail.messages.length > 0 ? random.pick(mail.messages).slice() : random.bytes(40)
  const kind = random.below(3)
  if (kind === 1 && old.length > 0) old[random.below(old.length)] = random.below(256)
  post(mail, kind === 0 ? random.bytes(random.from(0, 200)) : old)
}

/** What a payer that breaks the rules sends, signed and sealed with its own keys. */
export function breakRules({ world }: Audit, node: PayerNode, wanted: readonly Uint8Array[]): void {
  const { random } = world
  const { account, linkKey } = node
  const { opening, payee } = account
  const best = payee?.best
  const number = (best?.number ?? 0) + 1
  const paid = best?.paid ?? 0n
  const paymentId = wanted.length > 0 && random.chance(0.7) ? random.pick(wanted) : random.bytes(16)
  const max = payableMax(opening)
  const between = (low: bigint, high: bigint) => low + BigInt(random.below(Number(high - low) + 1))
  const wishes: readonly (() => { readonly number: number; readonly paid: bigint })[] = [
    () => ({ number, paid: between(0n, paid) }), // Lowered, or nothing new.
    () => ({ number, paid: between(0n, 560n) }), // Around dust.
    () => ({ number, paid: between(max, opening.capacity + 10n) }), // Around the most that can be paid.
    () => ({ number: Math.max(1, number - random.from(1, 3)), paid: between(paid, max) }), // Stale.
    () => ({ number: number + random.below(20), paid: between(paid, max) }), // For nothing that is for sale.
  ]
  const wish = random.pick(wishes)()
  const message = random.chance(0.8)
    ? updateOf(node, { ...wish, paymentId }, random.chance(0.3))
    : closeOf(node, wish, best?.number ?? 0)
  if (message.type === 'update') account.signed.push(message.update)
  else if (message.type === 'close') account.asks.push(message)
  world.counts.hostile += 1
  post(account.box.toPayee, encodeMessage(message, linkKey))
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
  isForged: boolean,
): PayerMessage {
  const { opening } = account
  const paid = sats(wish.paid)
  const digest = isForged ? undefined : closingDigest(opening, paid, opening.terms.closeFee)
  const signature = currentEngine()
    .sign(digest ?? sha256(wish.paymentId), secretKey)
    .slice(0, 64)
  const { number, paymentId } = wish
  return { type: 'update', update: { channelId: channelIdOf(opening), number, paid, paymentId, signature } }
}

/** A wish to close with other amounts than those of the best update. */
function closeOf({ account, secretKey }: PayerNode, wish: { readonly paid: bigint }, number: number): PayerMessage {
  const { opening } = account
  const fee = sats(opening.terms.closeFee + 100n)
  const digest = closingDigest(opening, sats(wish.paid), fee) ?? sha256(account.opening.payerKey)
  const signature = currentEngine().sign(digest, secretKey).slice(0, 64)
  return { type: 'close', channelId: channelIdOf(opening), number, fee, signature }
}

/** Puts an older copy of the payer's disk in its place, while the payer is down. */
export function restoreBackup(world: World, node: PayerNode, copy: ReadonlyMap<string, StoredRecord>): void {
  world.counts.restore += 1
  note(world, `${node.name} is restored from a backup`)
  crash(world, node)
  node.disk.records = new Map(copy)
  const record = node.disk.records.get(payerKey)
  const channel = record && decodePayer(record.bytes)
  node.account.payer = channel?.ok ? channel.value : null
  node.account.isRestored = true
}
