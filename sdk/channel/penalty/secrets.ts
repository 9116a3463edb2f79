import { pointOfSecret, secretAt, secretIndex } from '../../bitcoin/bolt3/index.ts'
import { currentEngine } from '../../crypto/engine.ts'
import { hmacSha256 } from '../../crypto/hmac.ts'
import { invariant } from '../../errors.ts'
import type { SideKeys } from './terms.ts'

/**
 * Secret keys of one side of one channel, 32 bytes each, made of one seed.
 *
 * Funds at risk: all of a side's funds in the channel. They are in memory while a channel is in use, since each update
 * reveals a secret; a signer that asks a person cannot hold them.
 */
export interface ChannelSecrets {
  readonly funding: Uint8Array
  readonly revocation: Uint8Array
  readonly payment: Uint8Array
  readonly delayed: Uint8Array
  readonly htlc: Uint8Array
  /** Makes the per-commitment secrets. */
  readonly seed: Uint8Array
}

/** The secrets of a channel from its seed: 32 bytes that no other channel has. */
export function channelSecrets(seed: Uint8Array): ChannelSecrets {
  invariant(seed.length === 32, 'the seed of a channel has 32 bytes')
  const secret = (name: string) => hmacSha256(seed, new TextEncoder().encode(`lanekit penalty-p2wsh/1 ${name}`))
  return {
    funding: secret('funding'),
    revocation: secret('revocation'),
    payment: secret('payment'),
    delayed: secret('delayed'),
    htlc: secret('htlc'),
    seed: secret('seed'),
  }
}

/** The public keys of a side, as the other one is told. */
export function sideKeysOf(secrets: ChannelSecrets, closingScript: Uint8Array): SideKeys {
  const { publicKey } = currentEngine()
  return {
    funding: publicKey(secrets.funding),
    revocation: publicKey(secrets.revocation),
    payment: publicKey(secrets.payment),
    delayed: publicKey(secrets.delayed),
    htlc: publicKey(secrets.htlc),
    points: [ownPoint(secrets, 0), ownPoint(secrets, 1)],
    closingScript,
  }
}

/**
 * The secret of one's own commitment.
 *
 * Funds at risk: told before the next commitment is stored with its signatures, it gives everything away. [TW10]
 */
export function ownSecret(secrets: ChannelSecrets, number: number): Uint8Array {
  return recent(secrets, number).secret
}

/** The point of one's own commitment. */
export function ownPoint(secrets: ChannelSecrets, number: number): Uint8Array {
  return recent(secrets, number).point
}

interface Recent {
  readonly secret: Uint8Array
  readonly point: Uint8Array
}

/** A secret costs 48 hashes and its point a multiplication, and each is asked for some times while it is in use. */
const recents = /* @__PURE__ */ new WeakMap<ChannelSecrets, Map<number, Recent>>()
const recentMax = 4

function recent(secrets: ChannelSecrets, number: number): Recent {
  const known = recents.get(secrets) ?? new Map<number, Recent>()
  recents.set(secrets, known)
  const found = known.get(number)
  if (found) return found
  const secret = secretAt(secrets.seed, secretIndex(number))
  const made = { secret, point: pointOfSecret(secret) }
  known.set(number, made)
  if (known.size > recentMax) known.delete(known.keys().next().value as number)
  return made
}
