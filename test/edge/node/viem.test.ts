import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createPublicClient, createWalletClient, type Hex, http, parseAbi, parseEther } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rpcNode } from '../../../sdk/adapters/index.ts'
import { toBigInt } from '../../../sdk/rlp.ts'
import { address, fromHex, slot as slotName, toHex } from '../../../sdk/units.ts'
import { verifyAccount, verifySlot } from '../../../sdk/verify/ethereum/state.ts'
import { verifyBlock } from '../../../sdk/verify/index.ts'
import { type ServedNode, serveNode } from './open.ts'

/** Unmodified viem against the embedded node, as any wallet or script would use it. */
const account = mnemonicToAccount('test test test test test test test test test test test junk')
const other = address(`0x${'0b'.repeat(20)}`)
const erc20 = parseAbi([
  'constructor(string name, string symbol, uint256 supply, address owner)',
  'function transfer(address to, uint256 amount) returns (bool)',
  'function balanceOf(address owner) view returns (uint256)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
])
const path = '@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json'
const { bytecode } = JSON.parse(readFileSync(createRequire(import.meta.url).resolve(path), 'utf8')) as { bytecode: Hex }

let served: ServedNode
let clients: ReturnType<typeof clientsOf>
let token: Hex

function clientsOf(url: string) {
  const transport = http(url)
  return {
    reader: createPublicClient({ chain: foundry, transport, pollingInterval: 10 }),
    sender: createWalletClient({ chain: foundry, transport, account, pollingInterval: 10 }),
  }
}

beforeAll(async () => {
  served = await serveNode()
  clients = clientsOf(served.url)
  const { reader, sender } = clients
  const args = ['Lane Dollar', 'LUSD', 10n ** 24n, account.address] as const
  const receipt = await reader.waitForTransactionReceipt({
    hash: await sender.deployContract({ abi: erc20, bytecode, args }),
  })
  token = receipt.contractAddress as Hex
})
afterAll(() => served.stop())

