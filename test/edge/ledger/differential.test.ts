import type { Transaction } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import { sats } from '../../../sdk/units.ts'
import { findBitcoind } from '../../bitcoind.ts'
import { payee, payer, stranger } from '../../contracts/bitcoinCases.ts'
import {
  addressOf,
  delayed,
  ecdsa,
  type Key,
  type Lock,
  type LockedCoin,
  oneway,
  openLock,
  p2tr,
  p2wpkh,
  type Shape,
  type Signing,
  sortedMulti,
  spend,
  taproot,
} from '../../contracts/bitcoinScripts.ts'

/** How many transactions are tried on both. */
const runs = Number(process.env.LANEKIT_DIFFERENTIAL_RUNS ?? 60)
const value = 100_000n

/** A transaction to try: what it spends, its form, and a witness that may be anything. */
interface Attempt {
  readonly lock: Lock
  readonly shape: Shape
  readonly witness: (transaction: Transaction, coin: LockedCoin) => readonly Uint8Array[]
}

/** Mostly the usual, sometimes another. */
function mostly<value>(usual: value, ...others: readonly value[]): fc.Arbitrary<value> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) })
}

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const empty = bytes('')

const output = fc.record({
  script: fc.oneof(
    fc.constantFrom(p2wpkh(payer.public).script, p2tr(payer).script, openLock.script),
    fc
      .constantFrom(
        // P2PKH, P2SH, programs of later versions and wrong lengths.
        ...[
          `76a914${'11'.repeat(20)}88ac`,
          `a914${'22'.repeat(20)}87`,
          `5220${'33'.repeat(32)}`,
          `0021${'33'.repeat(33)}`,
        ],
        ...['5202abcd', '60020102'],
        // Data, up to and beyond what is relayed, or cut short.
        ...['6a', '6a02ffff', '6a4c50', `6a4c50${'00'.repeat(80)}`, `6a4c51${'00'.repeat(81)}`],
        ...['', '00', '51', '5121', '0014ff'],
      )
      .map(bytes),
  ),
  value: fc.constantFrom(0n, 239n, 240n, 293n, 294n, 329n, 330n, 539n, 540n, 545n, 546n, 20_000n, 30_000n),
})

const shape: fc.Arbitrary<Shape> = fc
  .record({
    version: mostly(2, 1, 0, 0xffffffff, 4),
    locktime: mostly(0, 1, 100, 111, 1_000, 499_999_999, 500_000_000, 1_700_000_000, 0xffffffff),
    sequence: mostly(0xfffffffd, 0xffffffff, 0xfffffffe, 0, 1, 2, 0x400000, 0x400001, 0x410001, 0x80000000),
    fee: mostly(1_000n, 0n, 10n, 11n, 20n, -1n, 99_000n),
    outputs: fc.option(fc.array(output, { minLength: 1, maxLength: 3 }), { freq: 2 }),
  })
  .map(({ outputs, ...rest }) => (outputs ? { ...rest, outputs } : rest))

/** Witnesses of taproot without a signature: as if by the script path, with an annex, or with neither. */
const junk: fc.Arbitrary<readonly Uint8Array[]> = fc.constantFrom(
  [],
  [bytes('01')],
  [bytes('07'.repeat(64))],
  [bytes('50'.repeat(64))],
  [empty],
  [bytes('51'), empty],
  [bytes('51'), bytes(`c0${'00'.repeat(32)}`)],
  [bytes('51'), bytes(`c2${'00'.repeat(32)}`)],
  [bytes('51'), bytes(`c0${'00'.repeat(31)}`)],
)

/** What a witness is made of. */
interface Pieces {
  readonly first: Key
  readonly second: Key
  readonly how: Signing
  readonly choice: Uint8Array
  readonly junk: readonly Uint8Array[]
}

const pieces: fc.Arbitrary<Pieces> = fc.record({
  first: mostly<Key>(payer, payee, stranger),
  second: mostly<Key>(payee, payer, stranger),
  how: fc.record(
    {
      hashType: mostly(1, 2, 3, 0x81, 0x82, 0x83, 0, 4, 0x41, 0x80, 0xff),
      highS: fc.constant(true as const),
      value: fc.constantFrom(value, value + 1n),
    },
    { requiredKeys: [] },
  ),
  choice: mostly(bytes('01'), empty, bytes('00'), bytes('02'), bytes('0100'), bytes('80')),
  junk,
})

