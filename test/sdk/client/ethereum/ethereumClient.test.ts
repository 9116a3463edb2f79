import { createPublicClient } from 'viem'
import { describe, expect, it } from 'vitest'
import { memory } from '../../../../sdk/adapters/index.ts'
import { createEthereumClient, type EthereumClientParts } from '../../../../sdk/client/ethereum/index.ts'
import { verified } from '../../../../sdk/connect/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import { createdAddress } from '../../../../sdk/evm/sender.ts'
import type { BeaconNode, ProofNode } from '../../../../sdk/ports.ts'
import { decodeRlp, encodeRlp } from '../../../../sdk/rlp.ts'
import { fromHex, type Hex, toHex, txHash } from '../../../../sdk/units.ts'
import { timeOf, verifyReceipt } from '../../../../sdk/verify/ethereum/index.ts'
import { createMachine } from '../../../../sdk/vm/index.ts'
import {
  bootstrapJson,
  membersOf,
  message,
  must,
  testBlock,
  testNetwork,
  updateJson,
} from '../../verify/ethereum/beacon.ts'
import {
  alice,
  bob,
  hashes,
  holding,
  nobody,
  paddedSlot,
  sender,
  token,
  transferTopic,
  type WorldBlock,
} from '../../verify/ethereum/world.ts'
import {
  beaconNode,
  checkpoint,
  clock,
  finalBlock,
  first,
  hashOf,
  now,
  olderBlock,
  proofNodeOf,
  world,
  youngest,
} from './setting.ts'

const machines: EthereumClientParts['machines'] = async (fork) => createMachine({ fork })
const root = toHex(checkpoint.root)
const honest: EthereumClientParts = {
  network: testNetwork,
  checkpoint: root,
  beacons: [beaconNode(), beaconNode()],
  nodes: [proofNodeOf()],
  clock,
  machines,
}
const client = createEthereumClient(honest)

async function failureOf(parts: Partial<EthereumClientParts>): Promise<SdkError> {
  try {
    await createEthereumClient({ ...honest, ...parts }).account(alice)
  } catch (error) {
    if (error instanceof SdkError) return error
    throw error
  }
  throw new Error('it answered')
}

