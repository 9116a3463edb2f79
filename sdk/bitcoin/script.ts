import { currentEngine, sha256 } from '../crypto/engine.ts'
import { joinBytes } from '../units.ts'

/**
 * What an output script asks of its spender, by its standard forms.
 *
 * `witness` is a segwit version or length without rules yet (BIP-141), which anyone may spend; `data` is
 * OP_RETURN, which nobody can; `other` has no address.
 */
export type ScriptKind = 'p2pkh' | 'p2sh' | 'p2wpkh' | 'p2wsh' | 'p2tr' | 'witness' | 'data' | 'other'

/** Opcodes that this room writes. */
export const op = {
  zero: 0x00,
  one: 0x51,
  sixteen: 0x60,
  if: 0x63,
  notIf: 0x64,
  else: 0x67,
  endIf: 0x68,
  return: 0x6a,
  ifDup: 0x73,
  drop: 0x75,
  dup: 0x76,
  swap: 0x7c,
  size: 0x82,
  equal: 0x87,
  equalVerify: 0x88,
  hash160: 0xa9,
  checkSig: 0xac,
  checkSigVerify: 0xad,
  checkMultisig: 0xae,
  checkLockTimeVerify: 0xb1,
  checkSequenceVerify: 0xb2,
} as const

/** Classifies an output script. Never throws. */
export function scriptKind(script: Uint8Array): ScriptKind {
  if (script[0] === op.return) return 'data'
  if (script.length === 25 && fits(script, [op.dup, op.hash160, 20], [op.equalVerify, op.checkSig])) return 'p2pkh'
  if (script.length === 23 && fits(script, [op.hash160, 20], [op.equal])) return 'p2sh'
  const program = witnessProgram(script)
  if (!program) return 'other'
  if (program.version === 0) {
    if (program.bytes.length === 20) return 'p2wpkh'
    // Version 0 has no other lengths (BIP-141): such an output can never be spent.
    return program.bytes.length === 32 ? 'p2wsh' : 'other'
  }
  return program.version === 1 && program.bytes.length === 32 ? 'p2tr' : 'witness'
}

/** True for scripts that one owner spends: where somebody can be paid. All are shorter than 253 bytes. */
export function isPayout(script: Uint8Array): boolean {
  return !['witness', 'data', 'other'].includes(scriptKind(script))
}

/** Version and program of a segwit output script (BIP-141), or nothing. */
export function witnessProgram(
  script: Uint8Array,
): { readonly version: number; readonly bytes: Uint8Array } | undefined {
  const [first, size] = script
  if (first === undefined || size === undefined) return undefined
  if (first !== op.zero && (first < op.one || first > op.sixteen)) return undefined
  if (size < 2 || size > 40 || script.length !== 2 + size) return undefined
  return { version: first === op.zero ? 0 : first - op.one + 1, bytes: script.subarray(2) }
}

/** Output script of a segwit program: version 0 to 16, 2 to 40 bytes. */
export function witnessScriptPubKey(version: number, program: Uint8Array): Uint8Array {
  return joinBytes([version === 0 ? op.zero : op.one + version - 1, program.length], program)
}

/** Output script that pays the hash of a public key, before segwit (P2PKH). */
export function p2pkh(keyHash: Uint8Array): Uint8Array {
  return joinBytes([op.dup, op.hash160, keyHash.length], keyHash, [op.equalVerify, op.checkSig])
}

/** Output script that pays the hash of a script, before segwit (P2SH, BIP-16). */
export function p2sh(scriptHash: Uint8Array): Uint8Array {
  return joinBytes([op.hash160, scriptHash.length], scriptHash, [op.equal])
}

/** Output script that pays a compressed public key (P2WPKH, BIP-141). */
export function p2wpkh(publicKey: Uint8Array): Uint8Array {
  return witnessScriptPubKey(0, currentEngine().hash160(publicKey))
}

/** Output script that pays a witness script (P2WSH, BIP-141). */
export function p2wsh(witnessScript: Uint8Array): Uint8Array {
  return witnessScriptPubKey(0, sha256(witnessScript))
}

/** Order of byte strings as BIP-67 and BIP-69 mean it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const difference = (a[at] as number) - (b[at] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** True for equal byte strings. Not for secrets: the time it takes tells where they differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

function fits(script: Uint8Array, head: readonly number[], tail: readonly number[]): boolean {
  const end = script.length - tail.length
  return head.every((byte, at) => script[at] === byte) && tail.every((byte, at) => script[end + at] === byte)
}
