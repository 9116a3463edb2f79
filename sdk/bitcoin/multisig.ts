import { currentEngine } from '../crypto/engine.ts'
import { invariant } from '../errors.ts'
import { joinBytes } from '../units.ts'
import { op } from './script.ts'

/** Most keys of a multisig: what fits scripts of every kind (BIP-383), and two small numbers. */
export const multisigKeysMax = 15

/** A bare multisig script taken apart. */
export interface Multisig {
  readonly required: number
  /** 33 bytes each, in the order that signatures must have. */
  readonly publicKeys: readonly Uint8Array[]
}

/** Writes `required <key>... count CHECKMULTISIG` (BIP-383). */
export function encodeMultisig({ required, publicKeys }: Multisig): Uint8Array {
  invariant(publicKeys.length <= multisigKeysMax, 'a multisig has no more keys than its script can count')
  invariant(required >= 1 && required <= publicKeys.length, 'a multisig requires some of its keys')
  const pushes = publicKeys.map((key) => joinBytes([key.length], key))
  return joinBytes([op.one + required - 1], ...pushes, [op.one + publicKeys.length - 1, op.checkMultisig])
}

/** Reads what {@link encodeMultisig} writes, or nothing. Never throws. */
export function decodeMultisig(script: Uint8Array): Multisig | undefined {
  const count = (script.length - 3) / 34
  if (!Number.isInteger(count) || count < 1 || count > multisigKeysMax) return undefined
  const required = (script[0] as number) - op.one + 1
  if (required < 1 || required > count) return undefined
  if (script.at(-1) !== op.checkMultisig || script.at(-2) !== op.one + count - 1) return undefined
  const publicKeys: Uint8Array[] = []
  for (let at = 1; at < script.length - 2; at += 34) {
    const key = script.subarray(at + 1, at + 34)
    if (script[at] !== 33 || !currentEngine().isPublicKey(key)) return undefined
    publicKeys.push(key)
  }
  return { required, publicKeys }
}
