import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeVectors, unpackVectors, vectorPath } from '../vectors.ts'
import { runSuite } from './suite.ts'
import { suites } from './suites.ts'

let unpacked: string | undefined

function stateTestFolder(): string {
  unpacked ??= unpackVectors('evm/state-tests.tar.gz')
  return unpacked
}

function run(name: string, path: string) {
  const suite = suites[name]
  if (!suite) throw new Error(`There is no suite ${name}.`)
  return runSuite({ name, suite, path })
}

describeVectors('published suites', () => {
  it('rlp: RLPTests of ethereum/tests', () => {
    expect(run('rlp', unpackVectors('evm/transaction-and-rlp-tests.tar.gz'))).toEqual({
      suite: 'rlp',
      passed: 55,
      failed: 0,
      skipped: 0,
      failures: [],
    })
  })

  it.each([
    ['channels/bip32-vectors.json', 39],
    ['crypto/bip39/vectors.json', 24],
    ['channels/bip84-vectors.json', 4],
    ['channels/bip86-vectors.json', 4],
    ['channels/bip174-psbt-cases.json', 34],
    ['channels/bip327-key_sort_vectors.json', 1],
    ['channels/bip327-key_agg_vectors.json', 9],
    ['channels/bip327-nonce_gen_vectors.json', 4],
    ['channels/bip327-nonce_agg_vectors.json', 5],
    ['channels/bip327-sign_verify_vectors.json', 17],
    ['channels/bip327-tweak_vectors.json', 6],
    ['channels/bip327-sig_agg_vectors.json', 5],
    ['channels/bip340-test-vectors.csv', 19],
    ['channels/bip341-wallet-test-vectors.json', 15],
  ])('bip: %s, %i cases', (path, passed) => {
    expect(run('bip', vectorPath(path))).toMatchObject({ passed, failures: [] })
  })

  it.each([
    ['b-funding', 2],
    ['c-commitment-static-remotekey', 17],
    ['d-per-commitment-secrets', 14],
    ['e-key-derivation', 6],
    ['f-commitment-anchors', 9],
  ])('bolt3: Appendix %s, %i cases', (name, passed) => {
    expect(run('bolt3', vectorPath(`channels/bolt3-appendix-${name}.json`))).toMatchObject({ passed, failures: [] })
  })

  it('bolt11: 15 invoices of BOLT-11 and 10 that are none', () => {
    const path = vectorPath('channels/bolt11-examples.json')
    expect(run('bolt11', path)).toMatchObject({ passed: 25, skipped: 0, failures: [] })
  })

  it('proofs: TrieTests of ethereum/tests, 25 roots', () => {
    expect(run('proofs', vectorPath('light/eth/trie'))).toMatchObject({ passed: 25, skipped: 1, failures: [] })
  })

  it('proofs: an account of 8 nodes, its slot, and 202 receipts of a Cancun block', () => {
    expect(run('proofs', vectorPath('light/eth/proofs'))).toMatchObject({ passed: 3, skipped: 1, failures: [] })
  })

  it('blocks: header hashes of mainnet from Frontier to Cancun, and 170 transactions run', { timeout: 120_000 }, () => {
    expect(run('blocks', vectorPath('blocks'))).toMatchObject({ passed: 175, skipped: 0, failures: [] })
  })

  // All 7,379 take minutes: `npm run conformance -- state-tests <folder>`.
  it.each([
    ['stExample', 39],
    ['Cancun', 174],
    ['Shanghai', 27],
    ['stEIP1559', 1_845],
    ['stEIP2930', 140],
    ['stSelfBalance', 42],
    ['stSStoreTest', 475],
    ['stTransactionTest', 260],
  ])('state-tests: %s of ethereum/tests, %i cases', { timeout: 120_000 }, (folder, passed) => {
    const path = `${stateTestFolder()}/GeneralStateTests/${folder}`
    expect(run('state-tests', path)).toMatchObject({ passed, failed: 0, failures: [] })
  })
})

describe('a conformance run', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lanekit-conformance-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function write(name: string, json: unknown): string {
    const path = join(folder, name)
    const text = JSON.stringify(json)
    writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text)
    return path
  }

  it('fails where an implementation would be wrong', () => {
    const wrong = {
      refused: { in: 'VALID', out: '0x8101' },
      taken: { in: 'INVALID', out: '0x01' },
      other: { in: 'dog', out: '0x83646f66' },
      right: { in: 'dog', out: '83646f67' },
    }
    const summary = run('rlp', write('rlp.json', wrong))
    expect(summary).toMatchObject({ passed: 1, failed: 3 })
    expect(summary.failures.map(({ name }) => name)).toEqual(['rlp.json refused', 'rlp.json taken', 'rlp.json other'])

    const root = `0x${'00'.repeat(32)}`
    expect(run('proofs', write('trie.json', { one: { in: { a: 'b' }, root } }))).toMatchObject({ passed: 0, failed: 1 })
    expect(run('blocks', write('block.json', { hash: root, parentHash: root }))).toMatchObject({ passed: 0, failed: 1 })
  })

  it('reads packed files', () => {
    expect(run('rlp', write('packed.json.gz', { one: { in: [], out: '0xc0' } }))).toMatchObject({
      passed: 1,
      failed: 0,
    })
  })

  it('fails when it finds no case, since such a run shows nothing', () => {
    const path = write('other.json', { unrelated: 1 })
    expect(run('rlp', path)).toEqual({
      suite: 'rlp',
      passed: 0,
      failed: 1,
      skipped: 0,
      failures: [{ name: path, reason: 'no case of this suite was found' }],
    })
  })
})
