import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Wallet as EthersWallet, JsonRpcProvider } from 'ethers'
import { createPublicClient, createWalletClient, http, parseEther } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { anvil as anvilChainOfViem } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Edge } from '../../edge/local/workerd.ts'
import { type Hex, toHex } from '../../sdk/units.ts'
import { type Anvil, startAnvil } from '../anvil.ts'
import { startBareEdge } from './bareWorkerd.ts'
import { type Built, buildEdge } from './build.ts'
import { account, anvilChain, freshAddress } from './transfers.ts'

/** Goal: software that knows nothing of the edge uses it as its node. Real workerd, a real node behind it. */
let built: Built
let anvil: Anvil
let edge: Edge
let url: string
beforeAll(async () => {
  ;[built, anvil] = await Promise.all([buildEdge(), startAnvil({ accounts: 10, args: ['--block-time', '0.2'] })])
  const chains = { [anvilChain]: { fork: 'osaka', executors: [anvil.url], finality: 3, pollMs: 50 } }
  edge = await startBareEdge({ outdir: built.outdir, persist: built.folder(), chains })
  url = `${edge.url}/rpc/${anvilChain}`
})
afterAll(async () => {
  await edge?.stop()
  await anvil?.stop()
  built?.clear()
})

function keyOf(index: number): Hex {
  const key = account(index).getHdKey().privateKey
  if (!key) throw new Error('the account has a key')
  return toHex(key)
}

/** What the edge's own status route says, which a node alone does not know. */
async function stateAtEdge(sender: string, hash: string): Promise<string> {
  const response = await fetch(`${edge.url}/v1/chains/${anvilChain}/senders/${sender}/txs/${hash}`)
  return ((await response.json()) as { status: { state: string } }).status.state
}

async function balanceAtNode(of: string): Promise<bigint> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getBalance', params: [of, 'latest'] })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(anvil.url, { method: 'POST', headers, body })
  return BigInt(((await response.json()) as { result: string }).result)
}

describe('the JSON-RPC endpoint, with viem as it is', () => {
  const wallet = privateKeyToAccount(keyOf(0))
  const clients = () => {
    const transport = http(url, { batch: true })
    return {
      reader: createPublicClient({ chain: anvilChainOfViem, transport, pollingInterval: 50 }),
      writer: createWalletClient({ account: wallet, chain: anvilChainOfViem, transport }),
    }
  }

  it('sends, waits for the receipt, and counts what is queued', async () => {
    const { reader, writer } = clients()
    const to = freshAddress(0x1001)
    const hash = await writer.sendTransaction({ to, value: 5n })
    const receipt = await reader.waitForTransactionReceipt({ hash })
    expect(receipt.status).toBe('success')
    expect(await reader.getBalance({ address: to })).toBe(5n)
    // The node knows of its block before the edge has asked.
    await expect.poll(() => stateAtEdge(wallet.address, hash), { timeout: 30_000 }).toMatch(/^(included|finalized)$/)

    // Three in a row, each with the nonce that the endpoint names.
    const hashes: Hex[] = []
    for (let at = 0; at < 3; at++) hashes.push(await writer.sendTransaction({ to, value: 1n }))
    expect(await reader.getTransactionCount({ address: wallet.address, blockTag: 'pending' })).toBe(4)
    await Promise.all(hashes.map((one) => reader.waitForTransactionReceipt({ hash: one })))
    expect(await balanceAtNode(to)).toBe(8n)
  })

  it('sends and waits in one call (EIP-7966)', async () => {
    const { writer, reader } = clients()
    const to = freshAddress(0x1002)
    const request = await writer.prepareTransactionRequest({ to, value: 3n })
    const serializedTransaction = await writer.signTransaction(request)
    const receipt = await writer.sendRawTransactionSync({ serializedTransaction, timeout: 10_000 })
    expect(receipt.status).toBe('success')
    expect(await reader.getBalance({ address: to })).toBe(3n)
  })

  it('is told of mistakes in the words it knows', async () => {
    const { writer } = clients()
    const to = freshAddress(0x1003)
    await expect(writer.sendTransaction({ to, value: 1n, nonce: 0, gas: 21_000n })).rejects.toMatchObject({
      cause: { name: 'NonceTooLowError' },
    })
    await expect(writer.sendTransaction({ to, value: 1n, nonce: 10_000, gas: 21_000n })).rejects.toMatchObject({
      cause: { name: 'NonceTooHighError' },
    })
    await expect(writer.sendTransaction({ to, value: parseEther('1000000'), gas: 21_000n })).rejects.toMatchObject({
      cause: { name: 'InsufficientFundsError' },
    })
    await expect(writer.sendTransaction({ to, value: 1n, gas: 20_000n })).rejects.toMatchObject({
      cause: { name: 'IntrinsicGasTooLowError' },
    })
  })
})

describe('the JSON-RPC endpoint, with ethers as it is', () => {
  it('sends, waits, counts, and is told of mistakes in the words it knows', async () => {
    // It would answer from its own memory for a quarter of a second.
    const provider = new JsonRpcProvider(url, undefined, { polling: true, pollingInterval: 50, cacheTimeout: -1 })
    const wallet = new EthersWallet(keyOf(1), provider)
    const to = freshAddress(0x2001)
    const sent = await wallet.sendTransaction({ to, value: 7n })
    const receipt = await sent.wait()
    expect(receipt?.status).toBe(1)
    expect(await provider.getBalance(to)).toBe(7n)
    expect(await wallet.getNonce('pending')).toBe(1)
    // The node knows of its block before the edge has asked.
    await expect
      .poll(() => stateAtEdge(wallet.address, sent.hash), { timeout: 30_000 })
      .toMatch(/^(included|finalized)$/)

    await expect(wallet.sendTransaction({ to, value: 1n, nonce: 0, gasLimit: 21_000 })).rejects.toMatchObject({
      code: 'NONCE_EXPIRED',
    })
    // Behind a missing nonce it waits at the edge, so that its price can be compared.
    const gap = { to, value: 1n, nonce: 5, gasLimit: 21_000 }
    await wallet.sendTransaction({ ...gap, maxFeePerGas: 9_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n })
    await expect(
      wallet.sendTransaction({ ...gap, value: 2n, maxFeePerGas: 9_000_000_001n, maxPriorityFeePerGas: 1_000_000_001n }),
    ).rejects.toMatchObject({ code: 'REPLACEMENT_UNDERPRICED' })
    provider.destroy()
  })
})

describe('the JSON-RPC endpoint, with cast as it is', () => {
  const cast = async (...args: readonly string[]) => {
    const folder = dirname(
      createRequire(import.meta.url).resolve(`@foundry-rs/cast-${process.platform}-${machine()}/package.json`),
    )
    const { stdout } = await promisify(execFile)(join(folder, 'bin/cast'), [...args, '--rpc-url', url])
    return stdout.trim()
  }

  it('sends, waits, and reads', async () => {
    const to = freshAddress(0x3001)
    const told = JSON.parse(await cast('send', to, '--value', '9', '--private-key', keyOf(2), '--json'))
    expect(told.status).toBe('0x1')
    expect(await cast('balance', to)).toBe('9')
    expect(await cast('nonce', account(2).address)).toBe('1')
    expect(await cast('chain-id')).toBe(String(anvilChain))
    await expect
      .poll(() => stateAtEdge(account(2).address, told.transactionHash), { timeout: 30_000 })
      .toMatch(/^(included|finalized)$/)
  })
})

function machine(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch
}
