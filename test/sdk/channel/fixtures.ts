import { p2wpkh } from '../../../sdk/bitcoin/index.ts'
import {
  type ChainView,
  channelIdOf,
  closingDigest,
  type Opening,
  type Spend,
  type Terms,
  type Update,
} from '../../../sdk/channel/index.ts'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import { height, type Sats, sats, txid } from '../../../sdk/units.ts'

// Published test keys, for nothing else.
export const payerSecret = new Uint8Array(32).fill(0x11)
export const payeeSecret = new Uint8Array(32).fill(0x22)
const payerKey = currentEngine().publicKey(payerSecret)
const payeeKey = currentEngine().publicKey(payeeSecret)

export const terms: Terms = {
  network: 'regtest',
  payeeKey,
  payeeScript: p2wpkh(payeeKey),
  closeFee: sats(300n),
  confirmationsMin: 2,
  capacityMin: sats(1_000n),
  capacityMax: sats(100_000n),
  expiryBlocksMin: 150,
  expiryBlocksMax: 1_000,
  marginBlocks: 144,
}

/** Capacity 20,000, so 19,700 can be paid; the payee closes from height 556 on, the payer refunds from 700 on. */
export const opening: Opening = {
  terms,
  payerKey,
  payerScript: p2wpkh(payerKey),
  capacity: sats(20_000n),
  expiry: height(700),
  funding: { txid: txid('ab'.repeat(32)), index: 0 },
}
export const channelId = channelIdOf(opening)
/** Stands for a signed funding transaction: the cores never read it. */
export const fundingTransaction = Uint8Array.of(0xf0, 0x0d)

/** The funding is deep enough, and in time. */
export const view: ChainView = { height: height(110), fundedAt: height(105), spend: null }
export const unfunded: ChainView = { ...view, fundedAt: null }
/** The payee closes from here on. */
export const late: ChainView = { ...view, height: height(556) }
/** The payer refunds from here on. */
export const expired: ChainView = { ...view, height: height(700) }

const spend: Spend = {
  txid: txid('cd'.repeat(32)),
  height: height(120),
  outputs: [
    { script: terms.payeeScript, value: sats(400n) },
    { script: opening.payerScript, value: sats(19_300n) },
  ],
}
/** A spend that may still be taken back. */
export const shallow: ChainView = { height: height(120), fundedAt: height(105), spend }
/** One that has confirmed, and what it came to. */
export const deep: ChainView = { ...shallow, height: height(121) }
export const ending = { txid: spend.txid, height: spend.height, toPayee: sats(400n), toPayer: sats(19_300n) }

/** An update for a payment named by its number, as the payer makes it, or somebody else. */
export function update(
  number: number,
  paid: bigint,
  by: { readonly secret?: Uint8Array; readonly name?: number } = {},
): Update {
  const { secret = payerSecret, name = number } = by
  const paymentId = new Uint8Array(16).fill(name)
  return { channelId, number, paid: sats(paid), paymentId, signature: signed(sats(paid), terms.closeFee, secret) }
}

/** A signature on the closing that pays `paid`; on nothing where there is no such closing. */
export function signed(paid: Sats, fee: Sats, secret: Uint8Array = payerSecret): Uint8Array {
  const digest = closingDigest(opening, paid, fee) ?? new Uint8Array(32)
  return currentEngine().sign(digest, secret).slice(0, 64)
}

/** An output script that nobody can spend. */
export const dataScript = Uint8Array.of(0x6a, 1, 1)

/** The same bytes with another one at a place. */
export function withByte(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = bytes.slice()
  changed[at] = byte
  return changed
}
