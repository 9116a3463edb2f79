import { accepted, type Decoded, refused } from '../../errors.ts'
import { lightMessageBytesMax } from './lightData.ts'
import { readUint } from './ssz.ts'
import { updatesMax } from './sync.ts'

/** Bytes of a length and a fork's digest before each update of a list. */
const lengthSize = 8
const digestSize = 4

/**
 * Takes apart the updates of a beacon node's answer in SSZ (Beacon API, `light_client/updates`): each is preceded by
 * the length of what follows and the digest of its fork, which its slot tells too. Never throws.
 *
 * @returns Each update in SSZ, views into `bytes`.
 */
export function decodeUpdateList(bytes: Uint8Array): Decoded<readonly Uint8Array[]> {
  const updates: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    if (updates.length === updatesMax) return refused(`there are more than ${updatesMax} updates`)
    const start = at + lengthSize
    const length = readUint(bytes.subarray(at, start))
    if (start > bytes.length || length < digestSize || length > lightMessageBytesMax || start + length > bytes.length)
      return refused(`the length of update ${updates.length} is wrong`)
    updates.push(bytes.subarray(start + digestSize, start + length))
    at = start + length
  }
  return accepted(updates)
}
