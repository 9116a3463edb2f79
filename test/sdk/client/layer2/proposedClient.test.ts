import { describe, expect, it } from 'vitest'
import { createEthereumClient } from '../../../../sdk/client/ethereum/index.ts'
import { createProposedClient } from '../../../../sdk/client/layer2/index.ts'
import type { ProofNode } from '../../../../sdk/ports.ts'
import { secureKey } from '../../../../sdk/trie/index.ts'
import { fromHex, toHex } from '../../../../sdk/units.ts'
import { testNetwork } from '../../verify/ethereum/beacon.ts'
import { games, rollup, rollupAlice, rollupHeader, rollupState, superRollup } from '../../verify/ethereum/rollup.ts'
import { nobody } from '../../verify/ethereum/world.ts'
import { beaconNode, checkpoint, clock, proofNodeOf, youngest } from '../ethereum/setting.ts'

const l1 = createEthereumClient({
  network: testNetwork,
  checkpoint: toHex(checkpoint.root),
  beacons: [beaconNode()],
  nodes: [proofNodeOf()],
  clock,
})
const node: ProofNode = {
  ...proofNodeOf(),
  header: async () => rollupHeader,
  proof: async (account) => ({ account: rollupState.prove(secureKey(fromHex(account))), slots: [] }),
}
const client = createProposedClient({ chain: rollup, l1, node })

describe('a rollup by what was proposed on verified L1', () => {
  it('answers under the newest game that can be read, and under one that was defended where that is asked', async () => {
    expect(await client.account(rollupAlice)).toMatchObject({
      value: { balance: 77n },
      verdict: { level: 'proposed', game: { address: games[1], status: 'open' }, proven: ['account', 'output-root'] },
    })
    const defended = await client.head('defended')
    expect(defended.verdict).toMatchObject({ game: { address: games[0] }, l1: { level: 'finalized', number: 12 } })
    expect(await client.account(nobody, defended)).toMatchObject({
      value: null,
      verdict: { proven: ['account-absence', 'output-root'] },
    })
    expect((await client.storage({ address: nobody, slots: [] })).value).toEqual([])
  })

  it('reads super roots, and says of each answer whether all could contest it', async () => {
    const asked: number[] = []
    const told: ProofNode = {
      ...node,
      header: async (which) => {
        asked.push(Number(which))
        return rollupHeader
      },
    }
    const supers = createProposedClient({ chain: superRollup, l1, node: told })
    expect((await supers.account(rollupAlice)).verdict).toMatchObject({
      game: { address: games[5], type: 5, status: 'permissioned' },
      proven: ['account', 'output-root', 'super-root'],
    })
    expect((await supers.head('open')).verdict.game).toMatchObject({ address: games[4], type: 9 })
    expect((await supers.head('defended')).verdict).toMatchObject({
      game: { address: games[3], type: 8 },
      proven: ['output-root'],
    })
    // The number of the block is found by the time that the super root names.
    expect(asked).toEqual([1_000, 1_000, 1_000])
  })

  it('passes over an open game that claims another block than the node has, but none that was defended', async () => {
    const chain = { ...superRollup, gameTypes: [0, 9], genesis: { ...superRollup.genesis, number: 1 } }
    const found = await createProposedClient({ chain, l1, node }).head()
    expect(found.verdict.game).toMatchObject({ address: games[1], type: 0, status: 'open' })
    const forging: ProofNode = { ...node, header: async () => youngest.bytes }
    const defended = createProposedClient({ chain: { ...superRollup, gameTypes: [8, 9] }, l1, node: forging })
    await expect(defended.head()).rejects.toMatchObject({ code: 'node/nonsense' })
  })

  it('refuses a node that shows another block or state, an L1 of another chain, and a chain without games', async () => {
    const lying = createProposedClient({ chain: rollup, l1, node: { ...node, header: async () => youngest.bytes } })
    await expect(lying.head()).rejects.toMatchObject({ code: 'node/nonsense' })
    const forging = createProposedClient({ chain: rollup, l1, node: { ...node, header: async () => undefined } })
    await expect(forging.head()).rejects.toMatchObject({ code: 'node/nonsense' })
    expect(() => createProposedClient({ chain: { ...rollup, l1ChainId: 5 }, l1, node })).toThrow(/posts to chain 5/)
    const none = createProposedClient({ chain: { ...rollup, gameTypes: [] }, l1, node })
    await expect(none.head()).rejects.toMatchObject({
      code: 'client/not-provable',
      notes: expect.arrayContaining([expect.stringMatching(/type 5 are not read/)]),
    })
  })
})