describe('an Ethereum client', () => {
  it('answers with what is proven, and says how far', async () => {
    const { value, verdict } = await client.account(alice)
    expect(value).toMatchObject({ nonce: 7n, balance: 10n ** 18n + 12n })
    expect(verdict).toMatchObject({
      level: 'finalized',
      anchor: { kind: 'checkpoint', slot: 128, root },
      block: { number: 12, hash: finalBlock.hash },
      participation: { signed: 32, of: 32 },
      proven: ['account'],
      sources: ['beacon 0', 'beacon 1', 'node 0'],
    })
    expect((await client.account(alice, 'optimistic')).verdict.block.number).toBe(14)
    expect(await client.account(nobody)).toMatchObject({ value: null, verdict: { proven: ['account-absence'] } })
  })

  it('reads storage, code, token balances and ancestors', async () => {
    expect((await client.tokenBalance({ token, owner: alice, position: 3n })).value).toBe(holding)
    expect((await client.storage(token, [paddedSlot(1n), paddedSlot(2n)])).value.map((word) => word[31])).toEqual([
      9, 0,
    ])
    expect((await client.code(token)).value.length).toBeGreaterThan(0)
    const { value, verdict } = await client.balance(alice, 5)
    expect([value, verdict.block.hash, verdict.proven]).toEqual([
      10n ** 18n + 5n,
      olderBlock.hash,
      ['account', 'ancestry'],
    ])
  })

  it('proves payments, all logs of a range, and calls', async () => {
    const hash = txHash(hashOf(olderBlock.transactions[1] as Uint8Array))
    expect(await client.payment(hash)).toMatchObject({ value: { index: 1, hash, receipt: { outcome: 'succeeded' } } })
    expect(await client.payment(txHash(hashOf(new Uint8Array(1))))).toBeNull()
    const logs = await client.logs({ addresses: [token], topics: [[transferTopic]] }, { from: 2 })
    expect(logs.value.map(({ blockNumber }) => blockNumber)).toEqual([3, 6, 9, 12])
    expect(logs.verdict.proven).toEqual(['logs-complete'])
    const call = await client.call({ to: token, data: fromHex(paddedSlot(1n)) })
    expect([call.value.status, call.value.output[31]]).toEqual(['succeeded', 9])
  })

  it('finds the places of a call without a hint, many in one round, and the hash of a block among them', async () => {
    const rounds: string[][] = []
    let open = 0
    const counting: ProofNode = {
      ...proofNodeOf(),
      proof: async (account, slots, number) => {
        if (open === 0) rounds.push([])
        open += 1
        rounds.at(-1)?.push(...(slots.length > 0 ? slots : [account]))
        await Promise.resolve()
        open -= 1
        return proofNodeOf().proof(account, slots, number)
      },
    }
    const asked = createEthereumClient({ ...honest, nodes: [counting] })
    const { value } = await asked.call({ to: token, data: fromHex(paddedSlot(1n)) })
    expect(value.output[31]).toBe(9)
    expect(rounds.map((round) => round.length)).toEqual([3, 1])
    const hash = await asked.call({ to: hashes, data: fromHex(paddedSlot(5n)) })
    expect(toHex(hash.value.output)).toBe(olderBlock.hash)
  })

  it('hands out receipts that anybody with the checkpoint judges again', async () => {
    const { verdict } = await client.call({ to: token, data: fromHex(paddedSlot(1n)) })
    const updates = [message('update', updateJson(testBlock({ slot: 150, finalized: testBlock({ slot: 136 }) })))]
    const bootstrap = message('bootstrap', bootstrapJson(checkpoint))
    const anchor = { kind: 'checkpoint', network: testNetwork, root: checkpoint.root, bootstrap, updates } as const
    const again = must(verifyReceipt(verdict.receipt, { anchor, machine: createMachine({ fork: 'prague' }) }))
    expect(again.kind === 'call' && again.value.output[31]).toBe(9)
  })

  it('is asked by viem: what is proven is answered, what is not is refused', async () => {
    const viem = createPublicClient({ transport: verified(client) })
    expect(await viem.getBalance({ address: alice, blockTag: 'finalized' })).toBe(10n ** 18n + 12n)
    expect(await viem.getTransactionCount({ address: alice })).toBe(7)
    expect(await viem.getStorageAt({ address: token, slot: '0x1' })).toBe(paddedSlot(9n))
    expect((await viem.call({ to: token, data: paddedSlot(1n) })).data).toBe(paddedSlot(9n))
    expect(await viem.getBlockNumber()).toBe(14n)
    expect(await viem.getChainId()).toBe(1)
    const logs = await viem.getLogs({ address: token, fromBlock: 2n, toBlock: 12n })
    expect(logs.map(({ blockNumber, logIndex }) => [blockNumber, logIndex])).toEqual(
      [3, 6, 9, 12].map((one) => [BigInt(one), 2]),
    )
    const hashOfLog = (block: WorldBlock | undefined) => hashOf(block?.transactions[1] as Uint8Array)
    expect(logs.map(({ transactionHash }) => transactionHash)).toEqual([2, 5, 8, 11].map((at) => hashOfLog(world[at])))
    const sixth = world[5] as WorldBlock
    const byHash = await viem.getLogs({ address: token, blockHash: sixth.hash })
    expect(byHash).toMatchObject([{ blockNumber: 6n, transactionHash: hashOfLog(sixth) }])
    expect(await viem.getLogs({ address: token })).toEqual([])
    expect(await viem.getLogs({ address: token, fromBlock: 'finalized', toBlock: 'finalized' })).toHaveLength(1)
    await expect(viem.getLogs({ fromBlock: 'finalized', toBlock: 'latest' })).rejects.toThrow(/not a number/)
    const both = { blockHash: sixth.hash, fromBlock: '0x1' }
    await expect(viem.request({ method: 'eth_getLogs', params: [both as never] })).rejects.toThrow(/or by a hash/)
    const block = await viem.getBlock({ blockNumber: 6n, includeTransactions: true })
    expect([block.hash, block.transactions[1]?.from, block.transactions.length]).toEqual([world[5]?.hash, sender, 2])
    expect((await viem.getBlock({ blockHash: olderBlock.hash })).number).toBe(5n)
    const list = (items: readonly Uint8Array[]) => items.map((bytes) => decoded(bytes))
    const whole = [decoded(sixth.bytes), [...sixth.transactions], [], list(sixth.withdrawals)]
    expect(block).toMatchObject({
      size: BigInt(encodeRlp(whole).length),
      withdrawals: [
        { index: '0xc', validatorIndex: '0x0', address: alice, amount: '0x1a13b8600' },
        { index: '0xd', address: bob },
      ],
    })
    // The youngest block is signed and not final; what is under the final one is final still.
    expect((await viem.getBlock()).hash).toBe(youngest.hash)
    const [hash, made] = (block.transactions as { hash: Hex }[]).map((one) => one.hash) as [Hex, Hex]
    expect(await viem.getTransaction({ hash })).toMatchObject({ from: sender, to: token, nonce: 12, blockNumber: 6n })
    expect(await viem.getTransactionReceipt({ hash: made })).toMatchObject({
      from: sender,
      status: 'success',
      gasUsed: 21_000n,
      cumulativeGasUsed: 42_000n,
      effectiveGasPrice: 9n,
      transactionIndex: 1,
      contractAddress: createdAddress({ from: sender, nonce: 13 }),
      logs: [{ logIndex: 1 }, { logIndex: 2, transactionHash: made }],
    })
    expect(await viem.getBlockTransactionCount({ blockNumber: 6n })).toBe(2)
    await expect(viem.getTransactionReceipt({ hash: toHex(new Uint8Array(32)) })).rejects.toThrow(/could not be found/)
    await expect(viem.getGasPrice()).rejects.toThrow(/cannot be proven/)
    const sent: string[] = []
    const request = async (method: string) => {
      sent.push(method)
      return '0x7'
    }
    const mixed = createPublicClient({
      transport: verified(client, { unverified: { methods: ['eth_gasPrice'], request } }),
    })
    expect([await mixed.getGasPrice(), sent]).toEqual([7n, ['eth_gasPrice']])
  })
})

