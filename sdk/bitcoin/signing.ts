import { decode as decodeSignature, encode as encodeSignature } from 'bitcoinjs-lib/src/script_signature'
import { Transaction } from 'bitcoinjs-lib/src/transaction'
import { currentEngine } from '../crypto/engine.ts'
import { hardened } from '../crypto/hdKey.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { type Feerate, joinBytes, type Sats, sats, type Txid, toHex } from '../units.ts'
import type { DerivedKey } from './accountKey.ts'
import { feeOf, transactionWeight } from './fees.ts'
import { isFinal, type LibraryInput, prevoutOf, type SpendRule, signedInputWeight, spendRule } from './prevout.ts'
import { openPsbt, type Psbt } from './psbt.ts'
import { equalBytes, scriptKind } from './script.ts'
import { taprootTweak } from './taproot.ts'
import { type Output, txidOf } from './transaction.ts'

/** Covers all inputs and outputs; the default of taproot is the same without a byte for it (BIP-341). */
const sighashAll = 0x01
const sighashDefault = 0x00

/** One signature that a PSBT still wants, from the holder of one key. */
export interface SigningRequest {
  readonly input: number
  readonly scheme: 'ecdsa' | 'schnorr'
  /** 32 bytes to sign. They cover all inputs and outputs (SIGHASH_ALL, or taproot's default). */
  readonly digest: Uint8Array
  /** Whose: 33 bytes, or the 32 of the internal key for `schnorr`. */
  readonly key: DerivedKey
  /**
   * For `schnorr`, what the secret key is tweaked by before it signs: `tweakXOnlySecretKey` of the engine
   * (BIP-341). Else `null`.
   */
  readonly tweak: Uint8Array | null
}

/** An answer to a {@link SigningRequest}. */
export interface InputSignature {
  readonly input: number
  /** The key of the request. */
  readonly publicKey: Uint8Array
  /** r and s, or R and s, in 64 bytes; what follows is ignored. */
  readonly signature: Uint8Array
}

/** A transaction ready to be sent. */
export interface SignedTransaction {
  readonly txid: Txid
  readonly bytes: Uint8Array
  readonly fee: Sats
  /** In weight units (BIP-141). */
  readonly weight: number
}

/** What a PSBT says, its amounts proven: see {@link describePsbt}. */
export interface DescribedPsbt {
  readonly unsigned: Transaction
  readonly inputs: readonly DescribedInput[]
  readonly fee: bigint
  /** Once signed, with signatures at their longest, in weight units. */
  readonly weight: number
}

interface DescribedInput {
  readonly fields: LibraryInput
  readonly prevout: Output
  /** `null` when the input is final already. */
  readonly rule: SpendRule | null
}

/**
 * Lists the signatures that are still wanted, for every key that the PSBT names an origin of.
 *
 * Funds at risk: the digests stand for whatever the PSBT does. Show a person what {@link reviewPsbt} finds
 * before a key answers.
 *
 * Refuses the whole PSBT where one input does not prove its amount ({@link describePsbt}), does not match its
 * scripts, or wants a sighash that leaves something open; and a fee beyond `feerateMax`.
 */
export function signingRequests(psbt: Psbt, feerateMax: Feerate): Decoded<readonly SigningRequest[]> {
  const described = describePsbt(psbt)
  if (!described.ok) return described
  const excess = judgeFee(described.value, feerateMax)
  if (excess) return refused(excess)
  return accepted(described.value.inputs.flatMap((_, at) => requestsOf(described.value, at)))
}

/**
 * Adds signatures to a PSBT, over any that stood there for the same key. Refuses one that does not verify, or whose
 * key the input does not ask for, and then adds none.
 */
export function applySignatures(psbt: Psbt, signatures: readonly InputSignature[]): Decoded<Psbt> {
  const described = describePsbt(psbt)
  if (!described.ok) return described
  const library = openPsbt(psbt)
  for (const { input: at, publicKey, signature } of signatures) {
    const rule = described.value.inputs[at]?.rule
    if (!rule) return refused(`input ${at} wants no signature`)
    if (signature.length < 64) return refused(`the signature of input ${at} is cut short`)
    const fields = library.data.inputs[at] as LibraryInput
    const compact = signature.subarray(0, 64)
    const sighash = sighashOf(described.value, at)
    if (rule.scheme === 'schnorr') {
      fields.tapKeySig = joinBytes(compact, sighash === sighashDefault ? [] : [sighash])
    } else {
      const others = fields.partialSig?.filter(({ pubkey }) => !equalBytes(pubkey, publicKey)) ?? []
      fields.partialSig = [...others, { pubkey: publicKey, signature: encodeSignature(compact, sighash) }]
    }
    if (!isSigned(described.value, at, fields, publicKey)) return refused(`the signature of input ${at} is wrong`)
  }
  return accepted(library.toBuffer() as Psbt)
}

