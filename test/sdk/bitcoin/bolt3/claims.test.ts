import { describe, expect, it } from 'vitest'
import { judge } from '../../../../edge/local/ledger/judge.ts'
import { decodeTransaction } from '../../../../edge/local/ledger/transaction.ts'
import {
  type ClaimPath,
  type CommitmentOutput,
  claimOf,
  claimWitness,
  commitmentOf,
  fundingWitness,
  htlcInputWeightMax,
  htlcTransactions,
  htlcWitness,
  mutualClosingOf,
  mutualClosingWeightMax,
} from '../../../../sdk/bitcoin/bolt3/index.ts'
import {
  encodeTransaction,
  type Outpoint,
  type Output,
  p2wpkh,
  p2wsh,
  transactionWeight,
} from '../../../../sdk/bitcoin/index.ts'
import { type SpentOutput, witnessDigest } from '../../../../sdk/bitcoin/segwit.ts'
import { txidOfUnsigned, type UnsignedTransaction } from '../../../../sdk/bitcoin/transaction.ts'
import { currentEngine } from '../../../../sdk/crypto/engine.ts'
import { height, msats, sats } from '../../../../sdk/units.ts'
import { must } from '../must.ts'
import { funding, holder, htlcOf, keysOf, other, preimage, terms } from './channel.ts'

const { sign } = currentEngine()
const number = 5
const { keys, ...secrets } = keysOf(number)
const commitment = commitmentOf(
  terms,
  {
    number,
    toHolder: msats(600_000_000n),
    toOther: msats(350_000_000n),
    htlcs: [htlcOf('offered', 20_000_000n), htlcOf('received', 30_000_000n)],
  },
  keys,
)
const commitmentTxid = txidOfUnsigned(commitment.unsigned)
const second = htlcTransactions(terms, commitment, { txid: commitmentTxid, balance: keys.balance })
const sink: Output = { script: p2wpkh(holder.payment.key), value: sats(1_000n) }

/** What an interpreter of other authors says of a transaction; nothing when it holds, as mempools judge. */
function faultOf(
  unsigned: UnsignedTransaction,
  witnesses: readonly (readonly Uint8Array[])[],
  spent: readonly Output[],
) {
  return judge(must(decodeTransaction(encodeTransaction(unsigned, witnesses))), spent, 'relay')
}

function outputOf(kind: CommitmentOutput['kind'], direction?: 'offered' | 'received') {
  const index = commitment.outputs.findIndex(
    (output) => output.kind === kind && (output.kind !== 'htlc' || output.htlc.direction === direction),
  )
  const output = commitment.outputs[index] as CommitmentOutput & { witnessScript: Uint8Array }
  return { outpoint: { txid: commitmentTxid, index }, output }
}

/** Claims one output by one path and key: what the interpreter says of it. */
function claim(
  at: { readonly outpoint: Outpoint; readonly output: Output & { readonly witnessScript: Uint8Array } },
  path: ClaimPath,
  secret: Uint8Array,
  change: Partial<{ sequence: number; locktime: number; version: number }> = {},
) {
  const { outpoint, output } = at
  const made = claimOf(outpoint, output, path)
  const unsigned = {
    version: change.version ?? 2,
    inputs: [{ outpoint, sequence: change.sequence ?? made.sequence }],
    outputs: [sink],
    locktime: change.locktime ?? made.locktime,
  }
  const witness = claimWitness(made, sign(witnessDigest(unsigned, 0, made.spent), secret))
  const { weight } = must(decodeTransaction(encodeTransaction(unsigned, [witness])))
  const weightMax = transactionWeight([made.inputWeightMax], [sink.script])
  expect(weight).toBeLessThanOrEqual(weightMax)
  expect(weight).toBeGreaterThanOrEqual(weightMax - 4) // The signature may be shorter.
  return faultOf(unsigned, [witness], [output])
}

