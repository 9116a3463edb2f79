import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeVectors, vectorPath } from '../vectors.ts'
import { cometbft } from './cometbft.ts'
import { lightSync } from './lightSync.ts'
import { unpackSnappy } from './snappy.ts'
import { runSuite } from './suite.ts'

const run = (path: string) => runSuite({ name: 'light-sync', suite: lightSync, path })

describeVectors('light-sync', () => {
  it.each([
    ['deneb', 10],
    ['electra', 10],
  ])('the steps of %s in the minimal preset, %i cases', (fork, passed) => {
    expect(run(vectorPath(`light/eth/lc-spec-minimal/${fork}`))).toMatchObject({ passed, skipped: 0, failures: [] })
  })

  it('27 updates and 9 heads of mainnet in JSON, SSZ and the envelopes of Portal', () => {
    expect(run(vectorPath('light/eth/lc-mainnet-capella'))).toMatchObject({ passed: 4, skipped: 0, failures: [] })
    expect(run(vectorPath('light/eth/lc-mainnet-deneb'))).toMatchObject({ passed: 4, skipped: 0, failures: [] })
    // Skipped by name: the header, the transactions and the receipts beside them.
    expect(run(vectorPath('light/eth/lc-e2e'))).toMatchObject({ passed: 7, skipped: 3, failures: [] })
  })
})

describeVectors('cometbft', () => {
  it('the verdicts of the TLA+ model, 50 steps', () => {
    // Skipped by name: two bisections whose hashes are of the amino encoding.
    const path = vectorPath('light/cometbft')
    expect(runSuite({ name: 'cometbft', suite: cometbft, path })).toMatchObject({
      passed: 50,
      skipped: 2,
      failures: [],
    })
  })
})

describe('a run of light-sync', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lanekit-light-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('fails for messages that do not hold, and names what it passes over', () => {
    writeFileSync(join(folder, 'bootstrap.ssz'), new Uint8Array(100))
    writeFileSync(join(folder, 'finality.json'), '{}')
    writeFileSync(join(folder, 'notes.txt'), '')
    expect(run(folder)).toMatchObject({ passed: 0, failed: 2, skipped: 1 })
  })
})

describe('snappy', () => {
  it('unpacks literals and copies that reach into themselves', () => {
    const packed = Uint8Array.of(10, 1 << 2, 7, 8, ((8 - 1) << 2) | 2, 2, 0)
    expect([...unpackSnappy(packed)]).toEqual([7, 8, 7, 8, 7, 8, 7, 8, 7, 8])
  })

  it('refuses blocks that are cut short, too long or reach before their start', () => {
    for (const packed of [[], [5, 0], [1, 4, 1, 2], [4, 0, 7, 2, 9, 0], [2, 0, 7], [255, 255, 255, 255, 255]])
      expect(() => unpackSnappy(Uint8Array.from(packed))).toThrow('snappy')
  })
})
