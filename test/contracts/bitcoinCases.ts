import { Transaction } from 'bitcoinjs-lib'
import type { BroadcastCode } from '../../sdk/ports.ts'
import {
  delayed,
  ecdsa,
  join,
  type Key,
  keyOf,
  type Lock,
  type LockedCoin,
  oneway,
  openLock,
  p2tr,
  p2trLeaf,
  p2wpkh,
  p2wsh,
  type Shape,
  type Signing,
  signedSpend,
  sortedMulti,
  spend,
  taproot,
  zeroLed,
} from './bitcoinScripts.ts'

/** One way to spend a coin, and what Bitcoin Core makes of it. */
export interface SpendCase {
  readonly name: string
  readonly lock: Lock
  readonly build: Build
  readonly relay: 'accepted' | BroadcastCode
  /** Whether a block may hold what is not relayed. */
  readonly block: 'held' | 'refused'
}

type Build = (coin: LockedCoin) => Transaction
type Witness = (transaction: Transaction, coin: LockedCoin) => Uint8Array[]

export const [payer, payee, stranger, third] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)]
const empty = new Uint8Array(0)
const one = Uint8Array.of(1)
/** A height that no test comes to. */
const farExpiry = 400_000

/** Taken by nodes and by blocks. */
function valid(name: string, lock: Lock, build: Build): SpendCase {
  return { name, lock, build, relay: 'accepted', block: 'held' }
}

/** Breaks consensus. */
function invalid(name: string, lock: Lock, build: Build, relay: BroadcastCode = 'script'): SpendCase {
  return { name, lock, build, relay, block: 'refused' }
}

/** Breaks policy alone: nodes pass it not on, a block may hold it. */
function unrelayed(name: string, lock: Lock, build: Build, relay: BroadcastCode = 'script'): SpendCase {
  return { name, lock, build, relay, block: 'held' }
}

/** A transaction with the witness put on its one input. */
function by(witness: Witness, shape: Shape = {}): Build {
  return (coin) => {
    const transaction = spend([coin], shape)
    transaction.setWitness(0, witness(transaction, coin))
    return transaction
  }
}

const keyHash = p2wpkh(payer.public)
const signedBy =
  (key: Key, how: Signing = {}): Witness =>
  (transaction, coin) => [ecdsa(transaction, { coin, key, ...how }), key.public]

const keyHashCases: readonly SpendCase[] = [
  valid('P2WPKH', keyHash, by(signedBy(payer))),
  valid('P2WPKH signed for no output, by anyone who can pay', keyHash, by(signedBy(payer, { hashType: 0x82 }))),
  invalid('P2WPKH with the key of another', keyHash, by(signedBy(stranger))),
  invalid(
    'P2WPKH with the signature of another',
    keyHash,
    by((transaction, coin) => [ecdsa(transaction, { coin, key: stranger }), payer.public]),
  ),
  invalid('P2WPKH signed for another amount', keyHash, by(signedBy(payer, { value: 1n }))),
  invalid('P2WPKH without a witness', keyHash, (coin) => spend([coin])),
  invalid('P2WPKH with something in the input script', keyHash, (coin) => {
    const transaction = by(signedBy(payer))(coin)
    transaction.setInputScript(0, Uint8Array.of(0x51))
    return transaction
  }),
  unrelayed('P2WPKH with high s', keyHash, by(signedBy(payer, { highS: true }))),
  unrelayed('P2WPKH with an undefined hash type', keyHash, by(signedBy(payer, { hashType: 5 }))),
  unrelayed(
    'P2WPKH of an uncompressed key',
    p2wpkh(payer.uncompressed),
    by((transaction, coin) => [ecdsa(transaction, { coin, key: payer }), payer.uncompressed]),
  ),
]

const output = p2tr(payer)
const annex = Uint8Array.of(0x50, 1, 2)
const schnorrOf = (transaction: Transaction, coin: LockedCoin) => taproot(transaction, { coin, key: payer })

const anyone = Uint8Array.of(0x51)
const leaf = p2trLeaf(payer, anyone)
const leafOfZeroLed = p2trLeaf(zeroLed, anyone)
const signedLeaf = p2trLeaf(payer, join([0x20], payee.public.subarray(1), [0xac]))
const leafSignedBy =
  (key: Key): Witness =>
  (transaction, coin) => [taproot(transaction, { coin, key, leaf: signedLeaf }), signedLeaf.script, signedLeaf.control]

