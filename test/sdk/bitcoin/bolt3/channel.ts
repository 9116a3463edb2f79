import {
  type CommitmentHtlc,
  type CommitmentKeys,
  type CommitmentTerms,
  commitmentKey,
  commitmentSecretKey,
  fundingScriptOf,
  obscuringFactor,
  revocationKey,
  revocationSecretKey,
  secretAt,
  secretIndex,
} from '../../../../sdk/bitcoin/bolt3/index.ts'
import { currentEngine, sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, msats, sats, txid } from '../../../../sdk/units.ts'

const { publicKey } = currentEngine()

/** Secrets of one side, told apart by a name. */
export function sideOf(name: string) {
  const secret = (what: string) => sha256(new TextEncoder().encode(`${name} ${what}`))
  const of = (what: string) => ({ secret: secret(what), key: publicKey(secret(what)) })
  return {
    seed: secret('seed'),
    funding: of('funding'),
    revocation: of('revocation'),
    payment: of('payment'),
    delayed: of('delayed'),
    htlc: of('htlc'),
  }
}

export const holder = sideOf('holder')
export const other = sideOf('other')
export const funding = { txid: txid('cd'.repeat(32)), index: 1 }

/** Terms of the holder's commitments, which the holder pays for. */
export const terms: CommitmentTerms = {
  format: 'anchors',
  funding,
  capacity: sats(1_000_000n),
  fundingScript: fundingScriptOf(holder.funding.key, other.funding.key),
  feeratePerKw: 1_000,
  funder: 'holder',
  dustLimit: sats(354n),
  delay: 144,
  fundingKeys: { holder: holder.funding.key, other: other.funding.key },
  otherPaymentKey: other.payment.key,
  factor: obscuringFactor(holder.payment.key, other.payment.key),
}

const pairOf = ({ secret, key }: { readonly secret: Uint8Array; readonly key: Uint8Array }) => ({ secret, point: key })

/** Everything that can sign for one of the holder's commitments, once it is revoked. */
export function keysOf(number: number) {
  const secret = secretAt(holder.seed, secretIndex(number))
  const point = publicKey(secret)
  const keys: CommitmentKeys = {
    balance: {
      revocation: revocationKey(other.revocation.key, point),
      delayed: commitmentKey(holder.delayed.key, point),
    },
    htlc: () => ({ holder: commitmentKey(holder.htlc.key, point), other: commitmentKey(other.htlc.key, point) }),
  }
  return {
    keys,
    revocation: revocationSecretKey(pairOf(other.revocation), { secret, point }),
    delayed: commitmentSecretKey(holder.delayed.secret, point),
    holderHtlc: commitmentSecretKey(holder.htlc.secret, point),
    otherHtlc: commitmentSecretKey(other.htlc.secret, point),
  }
}

export const preimage = sha256(Uint8Array.of(7))

export function htlcOf(direction: CommitmentHtlc['direction'], amount: bigint, expiry = 500): CommitmentHtlc {
  return { direction, amount: msats(amount), paymentHash: sha256(preimage), expiry: height(expiry) }
}
