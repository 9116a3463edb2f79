import type { Spend } from './consensus.ts'
import type { LedgerTransaction, Output } from './transaction.ts'

/**
 * What Bitcoin Core relays, as far as docs/bitcoin-policy.md states it. Numbers are the defaults of Core 29.1 and later;
 * where forms of transactions are concerned that nothing here makes, the ledger refuses and does not judge.
 */

/** Least fee in sat per 1,000 vbytes (-minrelaytxfee). */
export const minRelayFeerate = 100n
/** What a replacement pays for its own relay, in sat per 1,000 vbytes (-incrementalrelayfee). */
const incrementalFeerate = 100n
/** Price by which dust is judged, in sat per 1,000 vbytes (-dustrelayfee). */
const dustFeerate = 3_000n
/** Most fee that `sendrawtransaction` lets pass, in sat per 1,000 vbytes: 0.1 bitcoin. */
const maxFeerate = 10_000_000n

const [standardWeightMax, strippedSizeMin, scriptSigMax] = [400_000, 65, 1_650]
/** Limits of a P2WSH witness: items, bytes of each, bytes of the script. */
const [witnessItemsMax, witnessItemMax, witnessScriptMax] = [100, 80, 3_600]
const dataCarrierMax = 83
/** Outputs below the dust limit that the form may have: one, for packages. */
const dustMax = 1
/** Bytes of the input that spends an output, as the dust rule counts them. */
const [witnessInputSize, legacyInputSize] = [67, 148]

/** Most unconfirmed transactions in a row, itself included, and their virtual bytes. */
export const packageMax = { count: 25, vsize: 101_000 } as const
/** Most transactions that one replacement may evict. */
export const replacedMax = 100

type Kind = 'p2pkh' | 'p2sh' | 'p2wpkh' | 'p2wsh' | 'p2tr' | 'witness' | 'data' | 'other'

export function vsizeOf({ weight }: LedgerTransaction): number {
  return Math.ceil(weight / 4)
}

/** Fee of a feerate, rounded up. */
export function feeAt(feerate: bigint, vsize: number): bigint {
  return (feerate * BigInt(vsize) + 999n) / 1_000n
}

/** Form alone, as Core's IsStandardTx; `null` when it is one that is relayed. */
export function faultOfForm(transaction: LedgerTransaction): string | null {
  const { version, weight, inputs, outputs, raw } = transaction
  // Version 3 has rules of its own (BIP-431), which are not judged here.
  if (version !== 1 && version !== 2) return 'version'
  if (weight > standardWeightMax) return 'tx-size'
  if (inputs.some(({ scriptSig }) => scriptSig.length > scriptSigMax)) return 'scriptsig-size'
  if (inputs.some(({ scriptSig }) => !isPushOnly(scriptSig))) return 'scriptsig-not-pushonly'
  const kinds = outputs.map(({ script }) => kindOf(script))
  if (kinds.includes('other')) return 'scriptpubkey'
  if (outputs.filter(isDust).length > dustMax) return 'dust'
  if (kinds.filter((kind) => kind === 'data').length > 1) return 'multi-op-return'
  if ((weight - raw.length) / 3 < strippedSizeMin) return 'tx-size-small'
  return null
}

/** Form of what is spent and how, as Core's AreInputsStandard and IsWitnessStandard. */
export function faultOfInputs({ inputs }: LedgerTransaction, { coins }: Spend): string | null {
  for (const [at, { witness }] of inputs.entries()) {
    const kind = kindOf(coins[at]?.script ?? new Uint8Array(0))
    if (kind === 'other' || kind === 'witness') return 'bad-txns-nonstandard-inputs'
    if (kind === 'p2wsh' && !isStandardScriptWitness(witness)) return 'bad-witness-nonstandard'
    if (kind === 'p2tr' && !isStandardTaprootWitness(witness)) return 'bad-witness-nonstandard'
  }
  return null
}

/** Fee against the least that is relayed. Core lets dust pass in a package that pays nothing, which is not taken here. */
export function faultOfFee(transaction: LedgerTransaction, { fee }: Spend): string | null {
  if (fee > 0n && transaction.outputs.some(isDust)) return 'dust, tx with dust output must be 0-fee'
  const least = feeAt(minRelayFeerate, vsizeOf(transaction))
  return fee < least ? `min relay fee not met, ${fee} < ${least}` : null
}

/** What `sendrawtransaction` takes for a mistake before it asks the mempool: bitcoin that nobody could spend. */
export function faultOfBurn({ outputs }: LedgerTransaction): string | null {
  const isBurnt = outputs.some(({ script, value }) => script[0] === 0x6a && value > 0n)
  return isBurnt ? 'Unspendable output exceeds maximum configured by user (maxburnamount)' : null
}

