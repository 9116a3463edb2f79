import { createPublicClient } from 'viem'
import { afterAll, describe, expect, it } from 'vitest'
import { createEthereumClient } from '../../../sdk/client/ethereum/index.ts'
import {
  remoteCallsMax,
  remoteEthereumClient,
  serveEthereumClient,
  type ThreadPort,
} from '../../../sdk/client/remote/index.ts'
import { verified } from '../../../sdk/connect/index.ts'
import { InvariantError } from '../../../sdk/errors.ts'
import { fromHex, toHex } from '../../../sdk/units.ts'
import { createMachine } from '../../../sdk/vm/index.ts'
import { testNetwork } from '../verify/ethereum/beacon.ts'
import { alice, nobody, paddedSlot, token } from '../verify/ethereum/world.ts'
import { beaconNode, checkpoint, clock, olderBlock, proofNodeOf } from './ethereum/setting.ts'

const local = createEthereumClient({
  network: testNetwork,
  checkpoint: toHex(checkpoint.root),
  beacons: [beaconNode()],
  nodes: [{ ...proofNodeOf(), proof: async () => ({ account: [], slots: [] }) }, proofNodeOf()],
  clock,
  machines: async (fork) => createMachine({ fork }),
})
/** A real channel: what it carries is cloned, as between threads. */
const { port1, port2 } = new MessageChannel()
for (const port of [port1, port2]) port.start()
serveEthereumClient(port2 as ThreadPort, local)
const remote = remoteEthereumClient(port1 as ThreadPort, testNetwork)
afterAll(() => port1.close())

describe('a client in another thread', () => {
  it('answers as the client itself, blocks with their tries among it', async () => {
    expect(await remote.account(alice)).toEqual(await local.account(alice))
    expect(await remote.account(nobody)).toMatchObject({ value: null })
    const call = await remote.call({ to: token, data: fromHex(paddedSlot(1n)) })
    expect(call.value.output[31]).toBe(9)
    const [block, same] = [await remote.block(5), await local.block(5)]
    expect(block.value.hash).toBe(olderBlock.hash)
    expect(block.value.receiptsTrie.root).toEqual(same.value.receiptsTrie.root)
    expect(block.value.transactionsTrie.root).toEqual(same.value.header.transactionsRoot)
    expect((await remote.sync()).chain.finalized.root).toEqual((await local.sync()).chain.finalized.root)
    expect(await remote.conflicts()).toEqual([])
  })

  it('carries a viem transport', async () => {
    const viem = createPublicClient({ transport: verified(remote) })
    expect((await viem.getBlock({ blockNumber: 6n })).number).toBe(6n)
    expect(await viem.getBalance({ address: alice, blockTag: 'finalized' })).toBe(10n ** 18n + 12n)
  })

  it('throws what the client throws, with code, advice and faults', async () => {
    await expect(remote.account(alice, 13)).rejects.toMatchObject({ code: 'client/not-provable', retryable: false })
    const { nodes } = await remote.faults()
    expect(nodes[0]?.error).toMatchObject({ name: 'SdkError', code: 'node/nonsense' })
  })

  it('throws a bug there as a bug here, and passes over what is not for it', async () => {
    const { port1: near, port2: far } = new MessageChannel()
    for (const port of [near, far]) port.start()
    serveEthereumClient(far as ThreadPort, { ...local, sync: () => Promise.reject(new TypeError('a bug')) })
    const asked = remoteEthereumClient(near as ThreadPort, testNetwork)
    near.postMessage({ foreign: true })
    near.postMessage(null)
    await expect(asked.sync()).rejects.toThrow(InvariantError)
    near.postMessage({ lanekit: 'ask', id: 999, method: 'constructor', args: [] })
    expect((await asked.account(nobody)).value).toBeNull()
    near.close()
  })

  it('fails everything that is open when the thread fails, and takes no more than it may', async () => {
    const listeners = new Map<string, (event: unknown) => void>()
    const silent: ThreadPort = {
      postMessage: () => undefined,
      addEventListener: (type, listener) => void listeners.set(type, listener),
    }
    const asked = remoteEthereumClient(silent, testNetwork)
    const open = Array.from({ length: remoteCallsMax }, () => asked.sync())
    const ends = Promise.allSettled(open)
    await expect(asked.sync()).rejects.toMatchObject({ code: 'client/busy' })
    listeners.get('error')?.({})
    const codes = (await ends).map((end) => end.status === 'rejected' && end.reason.code)
    expect(new Set(codes)).toEqual(new Set(['client/stopped']))
    await expect(asked.sync()).rejects.toMatchObject({ code: 'client/stopped' })
  })
})
