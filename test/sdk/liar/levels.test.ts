import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import {
  beaconApi,
  bitcoindFilters,
  type Fetch,
  proofNode,
  sequencedNode,
  unsafeHeads,
} from '../../../sdk/adapters/index.ts'
import { fundingOutput } from '../../../sdk/channel/index.ts'
import { createEthereumClient } from '../../../sdk/client/ethereum/index.ts'
import { createBitcoinClient } from '../../../sdk/client/index.ts'
import { createProposedClient, createSequencedClient, createUnsafeClient } from '../../../sdk/client/layer2/index.ts'
import { nobleEngine } from '../../../sdk/crypto/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import { blockHashOf, decodeHeader } from '../../../sdk/evm/block.ts'
import { headerJson } from '../../../sdk/evm/minedJson.ts'
import {
  filterLies,
  headLies,
  type Lie,
  lyingFetch,
  nodeLies,
  sequencedLies,
  superRootLies,
} from '../../../sdk/liar/index.ts'
import { secureKey } from '../../../sdk/trie/index.ts'
import { type Address, fromHex, height, toHex } from '../../../sdk/units.ts'
import { sequencedDigest } from '../../../sdk/verify/sequenced/index.ts'
import { checkpoint, clock, now, youngest } from '../client/ethereum/setting.ts'
import { filtersOf } from '../client/filters.ts'
import { funded } from '../client/setting.ts'
import { must, testNetwork } from '../verify/ethereum/beacon.ts'
import {
  rollup,
  rollupAlice,
  rollupHeader,
  rollupSecret,
  rollupSigner,
  rollupState,
  superGameCode,
  superRollup,
} from '../verify/ethereum/rollup.ts'
import { alice } from '../verify/ethereum/world.ts'
import { payloadOf, signUnsafe } from '../verify/opstack/payload.ts'
import { honestFetch } from './servers.ts'

const namesOf = (lies: readonly Lie[]) => lies.map((lie) => [lie.name, lie] as const)

/** The value, or the refusal; anything else that is thrown is a bug. */
async function outcome<value>(call: Promise<value>): Promise<value | SdkError> {
  return call.catch((error: unknown) => {
    if (error instanceof SdkError) return error
    throw error
  })
}

const rpcOf =
  (answer: (method: string, params: readonly unknown[]) => unknown): Fetch =>
  async (url, init) => {
    const { id, method, params } = JSON.parse(String(init.body))
    const result = answer(method, params)
    return result === undefined ? honestFetch(url, init) : Response.json({ jsonrpc: '2.0', id, result })
  }

describe('filters between a liar and the truth', () => {
  let backend: BitcoinBackend
  beforeAll(async () => {
    backend = await startBitcoin({ bitcoind: null })
  })
  afterAll(() => backend?.stop())

  /** The filters of the backend's blocks, as a bitcoind tells them. */
  const honest: Fetch = async (_, init) => {
    const asked = JSON.parse(String(init.body))
    const calls: readonly { readonly id: unknown; readonly params: readonly string[] }[] = [asked].flat()
    const hashes = calls.map(({ params }) => fromHex(`0x${params[0]}`).reverse())
    const told = await filtersOf(backend).filters(hashes)
    const plain = (bytes: Uint8Array) => toHex(bytes).slice(2)
    const answers = told.map(({ filter, header }, at) => ({
      id: calls[at]?.id,
      result: { filter: plain(filter), header: plain(header.slice().reverse()) },
      error: null,
    }))
    return Response.json(Array.isArray(asked) ? answers : answers[0])
  }
  const source = (fetch: Fetch) => bitcoindFilters({ url: 'http://filters.example', fetch })

  it('are believed of no liar beside an honest source, and each lie is held against it', async () => {
    const opening = await funded(backend)
    await backend.mine(2)
    for (const lie of filterLies) {
      const filters = [source(lyingFetch(honest, lie)), source(honest)]
      const client = await createBitcoinClient({ network: 'regtest', nodes: [backend.node], filters })
      const { fundedAt } = await client.view(opening)
      const output = { outpoint: opening.funding, script: fundingOutput(opening).script, height: height(fundedAt ?? 0) }
      expect(await client.unspent(output), lie.name).toMatchObject({
        value: { spent: false },
        verdict: { sources: ['filters 1'] },
      })
      expect(client.filterFaults(), lie.name).toMatchObject([{ node: 0, error: { code: 'node/nonsense' } }])
    }
  })
})

describe('a sequencer between a liar and the truth', () => {
  const signature = toHex(nobleEngine.sign(sequencedDigest(1, youngest.hash), rollupSecret))
  const honest = rpcOf((method) =>
    method === 'lanekit_sequencedBlock' ? { header: toHex(youngest.bytes), signature } : undefined,
  )
  const balanceOver = (fetch: Fetch) => {
    const nodes = [sequencedNode({ url: 'https://node.example', fetch })]
    const client = createSequencedClient({ chainId: 1, sequencer: rollupSigner, nodes })
    return client.account(alice).then(({ value }) => value?.balance)
  }
  const truth = 10n ** 18n + 14n

  it('is heard through an honest node', async () => {
    expect(await balanceOver(honest)).toBe(truth)
  })

  const proofs = nodeLies.filter(({ about, name }) => about.includes('eth_getProof') && !/slot/.test(name))
  it.each(namesOf([...sequencedLies, ...proofs]))('is not spoken for: %s', async (_, lie) => {
    expect(await outcome(balanceOver(lyingFetch(honest, lie)))).toMatchObject({ code: 'node/nonsense' })
  })
})