const taprootCases: readonly SpendCase[] = [
  valid(
    'P2TR by its key',
    output,
    by((...facts) => [schnorrOf(...facts)]),
  ),
  valid(
    'P2TR with SIGHASH_ALL written out',
    output,
    by((transaction, coin) => [taproot(transaction, { coin, key: payer, hashType: Transaction.SIGHASH_ALL })]),
  ),
  valid(
    'P2TR by a key whose x begins with a zero',
    p2tr(zeroLed),
    by((transaction, coin) => [taproot(transaction, { coin, key: zeroLed })]),
  ),
  valid(
    'P2TR by a script',
    leaf.lock,
    by(() => [anyone, leaf.control]),
  ),
  valid(
    'P2TR by a script beside a key whose x begins with a zero',
    leafOfZeroLed.lock,
    by(() => [anyone, leafOfZeroLed.control]),
  ),
  valid('P2TR by a script that wants a signature', signedLeaf.lock, by(leafSignedBy(payee))),
  invalid('P2TR by a script that wants the signature of another', signedLeaf.lock, by(leafSignedBy(payer))),
  invalid(
    'P2TR by a script that it does not have',
    leaf.lock,
    by(() => [anyone, leafOfZeroLed.control]),
  ),
  invalid(
    'P2TR with the signature of another',
    output,
    by((transaction, coin) => [taproot(transaction, { coin, key: stranger })]),
  ),
  invalid(
    'P2TR with the default hash type written out',
    output,
    by((...facts) => [Uint8Array.of(...schnorrOf(...facts), 0)]),
  ),
  invalid(
    'P2TR with an undefined hash type',
    output,
    by((...facts) => [Uint8Array.of(...schnorrOf(...facts), 4)]),
  ),
  invalid('P2TR without a witness', output, (coin) => spend([coin])),
  unrelayed(
    'P2TR with an annex',
    output,
    by((transaction, coin) => [taproot(transaction, { coin, key: payer, annex }), annex]),
    'nonstandard',
  ),
]

const { lock: multi, sorted } = sortedMulti([payer, payee, third])
const [first, second, last] = sorted as [Key, Key, Key]
const signedByAll =
  (keys: readonly Key[], dummy: Uint8Array = empty): Witness =>
  (transaction, coin) => [dummy, ...keys.map((key) => ecdsa(transaction, { coin, key })), coin.lock.code]

const multisigCases: readonly SpendCase[] = [
  valid('2-of-3 by the first two', multi, by(signedByAll([first, second]))),
  valid('2-of-3 by the outer two', multi, by(signedByAll([first, last]))),
  invalid('2-of-3 out of order', multi, by(signedByAll([last, first]))),
  invalid('2-of-3 by one, twice', multi, by(signedByAll([first, first]))),
  invalid('2-of-3 with a stranger', multi, by(signedByAll([first, stranger]))),
  invalid('2-of-3 by one', multi, by(signedByAll([first]))),
  invalid('2-of-3 by all three', multi, by(signedByAll([first, second, last]))),
  invalid('2-of-3 with a dummy that is not empty', multi, by(signedByAll([first, second], one))),
  invalid(
    '2-of-3 with the script of another',
    multi,
    by((...facts) => [
      ...signedByAll([first, second])(...facts).slice(0, -1),
      sortedMulti([payer, payee, stranger]).lock.code,
    ]),
  ),
]

const channel = oneway(payer, payee, farExpiry)
/** By the first branch, the payee's signature as `how` says. */
const closedBy =
  (from: Key, to: Key, { choice = one, ...how }: Signing & { readonly choice?: Uint8Array } = {}): Witness =>
  (transaction, coin) => [
    empty,
    ecdsa(transaction, { coin, key: from }),
    ecdsa(transaction, { coin, key: to, ...how }),
    choice,
    coin.lock.code,
  ]

const closeCases: readonly SpendCase[] = [
  valid('a close signed by both', channel, by(closedBy(payer, payee))),
  invalid('a close with a stranger for the payee', channel, by(closedBy(payer, stranger))),
  invalid('a close with a stranger for the payer', channel, by(closedBy(stranger, payee))),
  invalid('a close signed by the payee alone', channel, by(closedBy(payee, payee))),
  invalid('a close with the signatures out of order', channel, by(closedBy(payee, payer))),
  invalid('a close signed for another amount', channel, by(closedBy(payer, payee, { value: 1n }))),
  invalid('a close that chooses the other branch', channel, by(closedBy(payer, payee, { choice: empty }))),
  unrelayed('a close with high s', channel, by(closedBy(payer, payee, { highS: true }))),
  unrelayed('a close with an undefined hash type', channel, by(closedBy(payer, payee, { hashType: 5 }))),
  unrelayed(
    'a close that chooses its branch by a 2',
    channel,
    by(closedBy(payer, payee, { choice: Uint8Array.of(2) })),
  ),
]

/** Expired from the start, so that only the locks of the transaction are in question. */
const expired = oneway(payer, payee, 100)
const refundedTo =
  (key: Key): Witness =>
  (transaction, coin) => [ecdsa(transaction, { coin, key }), empty, coin.lock.code]