const { lock: multi } = sortedMulti([payer, payee, stranger])
const expired = oneway(payer, payee, 100)

/** Ways to spend, by lock. Each is right with the usual pieces, or nearly so. */
const ways: readonly (readonly [Lock, (tx: Transaction, coin: LockedCoin, by: Pieces) => readonly Uint8Array[]])[] = [
  [p2wpkh(payer.public), (tx, coin, { first, how }) => [ecdsa(tx, { coin, key: first, ...how }), first.public]],
  [p2tr(payer), (tx, coin, { first }) => [taproot(tx, { coin, key: first })]],
  [p2tr(payer), (_, __, { junk }) => junk],
  [
    multi,
    (tx, coin, { first, second, how, choice }) => [
      choice.subarray(1),
      ecdsa(tx, { coin, key: first }),
      ecdsa(tx, { coin, key: second, ...how }),
      coin.lock.code,
    ],
  ],
  [
    expired,
    (tx, coin, { first, second, how, choice }) => [
      empty,
      ecdsa(tx, { coin, key: first }),
      ecdsa(tx, { coin, key: second, ...how }),
      choice,
      coin.lock.code,
    ],
  ],
  [expired, (tx, coin, { first, how }) => [ecdsa(tx, { coin, key: first, ...how }), empty, coin.lock.code]],
  [oneway(payer, payee, 500), (tx, coin, { first }) => [ecdsa(tx, { coin, key: first }), empty, coin.lock.code]],
  [delayed(payer, 1), (tx, coin, { first, how }) => [ecdsa(tx, { coin, key: first, ...how }), coin.lock.code]],
  [openLock, (_, coin) => [coin.lock.code]],
]

const attempt: fc.Arbitrary<Attempt> = fc
  .record({ way: fc.constantFrom(...ways), shape, pieces, more: mostly(0, 1, 80, 81) })
  .map(({ way: [lock, build], shape, pieces, more }) => ({
    lock,
    shape,
    witness: (transaction, coin) => {
      const witness = build(transaction, coin, pieces)
      // A key path signature that by chance begins like an annex would be read as one beside another item.
      return more === 0 || witness.length === 1 ? witness : [new Uint8Array(more).fill(1), ...witness]
    },
  }))

/** Versions have no sign: the highest one counts as 2 or later, where a script waits for blocks (BIP-68, BIP-112). */
const highestVersion: Attempt = {
  lock: delayed(payer, 1),
  shape: { version: 0xffffffff, locktime: 0, sequence: 1, fee: 1_000n },
  witness: (tx, coin) => [ecdsa(tx, { coin, key: payer }), coin.lock.code],
}

const found = findBitcoind()

describe.skipIf(found.binary === null)('ledger beside bitcoind', () => {
  const backends: BitcoinBackend[] = []
  beforeAll(async () => {
    backends.push(await startBitcoin({ bitcoind: null }))
    backends.push(await startBitcoin({ bitcoind: found.binary, lifetimeMs: 1_200_000 }))
  })
  afterAll(async () => {
    for (const backend of backends) await backend.stop()
  })

  it('judges as bitcoind does, by its mempool and in its blocks, whatever is tried', async () => {
    await fc.assert(
      fc.asyncProperty(attempt, async (attempt) => {
        const [ours, real] = await Promise.all(backends.map((backend) => verdictOf(backend, attempt)))
        expect(ours).toEqual(real)
      }),
      { numRuns: runs, endOnFailure: true, examples: [[highestVersion]] },
    )
  }, 1_200_000)
})

/** What a backend makes of an attempt: its mempool, and then a block. */
async function verdictOf(backend: BitcoinBackend, { lock, shape, witness }: Attempt) {
  const outpoint = await backend.fund(addressOf(lock), sats(value))
  await backend.mine(1)
  const coin = { outpoint, value, lock }
  const transaction = spend([coin], shape)
  transaction.setWitness(0, [...witness(transaction, coin)])
  const raw = transaction.toBuffer()
  const relay = await backend.node.broadcast(raw)
  const block = await backend.mineOnly([raw])
  return { relay: relay.ok ? 'accepted' : relay.code, block: block.ok }
}
