import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { rpcNode } from '../../../sdk/adapters/index.ts'
import { run } from '../../../sdk/cli/run.ts'
import { seal, signingHash } from '../../../sdk/evm/codec.ts'
import { wei } from '../../../sdk/units.ts'
import { type Anvil, startAnvil } from '../../anvil.ts'
import { alice, preparedWith, sign } from '../evm/samples.ts'
import { lanekit } from './lanekit.ts'

const mnemonic = 'test test test test test test test test test test test junk'
const account = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
const password = { LANEKIT_PASSWORD: 'published password of a test' }
const missing = `0x${'11'.repeat(32)}`

let folder: string
let anvil: Anvil
let hash: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lanekit-cli-'))
  anvil = await startAnvil()
  const node = rpcNode({ url: anvil.url })
  await node.request('anvil_setBalance', [account, '0x16345785d8a0001'])
  await node.request('anvil_setBalance', [alice.account, '0xde0b6b3a7640000'])
  const gwei = (count: bigint) => wei(count * 10n ** 9n)
  const pricing = { type: 'eip1559', maxFeePerGas: gwei(30n), maxPriorityFeePerGas: gwei(1n), accessList: [] } as const
  const paid = preparedWith({ chainId: await node.chainId(), nonce: 0, pricing })
  hash = await node.send(seal(paid, sign(signingHash(paid), alice)).bytes)
})
afterEach(() => vi.unstubAllEnvs())
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await anvil.stop()
})

describe('lanekit wallet', { timeout: 120_000 }, () => {
  it('restores a mnemonic into a vault, opens it again, and never prints the words by itself', async () => {
    const store = ['--store', join(folder, 'restored')]
    const made = await lanekit(['wallet', 'new', ...store, '--restore', '-'], { input: `${mnemonic}\n`, env: password })
    expect(made.code).toBe(0)
    expect(made.stdout).toMatchInlineSnapshot(`
      "evm      0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266
      bitcoin  bc1q4qw42stdzjqs59xvlrlxr8526e3nunw7mp73te (mainnet)
      "
    `)
    vi.stubEnv('LANEKIT_PASSWORD', password.LANEKIT_PASSWORD)
    const again = await run(['wallet', 'new', ...store, '--json'])
    expect(again.code).toBe(1)
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: false, code: 'store/conflict' })
    const none = await run(['wallet', 'address', '--json', '--store', join(folder, 'none')])
    vi.stubEnv('LANEKIT_PASSWORD', 'another')
    const wrong = await run(['wallet', 'address', ...store])
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(none.stdout)).toMatchObject({ ok: false, code: 'vault/missing' })
    const balance = await lanekit(['wallet', 'balance', ...store, '--rpc', anvil.url], { env: password })
    expect(balance.code).toBe(0)
    expect(balance.stdout).toContain(`${account}  0.100000000000000001 ether on chain 31337\n`)
    expect(`${made.stdout}${again.stdout}${balance.stdout}`).not.toContain('junk')
  })

  it('shows a new mnemonic when told to, and wants a password from somewhere', async () => {
    const store = ['--store', join(folder, 'new')]
    const [none, made] = await Promise.all([
      lanekit(['wallet', 'new', '--store', join(folder, 'other')]),
      lanekit(['wallet', 'new', ...store, '--show-mnemonic', '--json'], { env: password }),
    ])
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toContain('set LANEKIT_PASSWORD')
    expect(JSON.parse(made.stdout).mnemonic.split(' ')).toHaveLength(12)
  })
})

describe('lanekit verify', { timeout: 120_000 }, () => {
  it('proves a transaction and its receipt, and says how far', async () => {
    const [tx, receipt] = await Promise.all([
      lanekit(['verify', 'tx', hash], { env: { LANEKIT_RPC: anvil.url } }),
      run(['verify', 'receipt', hash, '--rpc', anvil.url, '--json']),
    ])
    expect(tx.code).toBe(0)
    expect(tx.stdout).toMatch(
      /^transaction 0x\w{64} is number 0 of block 1, (0x\w{64})\nlevel node: transaction-inclusion and receipt-inclusion proven against block \1\n$/,
    )
    expect(JSON.parse(receipt.stdout)).toMatchObject({
      ok: true,
      hash,
      outcome: 'succeeded',
      verdict: { level: 'node' },
    })
  })

  it('refuses what is not there, and tells a silent node from a no', async () => {
    const [absent, other, silent, nonsense] = await Promise.all([
      run(['verify', 'tx', missing, '--rpc', anvil.url]),
      run(['verify', 'tx', hash, '--rpc', anvil.url, '--block', missing]),
      lanekit(['verify', 'tx', hash, '--rpc', 'http://127.0.0.1:1', '--json']),
      run(['verify', 'tx', 'hash', '--rpc', anvil.url]),
    ])
    expect(absent).toMatchObject({ code: 1, stdout: '' })
    expect(other.stderr).toContain('verify/other-block')
    expect(silent.code).toBe(3)
    expect(JSON.parse(silent.stdout)).toMatchObject({ ok: false, code: 'node/unreachable', retryable: true })
    expect(nonsense.code).toBe(2)
  })
})
