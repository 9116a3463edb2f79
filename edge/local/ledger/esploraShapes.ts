import { toHex } from '../../../sdk/units.ts'
import { compactSize, headerFields } from './block.ts'
import type { Block } from './chain.ts'
import { type Known, type Ledger, spentOutput } from './ledger.ts'
import { vsizeOf } from './policy.ts'
import { addressOf, assemblyOf } from './script.ts'
import type { LedgerTransaction, Output } from './transaction.ts'

/** The JSON of Esplora's HTTP API, as its API.md names the fields. */

/** Where a transaction stands. */
export function statusJson({ mined }: Pick<Known, 'mined'>) {
  if (!mined) return { confirmed: false }
  const { height, hash, time } = mined.block
  return { confirmed: true, block_height: height, block_hash: hash, block_time: time }
}

export function transactionJson(ledger: Ledger, { transaction, mined }: Known) {
  const { txid, version, locktime, inputs, outputs, weight, raw } = transaction
  const isReward = mined?.index === 0
  return {
    txid,
    version,
    locktime,
    vin: inputs.map((input) => inputJson(ledger, input, isReward)),
    vout: outputs.map(outputJson),
    size: raw.length,
    weight,
    fee: isReward ? 0 : feeOf(ledger, transaction),
    status: statusJson({ mined }),
  }
}

export function blockJson({ chain }: Ledger, block: Block) {
  const { version, previous, merkleRoot, time, bits, nonce } = headerFields(block.header)
  const { transactions } = block
  const weight = transactions.reduce((sum, transaction) => sum + transaction.weight, 4 * 81)
  const frame = block.header.length + compactSize(transactions.length).length
  return {
    id: block.hash,
    height: block.height,
    version,
    timestamp: time,
    tx_count: transactions.length,
    size: transactions.reduce((sum, { raw }) => sum + raw.length, frame),
    weight,
    merkle_root: reversedHex(merkleRoot),
    previousblockhash: block.height === 0 ? null : reversedHex(previous),
    // Of a block that was undone, this is what the chain says of its height now.
    mediantime: chain.at(block.height) ? chain.medianTime(block.height) : time,
    nonce,
    bits,
    difficulty: 0,
  }
}

/** What is unspent on a script, without what the mempool spends. */
export function utxoJson(ledger: Ledger, scriptHash: string, isOurs: (script: Uint8Array) => boolean) {
  return ledger.touching(scriptHash).flatMap((known) => {
    const { txid, outputs } = known.transaction
    return outputs.flatMap(({ script, value }, vout) => {
      const isUnspent = isOurs(script) && !ledger.spender({ txid, index: vout })
      return isUnspent ? [{ txid, vout, status: statusJson(known), value: Number(value) }] : []
    })
  })
}

/** How many transactions touch a script, and how much they move. */
export function scriptStatsJson(ledger: Ledger, found: readonly Known[], isOurs: (script: Uint8Array) => boolean) {
  const sum = (outputs: readonly Output[]) => outputs.reduce((total, { value }) => total + Number(value), 0)
  const funded = found.flatMap(({ transaction }) => transaction.outputs.filter(({ script }) => isOurs(script)))
  const spent = found
    .flatMap(({ transaction }) => transaction.inputs.flatMap(({ outpoint }) => spentOutput(ledger, outpoint) ?? []))
    .filter(({ script }) => isOurs(script))
  return {
    tx_count: found.length,
    funded_txo_count: funded.length,
    funded_txo_sum: sum(funded),
    spent_txo_count: spent.length,
    spent_txo_sum: sum(spent),
  }
}

/** What waits, in all; and how much of it pays how well. */
export function mempoolJson({ mempool }: Ledger) {
  const waiting = mempool.entries().map(({ transaction, fee }) => ({ vsize: vsizeOf(transaction), fee: Number(fee) }))
  const rates = waiting.map(({ fee, vsize }) => [fee / vsize, vsize] as const).sort(([a], [b]) => b - a)
  return {
    count: waiting.length,
    vsize: waiting.reduce((sum, { vsize }) => sum + vsize, 0),
    total_fee: waiting.reduce((sum, { fee }) => sum + fee, 0),
    fee_histogram: rates,
  }
}

export function feeOf(ledger: Ledger, { inputs, outputs }: LedgerTransaction): number {
  const spent = inputs.map(({ outpoint }) => spentOutput(ledger, outpoint)?.value ?? 0n)
  const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n)
  return Number(sum(spent) - sum(outputs.map(({ value }) => value)))
}

function inputJson(ledger: Ledger, input: LedgerTransaction['inputs'][number], isReward: boolean) {
  const { outpoint, scriptSig, witness, sequence } = input
  const spent = isReward ? undefined : spentOutput(ledger, outpoint)
  return {
    txid: outpoint.txid,
    vout: outpoint.index,
    prevout: spent ? outputJson(spent) : null,
    scriptsig: hexOf(scriptSig),
    scriptsig_asm: assemblyOf(scriptSig) ?? '',
    witness: witness.map(hexOf),
    is_coinbase: isReward,
    sequence,
  }
}

function outputJson({ script, value }: Output) {
  const address = addressOf(script)
  return {
    scriptpubkey: hexOf(script),
    scriptpubkey_asm: assemblyOf(script) ?? '',
    ...(address === undefined ? {} : { scriptpubkey_address: address }),
    value: Number(value),
  }
}

/** Hexadecimal without a prefix, as Bitcoin's programs write it. */
export function hexOf(bytes: Uint8Array): string {
  return toHex(bytes).slice(2)
}

function reversedHex(bytes: Uint8Array): string {
  return hexOf(bytes.slice().reverse())
}
