import { describe, expect, it } from 'vitest'
import { beaconApi, type Fetch, proofNode } from '../../../sdk/adapters/index.ts'
import { createEthereumClient, type EthereumClient } from '../../../sdk/client/ethereum/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import { beaconLies, type Lie, lyingFetch, nodeLies } from '../../../sdk/liar/index.ts'
import { fromHex, toHex, txHash } from '../../../sdk/units.ts'
import { createMachine } from '../../../sdk/vm/index.ts'
import { checkpoint, clock, hashOf, olderBlock, world } from '../client/ethereum/setting.ts'
import { testNetwork } from '../verify/ethereum/beacon.ts'
import { alice, holding, nobody, paddedSlot, token } from '../verify/ethereum/world.ts'
import { honestFetch } from './servers.ts'

function clientOver(beaconFetch: Fetch, nodeFetch: Fetch): EthereumClient {
  return createEthereumClient({
    network: testNetwork,
    checkpoint: toHex(checkpoint.root),
    beacons: [beaconApi({ url: 'https://beacon.example', fetch: beaconFetch })],
    nodes: [proofNode({ url: 'https://node.example', fetch: nodeFetch })],
    clock,
    machines: async (fork) => createMachine({ fork }),
  })
}

const evenBlock = world[5] as (typeof world)[number]
const sent = txHash(hashOf(olderBlock.transactions[1] as Uint8Array))

/** Everything that can be asked, and what is true. */
const questions: readonly (readonly [string, (client: EthereumClient) => Promise<unknown>, unknown])[] = [
  ['balance', async (client) => (await client.balance(alice)).value, 10n ** 18n + 12n],
  ['absence', async (client) => (await client.account(nobody)).value, null],
  ['token', async (client) => (await client.tokenBalance({ token, owner: alice, position: 3n })).value, holding],
  ['code', async (client) => toHex((await client.code(token)).value), '0x5f355460005260206000f3'],
  ['ancestor', async (client) => (await client.balance(alice, 5)).value, 10n ** 18n + 5n],
  [
    'logs',
    async (client) =>
      (await client.logs({ addresses: [token], topics: [] }, { from: 2 })).value.map(({ blockNumber }) => blockNumber),
    [3, 6, 9, 12],
  ],
  [
    'hashes',
    async (client) => {
      const filter = { addresses: [token], topics: [] }
      const { value } = await client.logs(filter, { to: 6, hashes: true })
      return value.map(({ transactionHash }) => transactionHash)
    },
    [hashOf(evenBlock.transactions[1] as Uint8Array)],
  ],
  [
    'block',
    async (client) => {
      const { value } = await client.block(6)
      const { transactions, receipts, withdrawals } = value.facts
      return [value.hash, ...[...transactions, ...receipts, ...(withdrawals ?? [])].map(toHex)]
    },
    [evenBlock.hash, ...[...evenBlock.transactions, ...evenBlock.receipts, ...evenBlock.withdrawals].map(toHex)],
  ],
  [
    'payment',
    async (client) => {
      const found = await client.payment(sent)
      return found && [found.verdict.block.number, found.value.index, found.value.receipt.cumulativeGasUsed]
    },
    [5, 1, 42_000n],
  ],
  ['call', async (client) => (await client.call({ to: token, data: fromHex(paddedSlot(1n)) })).value.output[31], 9],
]

/** Asks everything; true answers and refusals are fine, and at least one refusal must name the lie. */
async function tried(
  client: EthereumClient,
): Promise<{ readonly wrong: readonly string[]; readonly refusals: readonly SdkError[] }> {
  const wrong: string[] = []
  const refusals: SdkError[] = []
  for (const [name, ask, truth] of questions) {
    try {
      const told = await ask(client)
      if (JSON.stringify(told, text) !== JSON.stringify(truth, text)) wrong.push(name)
    } catch (error) {
      if (!(error instanceof SdkError)) throw error
      refusals.push(error)
    }
  }
  return { wrong, refusals }
}

function text(_: string, value: unknown) {
  return typeof value === 'bigint' ? `${value}n` : value
}

function reasonsOf(refusals: readonly SdkError[]): string {
  return refusals.flatMap(({ message, notes }) => [message, ...notes]).join(' ')
}

describe('a client between a liar and the truth', () => {
  it('is told nothing but the truth by honest servers', async () => {
    expect(await tried(clientOver(honestFetch, honestFetch))).toEqual({ wrong: [], refusals: [] })
  })

  // One client for all: what the beacon node tells is true, and judged once.
  let now: Lie | null = null
  const client = clientOver(honestFetch, (url, init) => (now ? lyingFetch(honestFetch, now) : honestFetch)(url, init))
  it.each(nodeLies.map((lie) => [lie.name, lie] as const))('is not deceived by a node: %s', async (_, lie) => {
    now = lie
    const { wrong, refusals } = await tried(client)
    expect(wrong).toEqual([])
    expect(refusals.length).toBeGreaterThan(0)
    expect(refusals.map(({ code }) => code)).toEqual(refusals.map(() => 'node/nonsense'))
    // Each refusal says what is wrong, not only that something is.
    for (const { notes } of refusals) expect(notes.join()).toMatch(/answered nonsense: .{20}/)
  })

  it.each(beaconLies.map((lie) => [lie.name, lie] as const))(
    'is not deceived by a beacon node: %s',
    async (_, lie: Lie) => {
      const client = clientOver(lyingFetch(honestFetch, lie), honestFetch)
      const refusal = await client.balance(alice).then(
        () => null,
        (error: unknown) => error,
      )
      expect(refusal).toBeInstanceOf(SdkError)
      expect(['node/nonsense', 'client/wrong-network']).toContain((refusal as SdkError).code)
      expect(reasonsOf([refusal as SdkError]).length).toBeGreaterThan(60)
    },
  )
})
