import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { genesisCheckpoint } from '../../sdk/verify/bitcoin/index.ts'
import { describeVectors, vectorPath } from '../vectors.ts'
import { headers } from './headers.ts'
import { runSuite } from './suite.ts'

const run = (path: string) => runSuite({ name: 'headers', suite: headers, path })

describeVectors('headers', () => {
  it('chains, retargets, reorganisations, blocks, checkpoints and proofs of Bitcoin', () => {
    // Skipped by name: 30 functions of summa-tx/bitcoin-spv without a counterpart, and one vector of an error sign.
    expect(run(vectorPath('light/btc'))).toEqual({
      suite: 'headers',
      passed: 1_179,
      failed: 0,
      skipped: 31,
      failures: [],
    })
  })

  it('the retargets of Bitcoin Core that the README lists', () => {
    expect(run(vectorPath('light/README.md'))).toMatchObject({ passed: 4, skipped: 0, failures: [] })
  })
})

describe('a run of headers', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lanekit-headers-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function write(name: string, content: string | Uint8Array): string {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }

  it('fails where an implementation would be wrong', () => {
    const genesis = genesisCheckpoint('signet').header
    const chain = write('chain.bin', Buffer.concat([genesis, genesis]))
    expect(run(chain)).toMatchObject({ passed: 0, failed: 1 })
    expect(run(write('branch.json', JSON.stringify([['00'.repeat(81)]])))).toMatchObject({ passed: 0, failed: 2 })
    expect(run(write('README.md', '(1, 2015, 2, 1d00ffff → 1d00ffff)'))).toMatchObject({ passed: 0, failed: 1 })
    expect(run(write('block.gz', gzipSync(new Uint8Array(81))))).toMatchObject({ passed: 0, failed: 1 })

    const tx = `0200000001${'11'.repeat(32)}0000000000ffffffff01${'00'.repeat(8)}05505152535400000000`
    const sized = (valid: boolean) => JSON.stringify([{ comment: '65 bytes', tx, valid }])
    expect(run(write('sized.json', sized(true)))).toMatchObject({ passed: 1, failed: 0 })
    expect(run(write('sized.json', sized(false)))).toMatchObject({ passed: 0, failed: 1 })
  })

  it('names every file that is in no format it knows', () => {
    expect(run(write('other.json', '{}'))).toMatchObject({ passed: 0, failed: 0, skipped: 1 })
    expect(run(write('other.bin', new Uint8Array(160)))).toMatchObject({ passed: 0, failed: 0, skipped: 1 })
  })
})
