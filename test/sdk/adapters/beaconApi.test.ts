import { describe, expect, it } from 'vitest'
import { beaconAnswerBytesMax, beaconApi, type Fetch, proofNode } from '../../../sdk/adapters/index.ts'
import { address, blockHash, fromHex, slot, toHex, txHash } from '../../../sdk/units.ts'
import {
  accountProof,
  alice,
  createWorld,
  paddedSlot,
  slotProof,
  token,
  type WorldBlock,
} from '../verify/ethereum/world.ts'

const root = `0x${'ab'.repeat(32)}` as const

/** Answers by path, and remembers what was asked. */
function serving(answers: Readonly<Record<string, unknown>>, status = 200) {
  const asked: string[] = []
  const fetch: Fetch = async (url) => {
    const path = url.replace('https://beacon.example/eth/v1/beacon/', '')
    asked.push(path)
    const body = answers[path]
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })
  }
  return { asked, node: beaconApi({ url: 'https://beacon.example/', fetch }) }
}

describe('a beacon node over HTTP', () => {
  it('is asked where the Beacon API says, and its data is handed on', async () => {
    const { asked, node } = serving({
      genesis: { data: { genesis_validators_root: root.toUpperCase().replace('0X', '0x') } },
      'headers/finalized': { data: { root } },
      [`light_client/bootstrap/${root}`]: { version: 'electra', data: 1 },
      'light_client/updates?start_period=7&count=2': [{ data: 2 }, { data: 3 }],
      'light_client/finality_update': { data: 4 },
      'light_client/optimistic_update': { data: 5 },
    })
    expect(await node.genesis()).toBe(root)
    expect(await node.finalizedRoot()).toBe(root)
    expect(await node.bootstrap(root)).toBe(1)
    expect(await node.updates(7, 2)).toEqual([2, 3])
    expect([await node.finalityUpdate(), await node.optimisticUpdate()]).toEqual([4, 5])
    expect(asked).toHaveLength(6)
  })

  it('that answers nonsense, refuses or fails is told apart, and never by its address', async () => {
    const of = async (answers: Readonly<Record<string, unknown>>, status: number) =>
      serving(answers, status)
        .node.genesis()
        .catch((error) => [error.code, error.retryable, String(error.message).includes('beacon.example')])
    expect(await of({ genesis: 'no json' }, 200)).toEqual(['node/nonsense', false, false])
    expect(await of({ genesis: { data: {} } }, 200)).toEqual(['node/nonsense', false, false])
    expect(await of({ genesis: { message: 'see https://beacon.example' } }, 404)).toEqual([
      'node/refused',
      false,
      false,
    ])
    expect(await of({ genesis: {} }, 503)).toEqual(['node/unreachable', true, false])
    expect(await of({ genesis: 'x'.repeat(beaconAnswerBytesMax + 1) }, 200)).toEqual(['node/nonsense', false, false])
    const many = serving({ 'light_client/updates?start_period=0&count=1': [{}, {}] })
    await expect(many.node.updates(0, 1)).rejects.toMatchObject({ code: 'node/nonsense' })
  })
})

describe('a node that is asked for proofs', () => {
  const block = createWorld(3).at(-1) as WorldBlock
  const node = (answers: Readonly<Record<string, unknown>>) =>
    proofNode({
      url: 'https://node.example',
      fetch: async (_, init) => {
        const { id, method } = JSON.parse(String(init.body))
        return new Response(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] ?? null }))
      },
    })
  const storageProof = (key: string) => [
    { key, value: '0x9', proof: slotProof(block, token, paddedSlot(1n)).map(toHex) },
  ]
  const proof = { accountProof: accountProof(block, token).map(toHex), storageProof: storageProof('0x1') }

  it('brings the nodes of a proof, whatever form the key of a slot has', async () => {
    const expected = { account: accountProof(block, token), slots: [slotProof(block, token, paddedSlot(1n))] }
    for (const key of ['0x1', paddedSlot(1n)]) {
      const told = { ...proof, storageProof: storageProof(key) }
      expect(await node({ eth_getProof: told }).proof(token, [paddedSlot(1n)], 3)).toEqual(expected)
    }
  })

  it('is refused for answers that are not of their shape', async () => {
    const asking = (told: unknown) => node({ eth_getProof: told }).proof(token, [paddedSlot(1n)], 3)
    for (const told of [
      null,
      { ...proof, accountProof: 'x' },
      { ...proof, storageProof: [] },
      { ...proof, accountProof: ['0x1'] },
      { ...proof, storageProof: storageProof('0x2') },
      { ...proof, accountProof: new Array(66).fill('0x00') },
    ])
      await expect(asking(told)).rejects.toMatchObject({ code: 'node/nonsense' })
    await expect(node({ eth_getCode: 7 }).code(token, 3)).rejects.toMatchObject({ code: 'node/nonsense' })
    await expect(node({ eth_getBlockReceipts: {} }).receipts(block.hash)).rejects.toMatchObject({
      code: 'node/nonsense',
    })
  })

  it('tells where a transaction is, and nothing where it knows of none', async () => {
    const hash = txHash(root)
    expect(await node({}).blockOf(hash)).toBeUndefined()
    expect(await node({ eth_getTransactionReceipt: { blockHash: root } }).blockOf(hash)).toBe(blockHash(root))
    expect(await node({}).header(1)).toBeUndefined()
  })

  it('hints at the places of a call, and at none where it cannot tell', async () => {
    const call = { from: alice, to: token, value: 0n, data: fromHex('0x') }
    const list = { accessList: [{ address: token, storageKeys: [root] }], gasUsed: '0x1' }
    expect(await node({ eth_createAccessList: list }).places(call, 3)).toEqual([
      { address: address(token), slots: [slot(root)] },
    ])
    expect(await node({ eth_createAccessList: { error: 'x' } }).places(call, 3)).toEqual([])
  })
})
