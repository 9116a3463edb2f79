import { hmacSha256 } from '../../../crypto/index.ts'
import type { BitcoinSigner } from '../../../ports.ts'
import { channelIndexMax } from '../payerRecord.ts'

/** What everything secret of one channel is made of, 32 bytes: ECDH of its key with itself, which nobody else can compute. */
export async function rootOf(
  keys: Pick<BitcoinSigner, 'channelKey' | 'channelSecret'>,
  index: number,
): Promise<Uint8Array> {
  return keys.channelSecret(index, await keys.channelKey(index))
}

/** Of the list of channels. No channel has this key: they end below it. */
export const directoryIndex = channelIndexMax

/** One secret of a root. */
export function named(root: Uint8Array, name: string): Uint8Array {
  return hmacSha256(root, new TextEncoder().encode(`lanekit penalty-p2wsh/1 ${name}`))
}
