import { type KnownSecret, pointOfSecret, secretAt, secretBelow, secretIndex } from '../../bitcoin/bolt3/index.ts'
import { currentEngine, hmacSha256 } from '../../crypto/engine.ts'
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

/** What was made of a side's seed: a secret costs 48 hashes and its point a multiplication, and each is asked for some times. */
interface Made {
  /** The secret from which all of a block of numbers follow. */
  stem: KnownSecret
  readonly recent: Map<number, Recent>
}

const madeOf = /* @__PURE__ */ new WeakMap<ChannelSecrets, Made>()
const recentMax = 4
/** Numbers of one stem. */
const blockSize = 2 ** 12

function recent(secrets: ChannelSecrets, number: number): Recent {
  const index = secretIndex(number)
  const block = Math.floor(index / blockSize) * blockSize
  const made = madeOf.get(secrets) ?? { stem: stemOf(secrets, block), recent: new Map() }
  madeOf.set(secrets, made)
  const found = made.recent.get(number)
  if (found) return found
  if (made.stem.index !== block) made.stem = stemOf(secrets, block)
  const secret = secretBelow(made.stem, index)
  const one = { secret, point: pointOfSecret(secret) }
  made.recent.set(number, one)
  if (made.recent.size > recentMax) made.recent.delete(made.recent.keys().next().value as number)
  return one
}

function stemOf({ seed }: ChannelSecrets, block: number): KnownSecret {
  return { index: block, secret: secretAt(seed, block) }
}
