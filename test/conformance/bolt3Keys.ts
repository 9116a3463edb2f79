import {
  type CommitmentFormat,
  type CommitmentKeys,
  type CommitmentTerms,
  commitmentKey,
  commitmentSecretKey,
  fundingScriptOf,
  obscuringFactor,
  revocationKey,
} from '../../sdk/bitcoin/bolt3/index.ts'
import { currentEngine } from '../../sdk/crypto/engine.ts'
import { fromHex, type Hex, height, msats, sats, txid } from '../../sdk/units.ts'

/** Bytes of hexadecimal text, with or without its prefix. */
export function hex(text: string): Uint8Array {
  return fromHex((text.startsWith('0x') ? text : `0x${text}`) as Hex)
}

const { publicKey } = currentEngine()
const secretOf = (digits: string) => hex(digits.repeat(32))

/** Secrets of BOLT-3, Appendix C; Appendix F has the same channel and does not repeat them. */
export const secrets = {
  localFunding: hex('30ff4956bbdd3222d44cc5e8a1261dab1e07957bdac5ae88fe3261ef321f3749'),
  remoteFunding: hex('1552dfba4f6cf29a62a0af13c8d6981d36d0ef8d61ba10fb0fe90da7634d7e13'),
  localPayment: secretOf('11'),
  remoteRevocation: secretOf('22'),
  localDelayed: secretOf('33'),
  remotePayment: secretOf('44'),
  perCommitment: hex('1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100'),
}

const payment = { local: publicKey(secrets.localPayment), remote: publicKey(secrets.remotePayment) }
const point = publicKey(secrets.perCommitment)
const fundingKeys = { holder: publicKey(secrets.localFunding), other: publicKey(secrets.remoteFunding) }

/** Number of all commitments in the appendices. */
export const commitmentNumber = 42

/** Terms of the local side's commitments. */
export function termsOf(format: CommitmentFormat, feeratePerKw: number, dustLimit: number): CommitmentTerms {
  return {
    format,
    funding: { txid: txid('8984484a580b825b9972d7adb15050b3ab624ccd731946b3eeddb92f4e7ef6be'), index: 0 },
    capacity: sats(10_000_000n),
    fundingScript: fundingScriptOf(fundingKeys.holder, fundingKeys.other),
    feeratePerKw,
    funder: 'holder',
    dustLimit: sats(BigInt(dustLimit)),
    delay: 144,
    fundingKeys,
    otherPaymentKey: payment.remote,
    factor: obscuringFactor(payment.local, payment.remote),
  }
}

/** Keys of the local side's commitment. */
export const keys: CommitmentKeys = {
  balance: {
    revocation: revocationKey(publicKey(secrets.remoteRevocation), point),
    delayed: commitmentKey(publicKey(secrets.localDelayed), point),
  },
  htlc: () => ({ holder: commitmentKey(payment.local, point), other: commitmentKey(payment.remote, point) }),
}

/** Secret keys of both sides' HTLC keys. */
export const htlcSecrets = {
  local: commitmentSecretKey(secrets.localPayment, point),
  remote: commitmentSecretKey(secrets.remotePayment, point),
}

/** The HTLCs of the appendices, by their number there. */
export const htlcs = (
  [
    ['received', 1_000_000n, 500, '00'],
    ['received', 2_000_000n, 501, '01'],
    ['offered', 2_000_000n, 502, '02'],
    ['offered', 3_000_000n, 503, '03'],
    ['received', 4_000_000n, 504, '04'],
    ['offered', 5_000_000n, 506, '05'],
    ['offered', 5_000_001n, 505, '05'],
  ] as const
).map(([direction, amount, expiry, digits], number) => {
  const preimage = secretOf(digits)
  const paymentHash = currentEngine().sha256(preimage)
  return { number, direction, amount: msats(amount), expiry: height(expiry), preimage, paymentHash }
})
