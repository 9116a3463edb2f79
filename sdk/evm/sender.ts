import { currentEngine, keccak256, type Signature } from '../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { encodeRlp, quantity, toBigInt } from '../rlp.ts'
import { type Address, address, fromHex, toHex } from '../units.ts'
import { enclose, numberOf, readWire, type Wire } from './wire.ts'

const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const empty = new Uint8Array(0)

/**
 * The account whose signature on the 32-byte `digest` this is, or nothing when it is nobody's: r or s out of
 * range, s in the upper half (EIP-2), a parity other than 0 and 1, no such point. Never throws.
 */
export function recoverAccount(digest: Uint8Array, signature: Signature): Address | undefined {
  const publicKey = currentEngine().recover(signature, digest)
  return publicKey && accountOf(publicKey)
}

/** The account of a 65-byte public key (0x04 first): the last 20 bytes of the hash of its coordinates. */
export function accountOf(publicKey: Uint8Array): Address {
  return lastTwenty(publicKey.subarray(1))
}

/** Where a contract lands that `from` creates by a transaction with this nonce (Yellow Paper, section 7). */
export function createdAddress({ from, nonce }: { readonly from: Address; readonly nonce: number }): Address {
  return lastTwenty(encodeRlp([fromHex(from), quantity(nonce)]))
}

/**
 * The account that signed a transaction of any type (0 to 4), also a legacy one without a chain id. Never throws.
 *
 * For blocks: who sent what a chain has taken. Refuses a high s, which was taken before Homestead (EIP-2).
 */
export function senderOf(bytes: Uint8Array): Decoded<Address> {
  const wire = readWire(bytes)
  return wire.ok ? recoverSender(wire.value) : wire
}

/** {@link senderOf}, of a transaction that is already taken apart. */
export function recoverSender(wire: Wire): Decoded<Address> {
  const chain = readChain(wire)
  if (!chain.ok) return chain
  const { v, r, s } = wire.signature
  if (wire.type !== 0 && v > 1n) return refused('the y parity is neither 0 nor 1')
  if (toBigInt(s) > halfOrder) return refused('s of the signature is in the upper half (EIP-2)')

  const isOdd = wire.type !== 0 ? v === 1n : v % 2n === 0n // Legacy: 27 and 35 + 2 * chain stand for even.
  const sender = recoverAccount(keccak256(signedBytes(wire, chain.value)), joinSignature(r, s, isOdd ? 1 : 0))
  return sender ? accepted(sender) : refused('the signature is nobody’s')
}

/** The chain a transaction is for (EIP-155); `null` when a legacy one can be replayed on any. */
export function readChain(wire: Wire): Decoded<bigint | null> {
  if (wire.type !== 0) return accepted(numberOf(wire, 'chainId'))
  const { v } = wire.signature
  if (v === 27n || v === 28n) return accepted(null)
  return v >= 35n ? accepted((v - 35n) / 2n) : refused('v of the signature is neither 27, 28 nor of EIP-155')
}

/** r and s, padded to 32 bytes each, and one byte of parity. */
export function joinSignature(r: Uint8Array, s: Uint8Array, parity: number): Signature {
  const signature = new Uint8Array(65)
  signature.set(r, 32 - r.length)
  signature.set(s, 64 - s.length)
  signature[64] = parity
  return signature
}

/** What was signed, from the fields as they came: nothing is read and written anew, so nothing can differ. */
function signedBytes(wire: Wire, chain: bigint | null): Uint8Array {
  if (wire.type !== 0 || chain === null) return enclose(wire.type, wire.fields)
  return enclose(0, [...wire.fields, quantity(chain), empty, empty])
}

function lastTwenty(bytes: Uint8Array): Address {
  return address(toHex(keccak256(bytes).subarray(12)))
}
