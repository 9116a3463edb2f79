import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeVectors, readVector, unpackVectors, vectorPath } from './vectors.ts'

describeVectors('the vectors', () => {
  it('are read as they are, and unpacked where they are packed', () => {
    expect(readVector('blocks/mainnet-46147/block.json.gz')[0]).toBe('{'.charCodeAt(0))
    expect(readVector('light/btc/signet-headers-0-2015.bin')).toHaveLength(2_016 * 80)
  })

  it('are unpacked beside, never inside, their folder', () => {
    const folder = unpackVectors('evm/transaction-and-rlp-tests.tar.gz')
    expect(folder.startsWith(vectorPath(''))).toBe(false)
    expect(existsSync(join(folder, 'RLPTests', 'rlptest.json'))).toBe(true)
  })
})