describe('the funding', () => {
  const fundingOutput = { script: p2wsh(terms.fundingScript), value: terms.capacity }
  const both = (digest: Uint8Array) =>
    fundingWitness(terms.fundingScript, [
      { publicKey: other.funding.key, signature: sign(digest, other.funding.secret) },
      { publicKey: holder.funding.key, signature: sign(digest, holder.funding.secret) },
    ])

  it('is spent by a commitment with both signatures, and by none with one of them twice', () => {
    const { unsigned, digest } = commitment
    expect(faultOf(unsigned, [both(digest)], [fundingOutput])).toBeNull()
    const own = { publicKey: holder.funding.key, signature: sign(digest, holder.funding.secret) }
    const witness = fundingWitness(terms.fundingScript, [own, { ...own, publicKey: other.funding.key }])
    expect(faultOf(unsigned, [witness], [fundingOutput])).not.toBeNull()
  })

  it('is spent by a closing, whose weight is foreseen', () => {
    const shares = {
      closer: { script: p2wpkh(holder.payment.key), value: sats(700_000n) },
      closee: { script: p2wpkh(other.payment.key), value: sats(300_000n) },
    }
    const { fundingScript, capacity } = terms
    const closing = must(mutualClosingOf({ funding, capacity, fundingScript, ...shares, fee: sats(200n) }))
    const bytes = encodeTransaction(closing.unsigned, [both(closing.digest)])
    const { weight, outputs } = must(decodeTransaction(bytes))
    expect(outputs.map(({ value }) => value)).toEqual([300_000n, 699_800n])
    expect(mutualClosingWeightMax([shares.closer.script, shares.closee.script]) - weight).toBeLessThanOrEqual(4)
    expect(faultOf(closing.unsigned, [both(closing.digest)], [fundingOutput])).toBeNull()
  })

  it('leaves dust of a closing to the fee, and refuses one without an output or beyond the share', () => {
    const { fundingScript, capacity } = terms
    const closer = { script: p2wpkh(holder.payment.key), value: sats(700n) }
    const closee = { script: p2wpkh(other.payment.key), value: sats(293n) }
    const closingAt = (fee: bigint) =>
      mutualClosingOf({ funding, capacity, fundingScript, closer, closee, fee: sats(fee) })
    expect(must(closingAt(406n)).unsigned.outputs).toEqual([{ ...closer, value: 294n }])
    expect(closingAt(407n)).toEqual({ ok: false, reason: 'both shares are dust' })
    expect(closingAt(701n)).toEqual({ ok: false, reason: 'the fee is more than the closer has' })
  })
})

