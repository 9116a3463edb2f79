import { keccak256 } from '../crypto/engine.ts'
import { type BlockHash, fromHex } from '../units.ts'

/** Sets these signatures apart from all others that the key could make: 32 bytes before chain and block. */
const domain = 'lanekit sequenced block, form 1'

/** What a sequencer signs: keccak256 of 32 bytes that name the purpose, the chain id in 32 bytes, and the block's hash. */
export function sequencedDigest(chainId: number, hash: BlockHash): Uint8Array {
  const bytes = new Uint8Array(96)
  bytes.set(Uint8Array.from(domain, (letter) => letter.charCodeAt(0)))
  new DataView(bytes.buffer).setBigUint64(56, BigInt(chainId))
  bytes.set(fromHex(hash), 64)
  return keccak256(bytes)
}
