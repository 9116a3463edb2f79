import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeVectors, unpackVectors } from '../vectors.ts'
import { runSuite } from './suite.ts'
import { run, transactionTests } from './transactionTests.ts'

describeVectors('TransactionTests of ethereum/tests', () => {
  it('every transaction is taken with its sender, hash and gas, or refused, as published', async () => {
    const folder = unpackVectors('evm/transaction-and-rlp-tests.tar.gz')
    const summary = await run(`${folder}/TransactionTests`)
    expect(summary).toEqual({ suite: 'transaction-tests', passed: 210, failed: 0, skipped: 0, failures: [] })
  })
})

describe('the transaction-tests runner', () => {
  /** The first transaction that mainnet ever took (block 46147). */
  const txbytes =
    '0xf86780862d79883d2000825208945df9b87991262f6ba471f09758cde1c0fc1de734827a69801ca088ff6cf0fefd94db46111149ae4bfc179e9b94721fffd821d38d16464b3f71d0a045e0aff800961cfce805daef7016b9b675c137a6a41a548f7b60a3484c06a33a'
  const sound = {
    sender: '0xa1e4380a3b1f749673e270229993ee55f35663b4',
    hash: '0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060',
    intrinsicGas: '0x5208',
  }

  it('fails where an implementation would be wrong, and skips forks that are too old', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanekit-transactions-'))
    const vectors = {
      right: { txbytes, result: { Cancun: sound, Osaka: sound } },
      sender: { txbytes, result: { Cancun: { ...sound, sender: `0x${'00'.repeat(20)}` } } },
      hash: { txbytes, result: { Prague: { ...sound, hash: `0x${'00'.repeat(32)}` } } },
      gas: { txbytes, result: { London: { ...sound, intrinsicGas: '0x5209' } } },
      taken: { txbytes, result: { Cancun: { exception: 'any' } } },
      refused: { txbytes: txbytes.slice(0, -2), result: { Cancun: sound } },
      old: { txbytes, result: { Frontier: sound } },
    }
    writeFileSync(join(folder, 'vectors.json'), JSON.stringify(vectors))
    const summary = runSuite({ name: 'transaction-tests', suite: transactionTests, path: folder })
    rmSync(folder, { recursive: true })
    expect(summary).toMatchObject({ passed: 2, failed: 5, skipped: 1 })
    expect(summary.failures.map(({ name }) => name)).toEqual([
      ...['sender Cancun', 'hash Prague', 'gas London', 'taken Cancun', 'refused Cancun'],
    ])
  })
})
