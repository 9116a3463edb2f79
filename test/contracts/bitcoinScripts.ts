import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { ripemd160 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { address, networks, script as scripts, Transaction } from 'bitcoinjs-lib'
import type { NodeOutpoint } from '../../sdk/ports.ts'
import type { Txid } from '../../sdk/units.ts'

/** Output scripts that the project uses, and transactions that spend them: rightly, and wrong in one way each. */

/** A key of a test, told apart by a number. */
export interface Key {
  readonly secret: Uint8Array
  /** Compressed. */
  readonly public: Uint8Array
  readonly uncompressed: Uint8Array
}

export function keyOf(number: number): Key {
  return keyOfSecret(sha256(Uint8Array.of(0x6c, 0x6b, number)))
}

/** A key whose x begins with a zero, as one of 256 does. */
export const zeroLed = keyOfSecret(secp256k1.Point.Fn.toBytes(1_158n))

function keyOfSecret(secret: Uint8Array): Key {
  return {
    secret,
    public: secp256k1.getPublicKey(secret),
    uncompressed: secp256k1.getPublicKey(secret, false),
  }
}

/** An output script, and what its signatures sign. */
export interface Lock {
  readonly script: Uint8Array
  /** What ECDSA signs for (BIP-143); the output script itself for taproot. */
  readonly code: Uint8Array
}

/** A coin of a test. */
export interface LockedCoin {
  readonly outpoint: NodeOutpoint
  readonly value: bigint
  readonly lock: Lock
}

export function p2wpkh(publicKey: Uint8Array): Lock {
  const hash = ripemd160(sha256(publicKey))
  return { script: join([0x00, 0x14], hash), code: join([0x76, 0xa9, 0x14], hash, [0x88, 0xac]) }
}

export function p2wsh(witnessScript: Uint8Array): Lock {
  return { script: join([0x00, 0x20], sha256(witnessScript)), code: witnessScript }
}

/** The key as it is, without the tweak of BIP-86: a node cannot tell. */
export function p2tr(key: Key): Lock {
  const script = join([0x51, 0x20], key.public.subarray(1))
  return { script, code: script }
}

/** The one script of an output of taproot, and what shows it. */
export interface Leaf {
  readonly lock: Lock
  readonly script: Uint8Array
  readonly hash: Uint8Array
  /** The control block. */
  readonly control: Uint8Array
}

/** An output of a key and of one script, which anyone may run (BIP-341), and the control block that shows the script. */
export function p2trLeaf(internal: Key, script: Uint8Array): Leaf {
  const { taggedHash } = schnorr.utils
  const version = 0xc0
  const [, ...x] = internal.public
  const leaf = taggedHash('TapLeaf', join([version, script.length], script))
  const { Fn, BASE } = secp256k1.Point
  const tweak = Fn.fromBytes(taggedHash('TapTweak', join(x, leaf)))
  const point = secp256k1.Point.fromBytes(join([2], x)).add(BASE.multiply(tweak))
  const [prefix = 0, ...key] = point.toBytes(true)
  const output = join([0x51, 0x20], key)
  return { lock: { script: output, code: output }, script, hash: leaf, control: join([version | (prefix & 1)], x) }
}

/** 2-of-3 with keys in order of their bytes (BIP-67). */
export function sortedMulti(keys: readonly Key[]): { readonly lock: Lock; readonly sorted: readonly Key[] } {
  const sorted = [...keys].sort((a, b) => Buffer.compare(a.public, b.public))
  const pushes = sorted.map((key) => join([0x21], key.public))
  return { lock: p2wsh(join([0x52], ...pushes, [0x53, 0xae])), sorted }
}

/** `oneway-cltv/1`: IF 2 payer payee 2 CHECKMULTISIG ELSE expiry CHECKLOCKTIMEVERIFY DROP payer CHECKSIG ENDIF. */
export function oneway(payer: Key, payee: Key, expiry: number): Lock {
  const multisig = join([0x52, 0x21], payer.public, [0x21], payee.public, [0x52, 0xae])
  const refund = join(pushNumber(expiry), [0xb1, 0x75, 0x21], payer.public, [0xac])
  return p2wsh(join([0x63], multisig, [0x67], refund, [0x68]))
}

/** Spendable by the key once the coin is so many blocks deep: CHECKSEQUENCEVERIFY DROP key CHECKSIG. */
export function delayed(key: Key, blocks: number): Lock {
  return p2wsh(join(pushNumber(blocks), [0xb2, 0x75, 0x21], key.public, [0xac]))
}

/** P2WSH of OP_TRUE, where the miners of both backends are paid. */
export const openLock: Lock = p2wsh(Uint8Array.of(0x51))

export function addressOf({ script }: Lock): string {
  const version = script[0] === 0 ? 0 : 1
  return address.toBech32(script.subarray(2), version, networks.regtest.bech32)
}

/** How a transaction differs from the plain one: version 2, no locktime, replaceable, 1,000 sat fee, one P2WPKH output. */
export interface Shape {
  readonly version?: number
  readonly locktime?: number
  readonly sequence?: number
  readonly fee?: bigint
  readonly outputs?: readonly { readonly script: Uint8Array; readonly value: bigint }[]
}

const sink = p2wpkh(keyOf(250).public).script

/** An unsigned transaction that spends coins. */
export function spend(coins: readonly LockedCoin[], shape: Shape = {}): Transaction {
  const transaction = new Transaction()
  transaction.version = shape.version ?? 2
  transaction.locktime = shape.locktime ?? 0
  for (const { outpoint } of coins)
    transaction.addInput(reversed(outpoint.txid), outpoint.index, shape.sequence ?? 0xfffffffd)
  const value = coins.reduce((sum, coin) => sum + coin.value, 0n) - (shape.fee ?? 1_000n)
  for (const output of shape.outputs ?? [{ script: sink, value }]) transaction.addOutput(output.script, output.value)
  return transaction
}

/** How a signature differs from the plain one: low s, SIGHASH_ALL, the coin's own value. */
export interface Signing {
  readonly highS?: true
  readonly hashType?: number
  readonly value?: bigint
}

/** An ECDSA signature over one input (BIP-143), DER and hash type. */
export function ecdsa(
  transaction: Transaction,
  { coin, key, at = 0, ...how }: { readonly coin: LockedCoin; readonly key: Key; readonly at?: number } & Signing,
): Uint8Array {
  const hashType = how.hashType ?? Transaction.SIGHASH_ALL
  const digest = transaction.hashForWitnessV0(at, coin.lock.code, how.value ?? coin.value, hashType)
  const low = secp256k1.sign(digest, key.secret, { prehash: false })
  const signature = how.highS ? withHighS(low) : low
  // The library writes no hash type that is undefined, so it is put there afterwards.
  const der = Uint8Array.from(scripts.signature.encode(signature, Transaction.SIGHASH_ALL))
  der[der.length - 1] = hashType
  return der
}

/** A Schnorr signature over one input: by the key path (BIP-341), or for a script (BIP-342). */
export function taproot(
  transaction: Transaction,
  {
    coin,
    key,
    hashType = Transaction.SIGHASH_DEFAULT,
    annex,
    leaf,
  }: {
    readonly coin: LockedCoin
    readonly key: Key
    readonly hashType?: number
    readonly annex?: Uint8Array
    readonly leaf?: Leaf
  },
): Uint8Array {
  const digest = transaction.hashForWitnessV1(0, [coin.lock.script], [coin.value], hashType, leaf?.hash, annex)
  const signature = schnorr.sign(digest, key.secret, new Uint8Array(32))
  return hashType === Transaction.SIGHASH_DEFAULT ? signature : join(signature, [hashType])
}

/** A P2WPKH spend, signed. */
export function signedSpend(coin: LockedCoin, key: Key, shape: Shape = {}): Transaction {
  const transaction = spend([coin], shape)
  transaction.setWitness(0, [ecdsa(transaction, { coin, key }), key.public])
  return transaction
}

/** The coin at an output of a transaction of one's own. */
export function coinOf(transaction: Transaction, index: number, lock: Lock): LockedCoin {
  const value = transaction.outs[index]?.value ?? 0n
  return { outpoint: { txid: transaction.getId() as Txid, index }, value, lock }
}

export function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

function pushNumber(value: number): Uint8Array {
  if (value >= 1 && value <= 16) return Uint8Array.of(0x50 + value)
  const bytes = scripts.number.encode(value)
  return join([bytes.length], bytes)
}

function reversed(txid: string): Uint8Array {
  return Uint8Array.from(Buffer.from(txid, 'hex').reverse())
}

function withHighS(signature: Uint8Array): Uint8Array {
  const low = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
  const high = (secp256k1.Point.Fn.ORDER - low).toString(16).padStart(64, '0')
  return join(signature.subarray(0, 32), Buffer.from(high, 'hex'))
}