/**
 * Makes the transaction of a PSBT that has all its signatures (BIP-174, Finalizer and Extractor).
 *
 * Verifies every signature, whoever added it; inputs that others made final are taken as they are, and the network
 * judges them. Refuses missing and wrong signatures, and a fee beyond `feerateMax`.
 */
export function finalizePsbt(psbt: Psbt, feerateMax: Feerate): Decoded<SignedTransaction> {
  const described = describePsbt(psbt)
  if (!described.ok) return described
  const excess = judgeFee(described.value, feerateMax)
  if (excess) return refused(excess)
  const library = openPsbt(psbt)
  for (const [at, { rule }] of described.value.inputs.entries()) {
    if (!rule) continue
    const fields = library.data.inputs[at] as LibraryInput
    const fault = judgeSignatures(described.value, at, fields, rule)
    if (fault) return refused(`input ${at} ${fault}`)
    // One signature more than required would make the script fail.
    if (rule.scheme === 'ecdsa') fields.partialSig = fields.partialSig?.slice(0, rule.required) ?? []
  }
  const signed = extract(library, described.value)
  if (!signed) return refused('the PSBT has fields that contradict each other')
  return accepted({
    txid: txidOf(signed.getHash()),
    bytes: signed.toBuffer(),
    fee: sats(described.value.fee),
    weight: signed.weight(),
  })
}

/** The library throws where fields of one input do not go together, or what others made final is malformed. */
function extract(library: ReturnType<typeof openPsbt>, { inputs }: DescribedPsbt): Transaction | undefined {
  try {
    inputs.forEach(({ rule }, at) => {
      if (rule) library.finalizeInput(at)
    })
    return library.extractTransaction(true)
  } catch {
    return undefined
  }
}

/**
 * Proves all amounts of a PSBT and finds how each input is signed. For this room.
 *
 * Funds at risk: an ECDSA signature covers the amount of its own input only. Two PSBTs of one transaction, each with
 * a lie about the other input, would get both signatures and turn coins into fee. So every input is proven by its
 * previous transaction; only where all are taproot are claims enough, since each signature then covers all amounts
 * (BIP-341) and fails where one is a lie.
 */
export function describePsbt(psbt: Psbt): Decoded<DescribedPsbt> {
  const library = openPsbt(psbt)
  const unsigned = Transaction.fromBuffer(library.data.getTransaction())
  const inputs: DescribedInput[] = []
  for (const [at, fields] of library.data.inputs.entries()) {
    const described = describeInput(unsigned, fields, at)
    if (!described.ok) return refused(`input ${at} ${described.reason}`)
    inputs.push(described.value)
  }
  if (inputs.length === 0) return refused('the PSBT has no inputs')
  const unproven = inputs.findIndex(({ fields }) => !fields.nonWitnessUtxo)
  if (unproven >= 0 && inputs.some(({ prevout }) => scriptKind(prevout.script) !== 'p2tr'))
    return refused(`input ${unproven} does not prove its amount by the previous transaction`)
  if (unsigned.outs.some(({ value }) => value < 0n)) return refused('an output is worth less than nothing')
  const paid = inputs.reduce((sum, { prevout }) => sum + prevout.value, 0n)
  const fee = unsigned.outs.reduce((left, { value }) => left - value, paid)
  if (fee < 0n) return refused('the outputs are worth more than the inputs')
  const weight = transactionWeight(
    inputs.map(({ fields, prevout }) => signedInputWeight(fields, prevout)),
    unsigned.outs.map(({ script }) => script),
  )
  return accepted({ unsigned, inputs, fee, weight })
}

function describeInput(unsigned: Transaction, fields: LibraryInput, at: number): Decoded<DescribedInput> {
  const { hash, index } = unsigned.ins[at] as Transaction['ins'][number]
  const prevout = prevoutOf(fields, { txid: txidOf(hash), index })
  if (!prevout.ok) return prevout
  if (isFinal(fields)) return accepted({ fields, prevout: prevout.value, rule: null })
  const rule = spendRule(fields, prevout.value)
  if (!rule.ok) return rule
  const whole = [undefined, sighashAll, ...(rule.value.scheme === 'schnorr' ? [sighashDefault] : [])]
  if (!whole.includes(fields.sighashType)) return refused('wants a signature that does not cover the whole transaction')
  return accepted({ fields, prevout: prevout.value, rule: rule.value })
}

