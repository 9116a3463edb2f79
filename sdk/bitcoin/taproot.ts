import { currentEngine, sha256 } from '../crypto/engine.ts'
import { joinBytes } from '../units.ts'
import { witnessScriptPubKey } from './script.ts'

/**
 * What is added to an internal key to get the key of a taproot output (BIP-341): the hash of the key itself
 * and of the scripts beside it.
 *
 * @param merkleRoot - Root of the script tree; `null` commits to having none, as BIP-86 wants it.
 */
export function taprootTweak(internalKey: Uint8Array, merkleRoot: Uint8Array | null = null): Uint8Array {
  const tag = sha256(new TextEncoder().encode('TapTweak'))
  return sha256(joinBytes(tag, tag, internalKey, merkleRoot ?? []))
}

/** Output script of an internal x-only key (P2TR), or nothing when it is no point. */
export function p2tr(internalKey: Uint8Array, merkleRoot: Uint8Array | null = null): Uint8Array | undefined {
  const output = currentEngine().tweakXOnlyKey(internalKey, taprootTweak(internalKey, merkleRoot))
  return output && witnessScriptPubKey(1, output.key)
}
