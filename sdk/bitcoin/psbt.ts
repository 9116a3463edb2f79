import { Psbt as LibraryPsbt } from 'bitcoinjs-lib/src/psbt'
import { hardened } from '../crypto/hdKey.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { fromHex, type Height } from '../units.ts'
import { type Account, accountOutput, type KeyPath } from './account.ts'
import type { DerivedKey } from './accountKey.ts'
import type { DescribedOutput } from './descriptor.ts'
import { lendCurve } from './ecc.ts'
import type { Coin } from './scan.ts'
import { equalBytes } from './script.ts'
import {
  compareOutpoints,
  compareOutputs,
  decodeTransaction,
  type Output,
  outpointKey,
  sequenceReplaceable,
  txidBytes,
} from './transaction.ts'

/** Largest PSBT {@link decodePsbt} reads. */
export const psbtBytesMax = 4_000_000
/** Most inputs, and most outputs, of a PSBT. */
export const psbtPartsMax = 1_000

declare const judged: unique symbol
/** A partially signed transaction (BIP-174, version 0; BIP-371): bytes that {@link decodePsbt} has judged. */
export type Psbt = Uint8Array & { readonly [judged]: 'Psbt' }

/** A coin to spend, and the account that can. */
export interface SpendInput {
  readonly coin: Coin
  readonly account: Account
  /**
   * The whole transaction that made the coin: the proof of its amount. A PSBT does without where all its inputs are
   * taproot, whose signatures cover all amounts (BIP-341).
   */
  readonly previous: Uint8Array | null
}

/** An output to make; `ours` lets signers see that change comes back. */
export interface SpendOutput extends Output {
  readonly ours?: { readonly account: Account; readonly keyPath: KeyPath }
}

export interface Spend {
  readonly inputs: readonly SpendInput[]
  readonly outputs: readonly SpendOutput[]
  /** Height of the newest block, so that nobody gains by mining it anew; 0 for none. */
  readonly locktime: Height
}

/**
 * Makes a PSBT: version 2, replaceable (BIP-125), inputs and outputs in the order of BIP-69, with all that
 * signers need: amounts with their proof, scripts, origins of keys.
 *
 * Refuses coins that their account does not own, that the previous transaction does not have, or that appear
 * twice. What the outputs leave over is the fee: {@link selectCoins} has seen to it.
 */
export function createPsbt({ inputs, outputs, locktime }: Spend): Decoded<Psbt> {
  if (inputs.length > psbtPartsMax || outputs.length > psbtPartsMax) return refused('there are too many parts')
  if (new Set(inputs.map(({ coin }) => outpointKey(coin.outpoint))).size !== inputs.length)
    return refused('a coin is spent twice')
  const isCovered = inputs.every(({ account, coin }) => account[coin.keyPath.chain].kind === 'tr')
  lendCurve()
  const library = new LibraryPsbt()
  library.setVersion(2).setLocktime(locktime)

  for (const input of [...inputs].sort((a, b) => compareOutpoints(a.coin.outpoint, b.coin.outpoint))) {
    const { coin, account, previous } = input
    const described = accountOutput(account, coin.keyPath)
    const fault = !previous && !isCovered ? 'needs its previous transaction' : judgeSpend(input, described)
    if (fault) return refused(`${outpointKey(coin.outpoint)} ${fault}`)
    library.addInput({
      hash: txidBytes(coin.outpoint.txid),
      index: coin.outpoint.index,
      sequence: sequenceReplaceable,
      witnessUtxo: { script: described.script, value: coin.value },
      ...(previous && { nonWitnessUtxo: previous }),
      ...keyFields(account, coin.keyPath, described),
    })
  }
  for (const { script, value, ours } of [...outputs].sort(compareOutputs)) {
    const described = ours && accountOutput(ours.account, ours.keyPath)
    if (described && !equalBytes(described.script, script)) return refused('an output is not where it is said to be')
    library.addOutput({ script, value, ...(ours && described && keyFields(ours.account, ours.keyPath, described)) })
  }
  return accepted(library.toBuffer() as Psbt)
}

/**
 * Reads a PSBT. Never throws.
 *
 * Well-formed is not true: what it says of amounts, keys and change is judged when it is reviewed and signed.
 * Refuses bytes left over, more than {@link psbtBytesMax} bytes, and more than {@link psbtPartsMax} parts.
 */
export function decodePsbt(bytes: Uint8Array): Decoded<Psbt> {
  if (bytes.length > psbtBytesMax) return refused('the PSBT is too large')
  try {
    const library = open(bytes)
    const { inputs, outputs } = library.data
    if (inputs.length > psbtPartsMax || outputs.length > psbtPartsMax) return refused('the PSBT has too many parts')
    // Fields may come in any order, but these and no more. The library closes an empty list with a byte of its own.
    const closers = Number(inputs.length === 0) + Number(outputs.length === 0)
    if (library.toBuffer().length - closers !== bytes.length) return refused('the PSBT has bytes left over')
    return accepted(bytes.slice() as Psbt)
  } catch {
    return refused('the bytes are no PSBT')
  }
}

/**
 * Joins what several signers made of one transaction (BIP-174, Combiner). Where they differ in a field, the first
 * one's stays. Refuses different transactions.
 */
export function combinePsbts(first: Psbt, ...others: readonly Psbt[]): Decoded<Psbt> {
  if (others.length === 0) return accepted(first)
  try {
    return accepted(
      openPsbt(first)
        .combine(...others.map(openPsbt))
        .toBuffer() as Psbt,
    )
  } catch {
    return refused('the PSBTs are of different transactions')
  }
}

/** The library's form, a copy to change freely. For this room. */
export function openPsbt(psbt: Psbt): LibraryPsbt {
  lendCurve()
  return open(psbt)
}

function open(bytes: Uint8Array): LibraryPsbt {
  return LibraryPsbt.fromBuffer(bytes.slice())
}

function judgeSpend({ coin, previous }: SpendInput, described: DescribedOutput): string | undefined {
  if (!equalBytes(described.script, coin.script)) return 'does not belong to the account at its path'
  if (!previous) return undefined
  const decoded = decodeTransaction(previous)
  if (!decoded.ok || decoded.value.txid !== coin.outpoint.txid) return 'does not come from that previous transaction'
  const output = decoded.value.outputs[coin.outpoint.index]
  if (!output || output.value !== coin.value || !equalBytes(output.script, coin.script))
    return 'is another output in its previous transaction'
  return undefined
}

/** Fields that tell a signer which keys an input or output is made of (BIP-174, BIP-371). */
function keyFields(account: Account, { chain }: KeyPath, { keys, witnessScript }: DescribedOutput) {
  if (account[chain].kind === 'tr') {
    const [key] = keys as [DerivedKey]
    const tapInternalKey = key.publicKey.slice(1)
    return { tapInternalKey, tapBip32Derivation: [{ ...derivation(key), pubkey: tapInternalKey, leafHashes: [] }] }
  }
  return { bip32Derivation: keys.map(derivation), ...(witnessScript && { witnessScript }) }
}

function derivation({ publicKey, fingerprint, path }: DerivedKey) {
  const steps = path.map((step) => (step >= hardened ? `${step - hardened}'` : `${step}`))
  return { masterFingerprint: fromHex(`0x${fingerprint}`), path: ['m', ...steps].join('/'), pubkey: publicKey }
}