describe('a commitment', () => {
  it('gives the holder its balance after the delay, and not a block before', () => {
    const at = outputOf('to-holder')
    const path = { kind: 'delayed', delay: terms.delay } as const
    expect(claim(at, path, secrets.delayed)).toBeNull()
    expect(claim(at, path, secrets.delayed, { sequence: terms.delay - 1 })).not.toBeNull()
    expect(claim(at, path, secrets.delayed, { version: 1 })).not.toBeNull()
    expect(claim(at, path, secrets.revocation)).not.toBeNull()
  })

  it('gives the other side all of the holder once it is revoked', () => {
    const revocation = keys.balance.revocation
    expect(claim(outputOf('to-holder'), { kind: 'revoked-balance' }, secrets.revocation)).toBeNull()
    expect(claim(outputOf('to-holder'), { kind: 'revoked-balance' }, secrets.delayed)).not.toBeNull()
    for (const direction of ['offered', 'received'] as const) {
      const at = outputOf('htlc', direction)
      expect(claim(at, { kind: 'revoked-htlc', revocation }, secrets.revocation)).toBeNull()
      expect(claim(at, { kind: 'revoked-htlc', revocation }, secrets.otherHtlc)).not.toBeNull()
    }
  })

  it('gives the other side its balance a block later, by its payment key alone', () => {
    expect(claim(outputOf('to-other'), { kind: 'to-other' }, other.payment.secret)).toBeNull()
    expect(claim(outputOf('to-other'), { kind: 'to-other' }, other.payment.secret, { sequence: 0 })).not.toBeNull()
  })

  it('has an anchor for each, at once', () => {
    expect(claim(outputOf('holder-anchor'), { kind: 'anchor' }, holder.funding.secret)).toBeNull()
    expect(claim(outputOf('other-anchor'), { kind: 'anchor' }, other.funding.secret)).toBeNull()
    expect(claim(outputOf('other-anchor'), { kind: 'anchor' }, holder.funding.secret)).not.toBeNull()
  })

  it('gives the other side an offered HTLC for its preimage', () => {
    const at = outputOf('htlc', 'offered')
    expect(claim(at, { kind: 'preimage', preimage }, secrets.otherHtlc)).toBeNull()
    expect(claim(at, { kind: 'preimage', preimage: preimage.slice().reverse() }, secrets.otherHtlc)).not.toBeNull()
    expect(claim(at, { kind: 'preimage', preimage }, secrets.otherHtlc, { sequence: 0 })).not.toBeNull()
  })

  it('gives the other side a received HTLC back from its expiry on', () => {
    const at = outputOf('htlc', 'received')
    const path = { kind: 'expired', expiry: height(500) } as const
    expect(claim(at, path, secrets.otherHtlc)).toBeNull()
    expect(claim(at, path, secrets.otherHtlc, { locktime: 499 })).not.toBeNull()
  })
})

describe('an HTLC transaction', () => {
  const feeCoin = { script: p2wsh(Uint8Array.of(0x51)), value: sats(10_000n) }
  const feeInput = { outpoint: { txid: funding.txid, index: 9 }, sequence: 0xfffffffd }

  it.each(second.map((transaction) => [transaction.kind, transaction] as const))(
    '%s takes its HTLC with a fee put beside it, and is revocable',
    (kind, transaction) => {
      const unsigned = {
        ...transaction.unsigned,
        inputs: [...transaction.unsigned.inputs, feeInput],
        outputs: [...transaction.unsigned.outputs, sink],
      }
      const { outpoint } = transaction.unsigned.inputs[0] as { readonly outpoint: Outpoint }
      const spent = [commitment.outputs[outpoint.index] as Output, feeCoin]
      const signatures = {
        other: sign(transaction.digest, secrets.otherHtlc),
        holder: sign(witnessDigest(unsigned, 0, transaction.spent), secrets.holderHtlc),
      }
      const witness = htlcWitness(transaction, terms, signatures, kind === 'success' ? preimage : null)
      const feeWitness = [Uint8Array.of(0x51)]
      expect(faultOf(unsigned, [witness, feeWitness], spent)).toBeNull()
      const inputWeights = [htlcInputWeightMax(transaction), 4 * 41 + 3]
      const { weight } = must(decodeTransaction(encodeTransaction(unsigned, [witness, feeWitness])))
      const foreseen = transactionWeight(
        inputWeights,
        unsigned.outputs.map(({ script }) => script),
      )
      expect(foreseen - weight).toBeGreaterThanOrEqual(0)
      expect(foreseen - weight).toBeLessThanOrEqual(4)
      // The lock that the other side signed for cannot be taken off, nor the output made smaller.
      expect(faultOf({ ...unsigned, locktime: unsigned.locktime + 1 }, [witness, feeWitness], spent)).not.toBeNull()

      const [output] = unsigned.outputs as [Output]
      const made: SpentOutput & Output = { ...output, witnessScript: transaction.witnessScript }
      const at = { outpoint: { txid: txidOfUnsigned(unsigned), index: 0 }, output: made }
      expect(claim(at, { kind: 'revoked-balance' }, secrets.revocation)).toBeNull()
      expect(claim(at, { kind: 'delayed', delay: terms.delay }, secrets.delayed)).toBeNull()
    },
  )
})
