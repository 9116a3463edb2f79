import { describe, expect, it } from 'vitest'
import { loadPrecompiles } from '../../../sdk/crypto/precompiles.ts'
import { address, fromHex, toHex } from '../../../sdk/units.ts'
import { type Block, createMachine, emptyCodeHash } from '../../../sdk/vm/index.ts'

const sender = address(`0x${'51'.repeat(20)}`)
const contract = address(`0x${'c1'.repeat(20)}`)
const codeHash = `0x${'ab'.repeat(32)}` as const

const block: Block = {
  chainId: 1,
  number: 1n,
  timestamp: 1n,
  miner: sender,
  gasLimit: 30_000_000n,
  baseFeePerGas: 0n,
  prevRandao: new Uint8Array(32),
  excessBlobGas: 0n,
  hashOf: () => undefined,
}

/** Runs `code` and tells what it returned. */
async function run(code: Uint8Array, precompiles: readonly number[]) {
  const machine = createMachine({ fork: 'osaka', precompiles: await loadPrecompiles(precompiles) })
  const account = { nonce: 1n, balance: 0n }
  const state = {
    account: (at: string) => (at === contract ? { ...account, codeHash } : { ...account, codeHash: emptyCodeHash }),
    code: () => code,
    storage: () => undefined,
  }
  return machine.call({ from: sender, to: contract, value: 0n, data: new Uint8Array(0), gas: 1_000_000n }, block, state)
}

describe('the machine in workerd', () => {
  it('runs code', async () => {
    // 3 * 2 ** 100, returned.
    const outcome = await run(fromHex('0x606460020a6003025f5260205ff3'), [])
    expect(outcome.kind === 'executed' && BigInt(toHex(outcome.output))).toBe(3n * 2n ** 100n)
  })

  it('says which contract it needs, and runs with it once it is loaded', async () => {
    // STATICCALL of 8 with no input: the empty product of pairings is one.
    const code = fromHex('0x60205f5f5f60085afa5060205ff3')
    expect(await run(code, [])).toEqual({ kind: 'needs', precompile: 8 })
    const outcome = await run(code, [8])
    expect(outcome.kind === 'executed' && toHex(outcome.output)).toBe(`0x${'00'.repeat(31)}01`)
  })
})