describe('viem on the embedded node', () => {
  it('deploys, transfers, reads and finds the log', async () => {
    const { reader, sender } = clients
    const call = { address: token, abi: erc20, functionName: 'transfer', args: [other, 5n] } as const
    const { request, result } = await reader.simulateContract({ ...call, account })
    expect(result).toBe(true)
    const receipt = await reader.waitForTransactionReceipt({ hash: await sender.writeContract(request) })
    expect(receipt.status).toBe('success')
    const balance = { address: token, abi: erc20, functionName: 'balanceOf', args: [other] } as const
    expect(await reader.readContract(balance)).toBe(5n)
    const all = { address: token, abi: erc20, eventName: 'Transfer', args: { to: other }, fromBlock: 0n } as const
    const found = await reader.getContractEvents(all)
    expect(found.map((log) => [log.transactionHash, log.args.value])).toEqual([[receipt.transactionHash, 5n]])
    const nobody = { ...all, args: { to: address(`0x${'0e'.repeat(20)}`) } }
    expect(await reader.getContractEvents(nobody)).toEqual([])
  })

  it('estimates exactly: one unit less runs out of gas', async () => {
    const { reader, sender } = clients
    const call = { address: token, abi: erc20, functionName: 'transfer', account } as const
    const gas = await reader.estimateContractGas({ ...call, args: [address(`0x${'0c'.repeat(20)}`), 7n] })
    const [fails, goes] = [gas - 1n, gas].map((limit) => ({
      ...call,
      args: [address(`0x${'0c'.repeat(20)}`), 7n] as const,
      gas: limit,
    }))
    const one = await reader.waitForTransactionReceipt({ hash: await sender.writeContract(fails as never) })
    const two = await reader.waitForTransactionReceipt({ hash: await sender.writeContract(goes as never) })
    expect([one.status, two.status]).toEqual(['reverted', 'success'])
  })

  it('lists what a call touches, and tells gas with the list', async () => {
    const { reader } = clients
    const holder = address(account.address.toLowerCase())
    const data = `0xa9059cbb${other.slice(2).padStart(64, '0')}${'1'.padStart(64, '0')}` as Hex
    const { accessList, gasUsed } = await reader.createAccessList({ account: holder, to: token, data })
    expect(accessList.map(({ storageKeys }) => storageKeys.length)).toEqual([2])
    const gas = await reader.estimateGas({ account: holder, to: token, data, accessList })
    expect(gas).toBeGreaterThanOrEqual(gasUsed)
  })

  it('sends and waits in one call (EIP-7966)', async () => {
    const { sender } = clients
    const receipt = await sender.sendTransactionSync({ to: other, value: parseEther('1') })
    expect(receipt.status).toBe('success')
    expect(receipt.gasUsed).toBe(21_000n)
  })

  it('watches blocks and events by filters', async () => {
    const { reader, sender } = clients
    const filter = await reader.createContractEventFilter({ address: token, abi: erc20, eventName: 'Transfer' })
    const blocks = await reader.createBlockFilter()
    const pooled = await reader.createPendingTransactionFilter()
    const hash = await sender.writeContract({ address: token, abi: erc20, functionName: 'transfer', args: [other, 9n] })
    const { blockHash } = await reader.waitForTransactionReceipt({ hash })
    expect((await reader.getFilterChanges({ filter })).map(({ args }) => args.value)).toEqual([9n])
    expect(await reader.getFilterChanges({ filter })).toEqual([])
    expect(await reader.getFilterChanges({ filter: blocks })).toEqual([blockHash])
    expect(await reader.getFilterChanges({ filter: pooled })).toEqual([hash])
    expect(await reader.uninstallFilter({ filter })).toBe(true)
    await expect(reader.getFilterChanges({ filter })).rejects.toThrow(/not found/)
  })

  it('tells fees, blocks and pending nonces in shapes it reads', async () => {
    const { reader } = clients
    const history = await reader.getFeeHistory({ blockCount: 4, rewardPercentiles: [10, 90] })
    expect(history.baseFeePerGas).toHaveLength(history.gasUsedRatio.length + 1)
    expect(history.reward?.[0]).toHaveLength(2)
    const block = await reader.getBlock({ includeTransactions: true })
    expect(block.transactions[0]?.blockNumber).toBe(block.number)
    const pending = await reader.getTransactionCount({ address: account.address, blockTag: 'pending' })
    expect(pending).toBe(await reader.getTransactionCount({ address: account.address }))
  })

  it('proves accounts and slots against a header that proves itself', async () => {
    const { reader } = clients
    const block = await rpcNode({ url: served.url }).block('latest')
    if (!block) throw new Error('there is no block')
    const verified = verifyBlock({ ...block, expectedHash: block.hash })
    expect(verified).toMatchObject({ ok: true })
    const { stateRoot } = await reader.getBlock({ blockNumber: BigInt(block.number) })
    const slot = `0x${'00'.repeat(31)}02` as Hex // _totalSupply of OpenZeppelin's ERC20.
    const proof = await reader.getProof({ address: token, storageKeys: [slot], blockNumber: BigInt(block.number) })
    const nodes = (list: readonly Hex[]) => list.map((node) => fromHex(node))
    const held = verifyAccount({
      stateRoot: fromHex(stateRoot),
      address: address(token),
      proof: nodes(proof.accountProof),
    })
    if (!held.ok || !held.value) throw new Error('The proof does not hold.')
    const { nonce, balance, storageRoot, codeHash } = held.value
    expect([Number(nonce), balance, toHex(storageRoot), toHex(codeHash)]).toEqual([
      proof.nonce,
      proof.balance,
      proof.storageHash,
      proof.codeHash,
    ])
    const [stored] = proof.storageProof
    const word = verifySlot({ storageRoot, slot: slotName(slot), proof: nodes(stored?.proof ?? []) })
    expect(word.ok && toBigInt(word.value)).toBe(10n ** 24n)
    expect(stored?.value).toBe(10n ** 24n)
    const nobody = address(`0x${'0f'.repeat(20)}`)
    const absent = await reader.getProof({ address: nobody, storageKeys: [], blockNumber: BigInt(block.number) })
    const nothing = verifyAccount({ stateRoot: fromHex(stateRoot), address: nobody, proof: nodes(absent.accountProof) })
    expect(nothing).toEqual({ ok: true, value: null })
  })

  it('tells why a call reverts, with its data', async () => {
    const { reader } = clients
    const call = {
      address: token,
      abi: erc20,
      functionName: 'transfer',
      args: [other, 1n],
      account: address(`0x${'0d'.repeat(20)}`),
    } as const
    await expect(reader.simulateContract(call)).rejects.toThrow(/transfer amount exceeds balance/)
  })
})
