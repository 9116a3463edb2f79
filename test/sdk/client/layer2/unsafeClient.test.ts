import { describe, expect, it } from 'vitest'
import { unsafeHeads } from '../../../../sdk/adapters/index.ts'
import { createEthereumClient } from '../../../../sdk/client/ethereum/index.ts'
import { createUnsafeClient } from '../../../../sdk/client/layer2/index.ts'
import type { ProofNode, UnsafeHeads } from '../../../../sdk/ports.ts'
import { secureKey } from '../../../../sdk/trie/index.ts'
import { fromHex, toHex } from '../../../../sdk/units.ts'
import type { UnsafeBlock } from '../../../../sdk/verify/opstack/index.ts'
import { testNetwork } from '../../verify/ethereum/beacon.ts'
import { rollup, rollupAlice, rollupSigner, rollupState } from '../../verify/ethereum/rollup.ts'
import { nobody } from '../../verify/ethereum/world.ts'
import { type PayloadPlan, payloadOf, signUnsafe } from '../../verify/opstack/payload.ts'
import { beaconNode, checkpoint, clock, finalBlock, now, proofNodeOf } from '../ethereum/setting.ts'

const asked = { proofs: 0 }
const honest = proofNodeOf()
const l1 = createEthereumClient({
  network: testNetwork,
  checkpoint: toHex(checkpoint.root),
  beacons: [beaconNode()],
  nodes: [
    {
      ...honest,
      proof: (...told) => {
        asked.proofs++
        return honest.proof(...told)
      },
    },
  ],
  clock,
})
const node: ProofNode = {
  ...honest,
  proof: async (account) => ({ account: rollupState.prove(secureKey(fromHex(account))), slots: [] }),
}
const nowSeconds = Math.floor(now / 1_000)
const telling = (...all: readonly UnsafeBlock[]): UnsafeHeads => {
  let at = 0
  return { latest: async () => all[Math.min(at++, all.length - 1)] as UnsafeBlock }
}
const made = (plan: PayloadPlan) => signUnsafe(payloadOf({ timestamp: nowSeconds - 2, ...plan }).data)
const clientOf = (...heads: readonly UnsafeHeads[]) => createUnsafeClient({ chain: rollup, l1, heads, node, clock })

describe('a rollup by the word of the signer that its L1 names', () => {
  it('proves accounts under the newest block, and asks for the signer once for each final block of the L1', async () => {
    const client = clientOf(telling(made({ number: 7 }), made({ number: 8 })))
    expect(await client.account(rollupAlice)).toMatchObject({
      value: { balance: 77n },
      verdict: {
        level: 'sequenced',
        anchor: { sequencer: rollupSigner, chainId: rollup.chainId },
        signer: { l1: { number: finalBlock.header.number, level: 'finalized' } },
        block: { number: 7 },
        proven: ['account', 'sequencer-signature', 'sequencer-key'],
      },
    })
    const { proofs } = asked
    expect(await client.account(nobody)).toMatchObject({ value: null, verdict: { block: { number: 8 } } })
    expect((await client.storage(nobody, [])).value).toEqual([])
    expect(asked.proofs).toBe(proofs)
  })

  it('passes over who shows a head of another key, an old one, or one of the future; alone they are refused', async () => {
    const other = signUnsafe(payloadOf({ timestamp: nowSeconds }).data, new Uint8Array(32).fill(3))
    for (const [bad, reason] of [
      [other, /has not signed/],
      [made({ timestamp: nowSeconds - 100 }), /100 seconds old/],
      [made({ timestamp: nowSeconds + 60 }), /60 seconds ahead/],
    ] as const) {
      const error = await clientOf(telling(bad))
        .head()
        .catch((fault: unknown) => fault)
      expect(error).toMatchObject({ code: 'node/nonsense', message: expect.stringMatching(reason) })
      expect((await clientOf(telling(bad), telling(made({ number: 3 }))).head()).verdict.block.number).toBe(3)
    }
  })

  it('never goes back, and stops at two blocks of one number, which it keeps', async () => {
    const back = clientOf(telling(made({ number: 9 }), made({ number: 8 })))
    await back.head()
    await expect(back.head()).rejects.toMatchObject({ code: 'node/nonsense' })
    const torn = clientOf(telling(made({ number: 9 }), made({ number: 9, extraData: Uint8Array.of(1) })))
    await torn.head()
    await expect(torn.head()).rejects.toMatchObject({ code: 'client/conflict' })
    await expect(torn.head()).rejects.toMatchObject({ code: 'client/conflict' })
    expect(torn.equivocations()[0]?.one).toEqual(made({ number: 9 }))
  })

  it('is not followed from an L1 of another chain, nor where the L1 names nobody', async () => {
    const heads = [telling(made({}))]
    expect(() => createUnsafeClient({ chain: { ...rollup, l1ChainId: 5 }, l1, heads, node })).toThrow(/posts to/)
    const nameless = createUnsafeClient({ chain: { ...rollup, systemConfig: nobody }, l1, heads, node, clock })
    await expect(nameless.head()).rejects.toMatchObject({ code: 'client/not-provable' })
  })
})

describe('a server of heads', () => {
  const served = (json: unknown, status = 200) =>
    unsafeHeads({ url: 'https://heads.example/', fetch: async () => new Response(JSON.stringify(json), { status }) })
  const head = made({ number: 4 })

  it('tells the signature as bytes or by its parts', async () => {
    const [data, signature] = [toHex(head.data), toHex(head.signature)]
    expect(await served({ data, signature }).latest()).toEqual(head)
    const [r, s] = [`0x${signature.slice(2, 66)}`, `0x${signature.slice(66, 130)}`]
    const yParity = `0x${head.signature[64]}`
    expect(await served({ data, signature: { r, s, yParity } }).latest()).toEqual(head)
  })

  it('is refused what is of no such shape', async () => {
    const bad = [null, {}, { data: '0x1', signature: toHex(head.signature) }, { data: '0x00', signature: { r: '0x' } }]
    for (const json of bad) await expect(served(json).latest()).rejects.toMatchObject({ code: 'node/nonsense' })
    await expect(served({}, 503).latest()).rejects.toMatchObject({ code: 'node/unreachable' })
    await expect(served({}, 404).latest()).rejects.toMatchObject({ code: 'node/refused' })
  })
})