function judgeFee({ fee, weight }: DescribedPsbt, feerateMax: Feerate): string | undefined {
  return fee > feeOf(weight, feerateMax)
    ? `the fee of ${fee} sat is beyond ${feerateMax} sat per 1,000 vbytes`
    : undefined
}

function requestsOf(described: DescribedPsbt, input: number): SigningRequest[] {
  const { fields, rule } = described.inputs[input] as DescribedInput
  if (!rule) return []
  const digest = digestOf(described, input, rule)
  if (rule.scheme === 'ecdsa') {
    const signed = (fields.partialSig ?? []).map(({ pubkey }) => toHex(pubkey))
    return (fields.bip32Derivation ?? [])
      .filter(({ pubkey }) => rule.asks(pubkey) && !signed.includes(toHex(pubkey)))
      .map((origin) => ({ input, scheme: 'ecdsa', digest, key: keyOf(origin), tweak: null }))
  }
  const { internalKey } = rule
  if (!internalKey || fields.tapKeySig) return []
  return (fields.tapBip32Derivation ?? [])
    .filter(({ pubkey, leafHashes }) => leafHashes.length === 0 && equalBytes(pubkey, internalKey))
    .map((origin) => ({
      input,
      scheme: 'schnorr',
      digest,
      key: keyOf(origin),
      tweak: taprootTweak(internalKey, fields.tapMerkleRoot ?? null),
    }))
}

/** The key that a PSBT names, and its origin, in our form. */
export function keyOf(origin: {
  readonly pubkey: Uint8Array
  readonly masterFingerprint: Uint8Array
  readonly path: string
}): DerivedKey {
  const steps = origin.path.split('/').slice(1)
  return {
    publicKey: origin.pubkey,
    fingerprint: toHex(origin.masterFingerprint).slice(2),
    path: steps.map((step) => Number.parseInt(step, 10) + (step.endsWith("'") ? hardened : 0)),
  }
}

function sighashOf({ inputs }: DescribedPsbt, at: number): number {
  const { fields, rule } = inputs[at] as DescribedInput
  return fields.sighashType ?? (rule?.scheme === 'schnorr' ? sighashDefault : sighashAll)
}

function digestOf(described: DescribedPsbt, at: number, rule: SpendRule): Uint8Array {
  const { unsigned, inputs } = described
  const sighash = sighashOf(described, at)
  if (rule.scheme === 'schnorr') {
    const scripts = inputs.map(({ prevout }) => prevout.script)
    const values = inputs.map(({ prevout }) => prevout.value)
    return unsigned.hashForWitnessV1(at, scripts, values, sighash)
  }
  if (rule.digest === 'legacy') return unsigned.hashForSignature(at, rule.scriptCode, sighash)
  return unsigned.hashForWitnessV0(at, rule.scriptCode, (inputs[at] as DescribedInput).prevout.value, sighash)
}

function judgeSignatures(
  described: DescribedPsbt,
  at: number,
  fields: LibraryInput,
  rule: SpendRule,
): string | undefined {
  if (rule.scheme === 'schnorr') {
    if (!fields.tapKeySig) return 'lacks its signature'
    return isSigned(described, at, fields, rule.outputKey) ? undefined : 'has a wrong signature'
  }
  const { partialSig = [] } = fields
  if (!partialSig.every(({ pubkey }) => isSigned(described, at, fields, pubkey))) return 'has a wrong signature'
  if (partialSig.length < rule.required) return `has ${partialSig.length} of ${rule.required} signatures`
  return undefined
}

/** True when `fields` hold the signature that the rule wants, of `publicKey`, over the whole transaction. */
function isSigned(described: DescribedPsbt, at: number, fields: LibraryInput, publicKey: Uint8Array): boolean {
  const { rule } = described.inputs[at] as DescribedInput
  const engine = currentEngine()
  const sighash = sighashOf(described, at)
  if (!rule) return false
  if (rule.scheme === 'schnorr') {
    const signature = fields.tapKeySig ?? new Uint8Array(0)
    const hasSighash = equalBytes(signature.subarray(64), Uint8Array.from(sighash === sighashDefault ? [] : [sighash]))
    return hasSighash && engine.schnorrVerify(signature.subarray(0, 64), digestOf(described, at, rule), rule.outputKey)
  }
  const partial = fields.partialSig?.find(({ pubkey }) => equalBytes(pubkey, publicKey))
  if (!partial || !rule.asks(publicKey)) return false
  try {
    const { signature, hashType } = decodeSignature(partial.signature)
    return hashType === sighash && engine.verify(signature, digestOf(described, at, rule), publicKey)
  } catch {
    return false // Not DER.
  }
}