const refundCases: readonly SpendCase[] = [
  valid('a refund after expiry', expired, by(refundedTo(payer), { locktime: 100 })),
  valid('a refund with a later locktime that has passed', expired, by(refundedTo(payer), { locktime: 105 })),
  invalid('a refund with its locktime one too low', expired, by(refundedTo(payer), { locktime: 99 })),
  invalid('a refund without a locktime', expired, by(refundedTo(payer))),
  invalid('a refund whose locktime counts seconds', expired, by(refundedTo(payer), { locktime: 500_000_000 })),
  invalid('a refund with a final sequence', expired, by(refundedTo(payer), { locktime: 100, sequence: 0xffffffff })),
  invalid('a refund to the payee', expired, by(refundedTo(payee), { locktime: 100 })),
  invalid('a refund before expiry', channel, by(refundedTo(payer), { locktime: farExpiry }), 'non-final'),
  invalid(
    'a refund before expiry that waives its locktime',
    channel,
    by(refundedTo(payer), { locktime: farExpiry, sequence: 0xffffffff }),
  ),
]

const delay = delayed(payer, 3)
const delayedBy =
  (key: Key): Witness =>
  (transaction, coin) => [ecdsa(transaction, { coin, key }), coin.lock.code]
/** P2WSH of a script without keys. */
const bare = (...script: number[]) => p2wsh(Uint8Array.from(script))

const scriptCases: readonly SpendCase[] = [
  invalid('a delayed output with too low a sequence', delay, by(delayedBy(payer), { sequence: 1 })),
  invalid('a delayed output too early', delay, by(delayedBy(payer), { sequence: 3 }), 'non-bip68-final'),
  invalid('a delayed output with its lock off', delay, by(delayedBy(payer), { sequence: 0x80000003 })),
  invalid('a delayed output in version 1', delay, by(delayedBy(payer), { sequence: 3, version: 1 })),
  valid(
    'P2WSH of OP_TRUE',
    openLock,
    by((_, { lock }) => [lock.code]),
  ),
  invalid(
    'P2WSH that leaves two items',
    openLock,
    by((_, { lock }) => [one, lock.code]),
  ),
  unrelayed(
    'P2WSH that runs a NOP kept for upgrades',
    bare(0xb9, 0x51),
    by((_, { lock }) => [lock.code]),
  ),
  unrelayed(
    'P2WSH with an item of 81 bytes',
    bare(0x75, 0x51),
    by((_, { lock }) => [new Uint8Array(81), lock.code]),
    'nonstandard',
  ),
]

const data = (bytes: number) => ({ script: Uint8Array.of(0x6a, bytes, ...new Uint8Array(bytes)), value: 0n })
const paying =
  (...outputs: readonly { readonly script: Uint8Array; readonly value: bigint }[]): Build =>
  (coin) =>
    signedSpend(coin, payer, { outputs: [...outputs, { script: keyHash.script, value: 90_000n }] })

const formCases: readonly SpendCase[] = [
  valid('294 sat to P2WPKH', keyHash, paying({ script: keyHash.script, value: 294n })),
  unrelayed('293 sat to P2WPKH', keyHash, paying({ script: keyHash.script, value: 293n }), 'dust'),
  valid('330 sat to P2WSH', keyHash, paying({ script: channel.script, value: 330n })),
  unrelayed('329 sat to P2WSH', keyHash, paying({ script: channel.script, value: 329n }), 'dust'),
  valid('330 sat to P2TR', keyHash, paying({ script: output.script, value: 330n })),
  unrelayed('329 sat to P2TR', keyHash, paying({ script: output.script, value: 329n }), 'dust'),
  valid('data of 75 bytes', keyHash, paying(data(75))),
  unrelayed(
    'an output of no known form',
    keyHash,
    paying({ script: Uint8Array.of(0x51), value: 1_000n }),
    'nonstandard',
  ),
  unrelayed('version 0', keyHash, (coin) => signedSpend(coin, payer, { version: 0 }), 'nonstandard'),
  invalid('more out than in', keyHash, (coin) => signedSpend(coin, payer, { fee: -1n }), 'invalid'),
  invalid(
    'a locktime in seconds that lies ahead',
    keyHash,
    (coin) => signedSpend(coin, payer, { locktime: 0xfffffff0 }),
    'non-final',
  ),
  valid('a locktime ahead that a final sequence waives', keyHash, (coin) =>
    signedSpend(coin, payer, { locktime: farExpiry, sequence: 0xffffffff }),
  ),
]

/** Every script that the project uses, spent rightly and wrongly. Each coin is one block deep when it is spent. */
export const spendCases: readonly SpendCase[] = [
  ...keyHashCases,
  ...taprootCases,
  ...multisigCases,
  ...closeCases,
  ...refundCases,
  ...scriptCases,
  ...formCases,
]
