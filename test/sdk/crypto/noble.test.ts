import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { expect, it } from 'vitest'
import { nobleEngine } from '../../../sdk/crypto/noble.ts'
import { engineContract } from '../../contracts/engine.ts'

engineContract(nobleEngine)

it('hashes of every length, one after the other in one state, are those of the library; a refused one leaves nothing', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, at) => (at * 31) & 0xff)
  const ours = [nobleEngine.keccak256, nobleEngine.sha256] as const
  const theirs = [keccak_256, sha256] as const
  for (const [which, hash] of ours.entries()) {
    expect(() => hash('no bytes' as unknown as Uint8Array)).toThrow()
    for (let length = 0; length < bytes.length; length++) {
      const message = bytes.subarray(length % 4, length)
      expect(hash(message)).toEqual(theirs[which]?.(message))
    }
  }
})