describe('what it keeps', () => {
  it('goes on from the store without a checkpoint, and refuses a store that was changed', async () => {
    const store = memory()
    await createEthereumClient({ ...honest, store }).sync()
    const { checkpoint: _, ...without } = honest
    const again = createEthereumClient({ ...without, store })
    expect((await again.account(alice)).verdict.anchor.slot).toBe(first + 12)
    const record = await store.get('client/light/test/0')
    const bytes = (record?.bytes ?? new Uint8Array(0)).slice()
    bytes[900] = (bytes[900] as number) ^ 1
    await store.commit([{ key: 'client/light/test/0', expected: record?.version ?? 0, bytes }])
    expect((await failureOf({ ...without, checkpoint: undefined as never, store })).code).toBe(
      'client/stale-checkpoint',
    )
  })
})

describe('what it refuses', () => {
  it('no checkpoint, an old one, and a clock that is wrong', async () => {
    const { checkpoint: _, ...without } = honest
    await expect(createEthereumClient(without).sync()).rejects.toMatchObject({ code: 'client/stale-checkpoint' })
    const days = (count: number) => ({ now: () => now + count * 86_400_000 })
    expect(await failureOf({ clock: days(15) })).toMatchObject({ code: 'client/stale-checkpoint' })
    expect(await failureOf({ clock: days(1) })).toMatchObject({ code: 'client/wrong-clock' })
    const before = { now: () => timeOf(testNetwork, 100) * 1_000 }
    expect(await failureOf({ clock: before })).toMatchObject({ code: 'client/wrong-clock' })
  })

  it('another network', async () => {
    const foreign: BeaconNode = { ...beaconNode(), genesis: async () => `0x${'11'.repeat(32)}` }
    expect(await failureOf({ beacons: [foreign] })).toMatchObject({ code: 'client/wrong-network' })
    const mixed = createEthereumClient({ ...honest, beacons: [foreign, beaconNode()] })
    await mixed.sync()
    expect(mixed.faults().beacons[0]?.error.message).toMatch(/another chain/)
  })

  it('checkpoint providers of whom too few agree', async () => {
    const other: BeaconNode = { ...beaconNode(), finalizedRoot: async () => `0x${'22'.repeat(32)}` }
    const silent: BeaconNode = {
      ...beaconNode(),
      finalizedRoot: () => Promise.reject(new SdkError('node/unreachable', 'The beacon node did not answer.')),
    }
    const quorum = (providers: readonly BeaconNode[], agree = 2) => ({ checkpoint: { providers, agree } })
    expect(
      (await createEthereumClient({ ...honest, ...quorum([beaconNode(), other, beaconNode()]) }).account(alice)).value,
    ).not.toBeNull()
    expect(await failureOf(quorum([beaconNode(), other]))).toMatchObject({ code: 'client/conflict' })
    expect(await failureOf(quorum([beaconNode(), silent]))).toMatchObject({ code: 'node/unreachable' })
  })

  it('two signed histories: it stops, and keeps both as evidence', async () => {
    const split = createEthereumClient({ ...honest, beacons: [beaconNode(), beaconNode({ branch: 1 })] })
    await expect(split.sync()).rejects.toMatchObject({ code: 'client/conflict' })
    expect(split.conflicts()).toMatchObject([{ kind: 'finalized-block', nodes: [0, 1] }])
    await expect(split.account(alice)).rejects.toMatchObject({ code: 'client/conflict' })
  })

  it('beacon nodes that sign nothing true: one honest one is enough', async () => {
    const forged = beaconNode({ signing: { signers: membersOf(3, 1) } })
    expect(await failureOf({ beacons: [forged] })).toMatchObject({ code: 'node/nonsense' })
    const mixed = createEthereumClient({ ...honest, beacons: [forged, beaconNode()] })
    expect((await mixed.account(alice)).verdict.sources).toEqual(['beacon 1', 'node 0'])
    expect(mixed.faults().beacons[0]?.error.message).toMatch(/has not signed/)
  })

  it('nodes whose proofs do not hold: one honest one is enough', async () => {
    const lies: readonly (readonly [string, Partial<ProofNode>])[] = [
      ['another account', { proof: async (_, slots, number) => proofNodeOf().proof(token, slots, number) }],
      ['another block', { proof: async (account, slots) => proofNodeOf().proof(account, slots, 5) }],
      ['nothing', { proof: async () => ({ account: [], slots: [] }) }],
      ['another header', { header: async () => youngest.bytes }],
      ['no header', { header: async () => undefined }],
    ]
    let lie: Partial<ProofNode> = {}
    const liar = new Proxy(proofNodeOf(), {
      get: (node, name: keyof ProofNode) => lie[name] ?? node[name],
    })
    const [alone, mixed] = [[liar], [liar, proofNodeOf()]].map((nodes) => createEthereumClient({ ...honest, nodes }))
    for (const [, told] of lies) {
      lie = told
      await expect(alone?.account(alice)).rejects.toMatchObject({ code: 'node/nonsense' })
      expect((await mixed?.account(alice))?.value?.nonce).toBe(7n)
      expect(mixed?.faults().nodes[0]).toMatchObject({ node: 0 })
    }
  })

  it('logs with one hidden, code of another, and blocks out of reach', async () => {
    const hiding: ProofNode = { ...proofNodeOf(), receipts: async () => [] }
    const other: ProofNode = { ...proofNodeOf(), code: async () => fromHex('0x00') }
    const filter = { addresses: [token], topics: [] }
    const asking = (nodes: readonly ProofNode[]) => createEthereumClient({ ...honest, nodes })
    await expect(asking([hiding]).logs(filter, { from: 2 })).rejects.toMatchObject({ code: 'node/nonsense' })
    await expect(asking([other]).code(token)).rejects.toMatchObject({ code: 'node/nonsense' })
    await expect(client.account(alice, 13)).rejects.toMatchObject({ code: 'client/not-provable' })
    await expect(client.logs(filter, { from: 13 })).rejects.toMatchObject({ code: 'client/not-provable' })
    await expect(
      createEthereumClient({ ...honest, machines: undefined as never }).call({ to: token, data: fromHex('0x') }),
    ).rejects.toMatchObject({ code: 'client/not-provable' })
  })
})

function decoded(bytes: Uint8Array) {
  return must(decodeRlp(bytes))
}
