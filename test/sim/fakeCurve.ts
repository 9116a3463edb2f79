import { type CryptoEngine, type KeyMultiple, nobleEngine } from '../../sdk/crypto/index.ts'
import { fromHex, toHex } from '../../sdk/units.ts'
import { fakeEngine } from './fakeEngine.ts'

/** Order of secp256k1: sums of keys go round as they do there. */
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/**
 * The fake engine on a group where public keys are their secrets: all sums and multiples of BOLT-3 hold, in microseconds. What
 * it cannot show is that a secret stays one; nobody here looks.
 */
export const fakeCurve: CryptoEngine = {
  ...fakeEngine,
  name: 'fake curve',
  publicKey: (secretKey) => keyOf(numberOf(secretKey)),
  isSecretKey: nobleEngine.isSecretKey,
  sharedSecret: (secretKey, publicKey) =>
    fakeEngine.sha256(wordOf((numberOf(secretKey) * scalarOf(publicKey)) % order)),
  sign: (digest, secretKey) => fakeEngine.sign(digest, fakeCurve.publicKey(secretKey)),
  verify: (signature, digest, publicKey) => fakeEngine.verify(signature, digest, fakeEngine.publicKey(publicKey)),
  tweakPublicKey: (publicKey, tweak) => keyOf((scalarOf(publicKey) + numberOf(tweak)) % order),
  tweakSecretKey: (secretKey, tweak) => wordOf((numberOf(secretKey) + numberOf(tweak)) % order),
  sumOfMultiples: (multiples) => keyOf(multiples.reduce((sum, one) => sum + multiple(one), 0n) % order),
  multiplySecretKey: (secretKey, factor) => wordOf((numberOf(secretKey) * numberOf(factor)) % order),
}

function multiple({ publicKey, factor }: KeyMultiple): bigint {
  return (publicKey ? scalarOf(publicKey) : 1n) * numberOf(factor)
}

function keyOf(scalar: bigint): Uint8Array {
  return Uint8Array.of(2, ...wordOf(scalar))
}

function scalarOf(publicKey: Uint8Array): bigint {
  return numberOf(publicKey.subarray(1))
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(toHex(bytes))
}

function wordOf(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}
