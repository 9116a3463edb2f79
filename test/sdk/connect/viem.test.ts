import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import {
  type Abi,
  createPublicClient,
  createWalletClient,
  getContract,
  type Hex,
  http,
  parseEther,
  parseGwei,
  type TransactionSerializable,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { anvil as anvilChain } from 'viem/chains'
import { recoverAuthorizationAddress } from 'viem/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memory, rpcNode } from '../../../sdk/adapters/index.ts'
import { lanekit, toViemAccount } from '../../../sdk/connect/index.ts'
import { chainId, toHex } from '../../../sdk/units.ts'
import { createWallet, secretKeySigner, type Wallet } from '../../../sdk/wallet/index.ts'
import { type Anvil, startAnvil } from '../../anvil.ts'
import { alice, bob } from '../evm/samples.ts'
import { nodeRelay } from '../wallet/model/nodeRelay.ts'

const artifact: { abi: Abi; bytecode: Hex } = JSON.parse(
  readFileSync(
    createRequire(import.meta.url).resolve('@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json'),
    'utf8',
  ),
)
const theirs = privateKeyToAccount(toHex(alice.secretKey))

let anvil: Anvil
let wallet: Wallet

beforeAll(async () => {
  anvil = await startAnvil()
  const evm = rpcNode({ url: anvil.url })
  await evm.request('anvil_setBalance', [alice.account, '0x56bc75e2d63100000'])
  wallet = await createWallet({
    keys: secretKeySigner(alice.secretKey),
    store: memory(),
    relay: nodeRelay(evm),
    evm,
    chain: { id: chainId(31_337), fork: 'osaka' },
  })
})
afterAll(async () => {
  wallet?.close()
  await anvil?.stop()
})

/** An unmodified viem client, by account or by address. */
function clientOf(account: Hex | ReturnType<typeof toViemAccount>) {
  return createWalletClient({ account, chain: anvilChain, transport: lanekit(wallet) })
}

function readerOf() {
  return createPublicClient({ chain: anvilChain, transport: lanekit(wallet), pollingInterval: 50 })
}

describe('the transport, under an unmodified viem client', () => {
  it('knows chain and accounts', async () => {
    const client = clientOf(alice.account)
    expect(await client.getChainId()).toBe(31_337)
    expect(await client.getAddresses()).toEqual([theirs.address])
    expect(await client.requestAddresses()).toEqual([theirs.address])
  })

  it('sends through the outbox, and waits for the receipt', async () => {
    const reader = readerOf()
    const before = await reader.getBalance({ address: bob.account })
    const hash = await clientOf(alice.account).sendTransaction({ to: bob.account, value: parseEther('1') })
    expect(await reader.waitForTransactionReceipt({ hash })).toMatchObject({ status: 'success', transactionHash: hash })
    expect((await reader.getBalance({ address: bob.account })) - before).toBe(parseEther('1'))
    expect((await wallet.receipt(hash as never))?.verdict).toMatchObject({ level: 'node' })
  })

  it('deploys, writes and reads a contract by its ABI', async () => {
    const client = clientOf(alice.account)
    const reader = readerOf()
    const hash = await client.deployContract({ ...artifact, args: ['T', 'T', 1_000n, alice.account] })
    const { contractAddress } = await reader.waitForTransactionReceipt({ hash })
    if (!contractAddress) throw new Error('nothing was deployed')
    const token = getContract({
      address: contractAddress,
      abi: artifact.abi,
      client: { public: reader, wallet: client },
    })
    const written = await token.write.transfer?.([bob.account, 5n])
    if (!written) throw new Error('nothing was written')
    await reader.waitForTransactionReceipt({ hash: written })
    expect(await token.read.balanceOf?.([bob.account])).toBe(5n)
  })

  it('takes what a local account signed into the same outbox, under the next nonce', async () => {
    const client = clientOf(toViemAccount(wallet, alice.account))
    const reader = readerOf()
    const first = await clientOf(alice.account).sendTransaction({ to: bob.account, value: 1n })
    const second = await client.sendTransaction({ to: bob.account, value: 2n })
    const third = await clientOf(alice.account).sendTransaction({ to: bob.account, value: 3n })
    const receipts = await Promise.all([first, second, third].map((hash) => reader.waitForTransactionReceipt({ hash })))
    expect(receipts.map(({ status }) => status)).toEqual(['success', 'success', 'success'])
  })

  it('keeps gas and fees that the caller gives', async () => {
    const hash = await clientOf(alice.account).sendTransaction({
      to: bob.account,
      value: 1n,
      gas: 30_000n,
      maxFeePerGas: parseGwei('9'),
      maxPriorityFeePerGas: parseGwei('2'),
    })
    const transaction = await readerOf().getTransaction({ hash })
    expect(transaction).toMatchObject({
      gas: 30_000n,
      maxFeePerGas: parseGwei('9'),
      maxPriorityFeePerGas: parseGwei('2'),
    })
  })

  it('tells a revert and missing funds in words that viem knows', async () => {
    const client = clientOf(alice.account)
    await expect(client.sendTransaction({ to: bob.account, value: parseEther('1000000') })).rejects.toMatchObject({
      details: expect.stringContaining('insufficient funds'),
    })
    const hash = await client.deployContract({ ...artifact, args: ['T', 'T', 1n, bob.account] })
    const { contractAddress } = await readerOf().waitForTransactionReceipt({ hash })
    if (!contractAddress) throw new Error('nothing was deployed')
    const failing = client.writeContract({
      address: contractAddress,
      abi: artifact.abi,
      functionName: 'transfer',
      args: [bob.account, 5n],
    })
    await expect(failing).rejects.toThrow(/transfer amount exceeds balance/)
  })

  it('signs messages and typed data for clients that hold no key', async () => {
    const client = clientOf(alice.account)
    expect(await client.signMessage({ message: 'hello' })).toBe(await theirs.signMessage({ message: 'hello' }))
    expect(await client.signTypedData(mail)).toBe(await theirs.signTypedData(mail))
  })
})

const mail = {
  domain: { name: 'Mail', version: '1', chainId: 31_337, verifyingContract: bob.account },
  types: {
    Mail: [
      { name: 'to', type: 'address' },
      { name: 'amount', type: 'uint256' },
      { name: 'tags', type: 'string[]' },
    ],
  },
  primaryType: 'Mail',
  message: { to: alice.account, amount: 7n, tags: ['a', 'b'] },
} as const

describe('the account, beside viem’s own with the same key', () => {
  const common = { chainId: 1, to: bob.account, value: 7n, nonce: 3, gas: 60_000n, data: '0x1234' } as const
  const accessList = [{ address: bob.account, storageKeys: [toHex(new Uint8Array(32).fill(1))] }]
  const market = { maxFeePerGas: 30n, maxPriorityFeePerGas: 2n }
  const transactions: readonly [name: string, transaction: TransactionSerializable][] = [
    ['legacy', { ...common, type: 'legacy', gasPrice: 9n }],
    ['without a type', { ...common, gasPrice: 9n }],
    ['type 1', { ...common, type: 'eip2930', gasPrice: 9n, accessList }],
    ['type 2', { ...common, type: 'eip1559', ...market }],
    ['type 2 with a list', { ...common, type: 'eip1559', ...market, accessList }],
    ['a creation', { chainId: 1, nonce: 0, gas: 90_000n, data: '0x6001', ...market }],
  ]
  for (const [name, transaction] of transactions)
    it(`signs a transaction alike: ${name}`, async () => {
      const ours = toViemAccount(wallet, alice.account)
      expect(await ours.signTransaction(transaction)).toBe(await theirs.signTransaction(transaction))
    })

  it('signs a transaction with authorizations alike', async () => {
    const ours = toViemAccount(wallet, alice.account)
    const wish = { chainId: 1, address: bob.account, nonce: 4 }
    const authorization = await ours.signAuthorization?.(wish)
    expect(authorization).toEqual(await theirs.signAuthorization(wish))
    if (!authorization) return
    expect(await recoverAuthorizationAddress({ authorization })).toBe(theirs.address)
    const transaction = { ...common, type: 'eip7702', ...market, authorizationList: [authorization] } as const
    expect(await ours.signTransaction(transaction)).toBe(await theirs.signTransaction(transaction))
  })

  it('signs messages and typed data alike', async () => {
    const ours = toViemAccount(wallet, alice.account)
    for (const message of ['', 'hello', 'grüße', { raw: '0x00ff' as Hex }, { raw: Uint8Array.of(0, 255) }])
      expect(await ours.signMessage({ message })).toBe(await theirs.signMessage({ message }))
    expect(await ours.signTypedData(mail)).toBe(await theirs.signTypedData(mail))
  })

  it('refuses what no outbox holds: blobs, no chain, typed data out of its types', async () => {
    const ours = toViemAccount(wallet, alice.account)
    const blobs = { ...common, type: 'eip4844', ...market, maxFeePerBlobGas: 1n, blobVersionedHashes: [] } as never
    await expect(ours.signTransaction(blobs)).rejects.toMatchObject({ code: 'evm/malformed-transaction' })
    const anywhere = { to: bob.account, gasPrice: 1n, gas: 21_000n }
    await expect(ours.signTransaction(anywhere)).rejects.toMatchObject({ code: 'evm/malformed-transaction' })
    const wrong = { ...mail, message: { ...mail.message, amount: -1n } }
    await expect(ours.signTypedData(wrong)).rejects.toMatchObject({ code: 'evm/malformed-typed-data' })
  })

  it('serves a client over plain HTTP too', async () => {
    const client = createWalletClient({
      account: toViemAccount(wallet, alice.account),
      chain: anvilChain,
      transport: http(anvil.url),
    })
    const hash = await client.sendTransaction({ to: bob.account, value: 1n })
    expect(await readerOf().waitForTransactionReceipt({ hash })).toMatchObject({ status: 'success' })
  })
})