/** And after the mempool would take it: a fee that is hardly meant. */
export function faultOfHighFee(transaction: LedgerTransaction, { fee }: Spend): string | null {
  const isHigh = fee > feeAt(maxFeerate, vsizeOf(transaction))
  return isHigh ? 'Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)' : null
}

/** A transaction in the mempool, as far as replacing it goes. */
interface Replaceable {
  readonly transaction: LedgerTransaction
  readonly fee: bigint
}

/**
 * Fees of a replacement against those of what it evicts (BIP-125 rules 3 and 4, and Core's rule that the feerate rises).
 *
 * @param direct - What spends the same outputs.
 * @param evicted - That, and all that hangs on it.
 */
export function faultOfReplacement(
  replacement: Replaceable,
  direct: readonly Replaceable[],
  evicted: readonly Replaceable[],
): string | null {
  const reject = `insufficient fee, rejecting replacement ${replacement.transaction.txid}`
  if (direct.some((entry) => feerateOf(replacement) <= feerateOf(entry))) return `${reject}; feerate does not rise`
  if (evicted.length > replacedMax) return 'too many potential replacements'
  const paid = evicted.reduce((total, { fee }) => total + fee, 0n)
  if (replacement.fee < paid) return `${reject}, less fees than conflicting txs; ${replacement.fee} < ${paid}`
  const more = feeAt(incrementalFeerate, vsizeOf(replacement.transaction))
  if (replacement.fee - paid < more)
    return `${reject}, not enough additional fees to relay; ${replacement.fee - paid} < ${more}`
  return null
}

function isDust({ script, value }: Output): boolean {
  return value < dustLimit(script)
}

/** Smallest value that is relayed for a script: three times what its output and spending it cost at 1 sat per vbyte. */
function dustLimit(script: Uint8Array): bigint {
  const kind = kindOf(script)
  if (kind === 'data') return 0n
  const size = 8 + 1 + script.length + (witnessVersion(script) === undefined ? legacyInputSize : witnessInputSize)
  return feeAt(dustFeerate, size)
}

function feerateOf({ transaction, fee }: Replaceable): bigint {
  return (fee * 1_000n) / BigInt(vsizeOf(transaction))
}

function isStandardScriptWitness(witness: readonly Uint8Array[]): boolean {
  const items = witness.slice(0, -1)
  if ((witness.at(-1)?.length ?? 0) > witnessScriptMax) return false
  return items.length <= witnessItemsMax && items.every(({ length }) => length <= witnessItemMax)
}

function isStandardTaprootWitness(witness: readonly Uint8Array[]): boolean {
  if (witness.length < 2) return true
  const [first] = witness.at(-1) ?? []
  // An annex has no meaning yet (BIP-341), and a control block is never empty.
  if (first === 0x50 || first === undefined) return false
  // Only scripts of the one known version have limits.
  if ((first & 0xfe) !== 0xc0) return true
  return witness.slice(0, -2).every(({ length }) => length <= witnessItemMax)
}

/** Kind of an output script. `other` holds what nothing here pays to: bare keys, bare multisig, long data. */
function kindOf(script: Uint8Array): Kind {
  if (script[0] === 0x6a) return script.length <= dataCarrierMax && isPushOnly(script.subarray(1)) ? 'data' : 'other'
  const hex = Buffer.from(script).toString('hex')
  if (/^76a914[0-9a-f]{40}88ac$/.test(hex)) return 'p2pkh'
  if (/^a914[0-9a-f]{40}87$/.test(hex)) return 'p2sh'
  const version = witnessVersion(script)
  if (version === undefined) return 'other'
  const size = script.length - 2
  if (version === 0) return size === 20 ? 'p2wpkh' : size === 32 ? 'p2wsh' : 'other'
  return version === 1 && size === 32 ? 'p2tr' : 'witness'
}

/** Version of a witness program (BIP-141), where the script is one. */
function witnessVersion(script: Uint8Array): number | undefined {
  const [first = 0xff, size] = script
  if (script.length < 4 || script.length > 42 || size !== script.length - 2) return undefined
  if (first === 0) return 0
  return first >= 0x51 && first <= 0x60 ? first - 0x50 : undefined
}

/** True when a script is whole and does nothing but push. */
function isPushOnly(script: Uint8Array): boolean {
  let at = 0
  while (at < script.length) {
    const code = script[at] as number
    if (code > 0x60) return false
    const width = code === 0x4c ? 1 : code === 0x4d ? 2 : code === 0x4e ? 4 : 0
    let size = code < 0x4c ? code : 0
    for (let byte = 0; byte < width; byte++) size += (script[at + 1 + byte] ?? 0) * 256 ** byte
    at += 1 + width + size
  }
  return at === script.length
}