describe('a rollup between liars and the truth', () => {
  const header = must(decodeHeader(rollupHeader))
  /** The rollup's node: its one block and state. */
  const rollupFetch = rpcOf((method, params) => {
    if (method === 'eth_getBlockByNumber') return { ...headerJson(header), hash: blockHashOf(rollupHeader) }
    if (method !== 'eth_getProof') return undefined
    const proof = rollupState.prove(secureKey(fromHex(params[0] as Address)))
    return { accountProof: proof.map(toHex), storageProof: [] }
  })
  let lie: Lie | null = null
  const lying: Fetch = (url, init) => (lie ? lyingFetch(honestFetch, lie) : honestFetch)(url, init)
  const l1 = createEthereumClient({
    network: testNetwork,
    checkpoint: toHex(checkpoint.root),
    beacons: [beaconApi({ url: 'https://beacon.example', fetch: honestFetch })],
    nodes: [proofNode({ url: 'https://node.example', fetch: lying })],
    clock,
  })
  const node = (fetch: Fetch) => proofNode({ url: 'https://rollup.example', fetch })
  const proposedOver = (fetch: Fetch) =>
    createProposedClient({ chain: rollup, l1, node: node(fetch) })
      .account(rollupAlice)
      .then(({ value }) => value?.balance)
  const data = payloadOf({ timestamp: Math.floor(now / 1_000) }).data
  const { signature } = signUnsafe(data)
  const headsFetch: Fetch = async () => Response.json({ data: toHex(data), signature: toHex(signature) })
  const headOver = (fetch: Fetch) =>
    createUnsafeClient({
      ...{ chain: rollup, l1, node: node(rollupFetch), clock },
      heads: [unsafeHeads({ url: 'https://heads.example', fetch })],
    })
      .account(rollupAlice)
      .then(({ value }) => value?.balance)

  it('is read through honest servers, as proposed and as signed', async () => {
    lie = null
    expect([await proposedOver(rollupFetch), await headOver(headsFetch)]).toEqual([77n, 77n])
  })

  const onL1 = nodeLies.filter(({ about }) => about.some((one) => ['eth_getProof', 'eth_getCode'].includes(one)))
  it.each(namesOf(onL1))('is not misread from an L1 that lies: %s', async (_, told) => {
    lie = told
    const [proposed, head] = await Promise.all([outcome(proposedOver(rollupFetch)), outcome(headOver(headsFetch))])
    lie = null
    expect(proposed).toMatchObject({ code: 'node/nonsense' })
    // The signer is a slot: no code is looked at.
    if (told.about.includes('eth_getProof')) expect(head).toMatchObject({ code: 'node/nonsense' })
    else expect(head).toBe(77n)
  })

  const superOver = (l1Lie: Lie | null, fetch = rollupFetch) => {
    lie = l1Lie
    const client = createProposedClient({ chain: superRollup, l1, node: node(fetch) })
    return outcome(client.account(rollupAlice)).finally(() => {
      lie = null
    })
  }

  it('is read from super roots through honest servers', async () => {
    expect(await superOver(null)).toMatchObject({ value: { balance: 77n }, verdict: { game: { type: 5 } } })
  })

  const onSuperRoots = nodeLies.filter(({ about }) => about.includes('eth_getCode'))
  it.each(namesOf([...superRootLies, ...onSuperRoots]))(
    'is not misread from super roots that lie: %s',
    async (_, told) => {
      for (const type of [5, 10]) {
        const code = toHex(superGameCode(type))
        expect(await told.tell(code, { params: [], ask: async () => code })).not.toBe(code)
      }
      expect(await superOver(told)).toMatchObject({
        code: 'node/nonsense',
        notes: expect.arrayContaining([expect.stringMatching(/code/)]),
      })
    },
  )

  const onNode = nodeLies.filter(
    ({ about, name }) =>
      (about.includes('eth_getProof') && !/slot|another-block/.test(name)) ||
      ['no-block', 'changed-state-root', 'changed-timestamp'].includes(name),
  )
  it.each(namesOf(onNode))('is not misread from its own node: %s', async (_, told) => {
    const fetch = lyingFetch(rollupFetch, told)
    expect(await outcome(proposedOver(fetch))).toMatchObject({ code: 'node/nonsense' })
    expect(await superOver(null, fetch)).toMatchObject({ code: 'node/nonsense' })
  })

  it.each(namesOf(headLies))('has no head that its signer has not signed: %s', async (_, told) => {
    expect(await outcome(headOver(lyingFetch(headsFetch, told)))).toMatchObject({ code: 'node/nonsense' })
  })
})
