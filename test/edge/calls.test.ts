import { describe, expect, it } from 'vitest'
import { callsStatus } from '../../edge/calls.ts'
import type { TxStatus } from '../../sdk/ports.ts'
import { blockHash, txHash } from '../../sdk/units.ts'

const inBlock = (succeeded: boolean): TxStatus => {
  const hash = blockHash(`0x${'07'.repeat(32)}`)
  return { state: 'included', window: 1, lane: 0, blockNumber: 7, blockHash: hash, index: 0, succeeded }
}
const queued: TxStatus = { state: 'queued' }
const expired: TxStatus = { state: 'expired' }
const replaced: TxStatus = { state: 'replaced', by: txHash(`0x${'08'.repeat(32)}`) }

describe('the status of a batch as EIP-5792 counts it', () => {
  it.each([
    [100, [queued]],
    [100, [inBlock(true), expired, queued]],
    [200, [inBlock(true), inBlock(true)]],
    [400, [expired, replaced]],
    [500, [inBlock(false), inBlock(false)]],
    [600, [inBlock(true), inBlock(false)]],
    [600, [inBlock(true), expired]],
  ])('is %s', (code, statuses) => {
    expect(callsStatus(statuses)).toBe(code)
  })
})
