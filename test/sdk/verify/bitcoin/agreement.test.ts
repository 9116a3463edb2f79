import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../../../../sdk/units.ts'
import { agreedBlock, checkpointAt, decodeHeader, type VouchedBlock } from '../../../../sdk/verify/bitcoin/index.ts'
import { held } from '../../../conformance/bitcoin.ts'
import { describeVectors, vectorPath } from '../../../vectors.ts'
import { extend, hashAt, mineOn, regtestChain } from './regtest.ts'

const start = regtestChain()
const headers = mineOn(start.best.hash, 0, 20)
const { chain } = extend(start, headers)
const checkpoint = checkpointAt(chain, 12) as NonNullable<ReturnType<typeof checkpointAt>>
const vouch = (maker: string, height = 12, hash = hashAt(headers, height - 1)): VouchedBlock => ({
  maker,
  height,
  hash,
})
const agreed = (vouched: readonly VouchedBlock[], agree = 2) =>
  agreedBlock({ network: 'regtest', checkpoint, vouched, agree })

describe('a checkpoint that makers agree on', () => {
  it('is one that enough of them name', () => {
    expect(held(agreed([vouch('a'), vouch('b')]))).toBe(checkpoint)
    expect(held(agreed([vouch('a'), vouch('b'), vouch('c'), vouch('d', 3)], 3))).toBe(checkpoint)
  })

  it('is none that one maker names twice, that too few name, or that any of them contradicts', () => {
    expect(agreed([vouch('a'), vouch('a')])).toMatchObject({ reason: expect.stringMatching(/1 of the 2 makers/) })
    expect(agreed([vouch('a'), vouch('b', 11)])).toMatchObject({ ok: false })
    const other = vouch('c', 12, hashAt(headers, 3))
    expect(agreed([vouch('a'), vouch('b'), other])).toMatchObject({ reason: expect.stringMatching(/c names another/) })
    expect(agreed([vouch('a')], 1).ok).toBe(false)
  })
})

describeVectors('checkpoints of two makers', () => {
  it('of mainnet agree at all heights that both name: bitcoinj names a header, Electrum the hash before it', () => {
    const lines = readFileSync(vectorPath('light/btc/bitcoinj-mainnet-checkpoints.txt'), 'utf8')
      .trim()
      .split('\n')
      .slice(3)
    const electrum: [string, number][] = JSON.parse(
      readFileSync(vectorPath('light/btc/electrum-mainnet-checkpoints.json'), 'utf8'),
    )
    const agree = lines.filter((line) => {
      const bytes = new Uint8Array(Buffer.from(line, 'base64'))
      const header = held(decodeHeader(bytes.slice(-80)))
      const height = new DataView(bytes.buffer, bytes.length - 84).getUint32(0)
      const [last] = electrum[height / 2_016 - 1] as [string, number]
      return Buffer.compare(header.previous, fromHex(`0x${last}`).reverse()) === 0
    })
    expect(agree.length).toBe(lines.length)
  })
})
