import type { Psbt as LibraryPsbt } from 'bitcoinjs-lib/src/psbt'
import { currentEngine } from '../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { sats } from '../units.ts'
import { compactSizeLength, inputBaseWeight, multisigSpendWeightMax, spendWeightMax } from './fees.ts'
import { decodeMultisig } from './multisig.ts'
import { equalBytes, p2pkh, p2sh, p2wsh, scriptKind, witnessProgram } from './script.ts'
import { p2tr } from './taproot.ts'
import { decodeTransaction, type Outpoint, type Output } from './transaction.ts'

/** An input of a PSBT in the library's form. */
export type LibraryInput = LibraryPsbt['data']['inputs'][number]

/** How an input is signed, and by whom. */
export type SpendRule =
  /** `required` ECDSA signatures over `scriptCode`, before segwit or by BIP-143. */
  | {
      readonly scheme: 'ecdsa'
      readonly digest: 'legacy' | 'segwit'
      readonly scriptCode: Uint8Array
      readonly required: number
      /** True for a key that the script asks for. */
      readonly asks: (publicKey: Uint8Array) => boolean
    }
  /** One Schnorr signature of the output key (BIP-341, key path). */
  | { readonly scheme: 'schnorr'; readonly outputKey: Uint8Array; readonly internalKey: Uint8Array | null }

/**
 * The output that an input spends. With the whole previous transaction, whose hash the outpoint names, it is proven;
 * else it is a claim. What is said twice must agree.
 */
export function prevoutOf(input: LibraryInput, outpoint: Outpoint): Decoded<Output> {
  const claimed = input.witnessUtxo && output(input.witnessUtxo)
  if (claimed && !claimed.ok) return claimed
  if (!input.nonWitnessUtxo) return claimed ?? refused('does not say what it spends')

  const previous = decodeTransaction(input.nonWitnessUtxo)
  if (!previous.ok || previous.value.txid !== outpoint.txid)
    return refused('has a previous transaction of another name')
  const proven = previous.value.outputs[outpoint.index]
  if (!proven) return refused('spends what its previous transaction does not have')
  if (claimed && (claimed.value.value !== proven.value || !equalBytes(claimed.value.script, proven.script)))
    return refused('claims another amount or script than its previous transaction has')
  return accepted(proven)
}

/**
 * Finds how an output is spent: P2PKH, P2WPKH and multisig, bare or behind P2SH and P2WSH, and P2TR by its key.
 * Refuses scripts that do not hash to what the output says, and forms that this wallet does not sign.
 */
export function spendRule(input: LibraryInput, { script }: Output): Decoded<SpendRule> {
  let inner = script
  if (scriptKind(inner) === 'p2sh') {
    const redeem = input.redeemScript
    if (!redeem || !equalBytes(p2sh(currentEngine().hash160(redeem)), inner))
      return refused('has a redeem script that does not match the output')
    inner = redeem
  }
  if (scriptKind(inner) === 'p2wsh') {
    const { witnessScript } = input
    if (!witnessScript || !equalBytes(p2wsh(witnessScript), inner))
      return refused('has a witness script that does not match the output')
    return multisigRule(witnessScript, 'segwit')
  }
  switch (scriptKind(inner)) {
    case 'p2wpkh':
      return keyHashRule(p2pkh(inner.subarray(2)), inner.subarray(2), 'segwit')
    case 'p2pkh':
      return keyHashRule(inner, inner.subarray(3, 23), 'legacy')
    case 'p2tr':
      // Behind P2SH, these bytes are no taproot (BIP-341).
      return inner === script ? keyPathRule(input, script) : refused('has a redeem script that anybody can spend')
    case 'other':
      return multisigRule(inner, 'legacy')
    default:
      return refused('has a script that this wallet does not sign')
  }
}

/** Weight of an input once it is signed, with signatures at their longest; its least where the form is not known. */
export function signedInputWeight(input: LibraryInput, { script }: Output): number {
  if (isFinal(input)) {
    const scriptSig = input.finalScriptSig?.length ?? 0
    // The base has one byte for the length of the script already.
    return (
      inputBaseWeight + 4 * (compactSizeLength(scriptSig) - 1 + scriptSig) + (input.finalScriptWitness?.length ?? 1)
    )
  }
  const multisig = input.witnessScript && decodeMultisig(input.witnessScript)
  const nested = input.redeemScript ? 4 * (1 + input.redeemScript.length) : 0
  if (multisig) return nested + multisigSpendWeightMax(multisig.required, multisig.publicKeys.length)
  const program = witnessProgram(input.redeemScript ?? script)
  if (program?.version === 1) return spendWeightMax.tr
  return program?.bytes.length === 20 ? nested + spendWeightMax.wpkh : nested + inputBaseWeight
}

/** True when somebody has made the input's script and witness already. */
export function isFinal(input: LibraryInput): boolean {
  return input.finalScriptSig !== undefined || input.finalScriptWitness !== undefined
}

function output({ script, value }: { readonly script: Uint8Array; readonly value: bigint }): Decoded<Output> {
  try {
    return accepted({ script, value: sats(value) })
  } catch {
    return refused('claims more coins than there are')
  }
}

function keyHashRule(scriptCode: Uint8Array, keyHash: Uint8Array, digest: 'legacy' | 'segwit'): Decoded<SpendRule> {
  const asks = (publicKey: Uint8Array) => equalBytes(currentEngine().hash160(publicKey), keyHash)
  return accepted({ scheme: 'ecdsa', digest, scriptCode, required: 1, asks })
}

function multisigRule(scriptCode: Uint8Array, digest: 'legacy' | 'segwit'): Decoded<SpendRule> {
  const multisig = decodeMultisig(scriptCode)
  if (!multisig) return refused('has a script that this wallet does not sign')
  const asks = (publicKey: Uint8Array) => multisig.publicKeys.some((key) => equalBytes(key, publicKey))
  return accepted({ scheme: 'ecdsa', digest, scriptCode, required: multisig.required, asks })
}

function keyPathRule(input: LibraryInput, script: Uint8Array): Decoded<SpendRule> {
  const internalKey = input.tapInternalKey ?? null
  if (internalKey) {
    const expected = p2tr(internalKey, input.tapMerkleRoot ?? null)
    if (!expected || !equalBytes(expected, script)) return refused('has an internal key that does not match the output')
  }
  return accepted({ scheme: 'schnorr', outputKey: script.subarray(2), internalKey })
}
