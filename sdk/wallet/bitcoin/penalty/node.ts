import {
  isLive,
  keysOfSide,
  type LiveChannel,
  limitsOf,
  otherSide,
  type Side,
  spendableOf,
} from '../../../channel/penalty/index.ts'
import { currentEngine } from '../../../crypto/index.ts'
import { SdkError } from '../../../errors.ts'
import { type ChannelId, type Msats, sats } from '../../../units.ts'
import type { PenaltyDesk } from './desk.ts'

/**
 * The node key of a channel's side, 33 bytes: the one that the link is made of. It names a payee to the hub and to payers, and signs its
 * invoices. [HB9]
 */
export function nodeKeyOf({ opening }: LiveChannel, side: Side): Uint8Array {
  return side === 'accepter' ? opening.draft.terms.nodeKey : keysOfSide(opening, side).funding
}

/** The node key of the channel's other side. */
export function peerKeyOf(channel: LiveChannel): Uint8Array {
  return nodeKeyOf(channel, otherSide(channel.own))
}

/** What the own node key makes with another key (ECDH). */
export async function sharedByNode({ known, secrets, world }: PenaltyDesk, key: Uint8Array): Promise<Uint8Array> {
  return known.own === 'accepter'
    ? world.keys.channelSecret(known.index, key)
    : currentEngine().sharedSecret(secrets.funding, key)
}

/**
 * Signs the digest of an invoice by the own node key: r and s (low), 64 bytes.
 *
 * Funds at risk: the opener's node key signs its channel too. What is signed here is the SHA-256 of a text that begins with `ln`, never
 * what a transaction's hash could be.
 */
export async function signByNode({ known, secrets, world }: PenaltyDesk, digest: Uint8Array): Promise<Uint8Array> {
  if (known.own === 'opener') return currentEngine().sign(digest, secrets.funding).slice(0, 64)
  return world.keys.signChannel({ kind: 'invoice', index: known.index, digest, paid: sats(0n) })
}

/** A channel that pays, or one that will. Throws `wallet/channel-not-open`. */
export function liveOf({ known: { channel } }: PenaltyDesk): LiveChannel {
  if (channel && isLive(channel) && (channel.phase === 'open' || channel.phase === 'funding')) return channel
  throw new SdkError('wallet/channel-not-open', 'The channel does not pay now.')
}

/** Channels that take and make payments now. */
export function openDesks(
  desks: ReadonlyMap<ChannelId, PenaltyDesk>,
): readonly { readonly desk: PenaltyDesk; readonly channel: LiveChannel }[] {
  return [...desks.values()].flatMap((desk) => {
    const { channel } = desk.known
    const isPaying = channel?.phase === 'open' && channel.origin === 'own' && !desk.isElsewhere
    return isPaying && !channel.shutdown.own && !channel.shutdown.isByPeer ? [{ desk, channel }] : []
  })
}

/** Most that a side can pay now. */
export function spendableBy({ opening, base }: LiveChannel, side: Side): Msats {
  return spendableOf(limitsOf(opening.draft), base, side)
}
