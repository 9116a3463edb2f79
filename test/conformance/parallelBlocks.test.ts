import { expect, it } from 'vitest'
import { describeVectors, vectorPath } from '../vectors.ts'
import { parallelCases } from './parallelBlocks.ts'

describeVectors('a block of mainnet, run by workers', () => {
  // With 1, 2 and 4 workers, and 1 and 4 shards: `npm run conformance -- blocks <folder>`.
  it('has the gas, status and places that an engine of others has', { timeout: 60_000 }, async () => {
    const file = vectorPath('blocks/mainnet-25323281/block.json.gz')
    const failures: unknown[] = []
    let count = 0
    for await (const one of parallelCases(file, [{ workers: 2, shards: 4 }])) {
      count += 1
      try {
        if ('check' in one) one.check()
      } catch (error) {
        failures.push(one.name, error)
      }
    }
    expect(failures).toEqual([])
    expect(count).toBe(171)
  })
})
