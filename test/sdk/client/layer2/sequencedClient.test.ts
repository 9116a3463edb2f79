import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sequencedNode } from '../../../../sdk/adapters/index.ts'
import { createSequencedClient } from '../../../../sdk/client/layer2/index.ts'
import { nobleEngine } from '../../../../sdk/crypto/index.ts'
import { blockHashOf, decodeHeader, encodeHeader } from '../../../../sdk/evm/block.ts'
import { accountOf } from '../../../../sdk/evm/sender.ts'
import type { SequencedNode } from '../../../../sdk/ports.ts'
import { address, type Hex } from '../../../../sdk/units.ts'
import { sequencedDigest, verifySequenced } from '../../../../sdk/verify/sequenced/index.ts'
import { ask, type ServedNode, serveNode } from '../../../edge/node/open.ts'
import { must } from '../../verify/ethereum/beacon.ts'

const secret = new Uint8Array(32).fill(5)
const sequencer = accountOf(nobleEngine.uncompressed(nobleEngine.publicKey(secret)))
const sign = (digest: Uint8Array) => nobleEngine.sign(digest, secret)
const nobody = address(`0x${'ee'.repeat(20)}`)

describe('a chain by the word of its sequencer', () => {
  let served: ServedNode
  let node: SequencedNode
  let chainId = 0
  let rich = nobody
  beforeAll(async () => {
    served = await serveNode({ sequencer: sign })
    node = sequencedNode({ url: served.url })
    chainId = await node.chainId()
    rich = address(((await ask(served.url, 'eth_accounts')).result as Hex[])[0] as Hex)
  })
  afterAll(() => served?.stop())
  const client = (...nodes: readonly SequencedNode[]) => createSequencedClient({ chainId, sequencer, nodes })

  it('proves accounts under blocks of the embedded executor that its key signed', async () => {
    const asked = client(node)
    const before = await asked.account(rich)
    expect(before).toMatchObject({
      verdict: { level: 'sequenced', anchor: { sequencer, chainId }, proven: ['account', 'sequencer-signature'] },
    })
    const balance = await ask(served.url, 'eth_getBalance', [rich, 'latest'])
    expect(before.value?.balance).toBe(BigInt(balance.result as string))
    expect(await asked.account(nobody)).toMatchObject({ value: null })
    await ask(served.url, 'eth_sendTransaction', [{ from: rich, to: nobody, value: '0x7' }])
    await expect.poll(async () => (await asked.account(nobody)).value?.balance).toBe(7n)
  })

  it('refuses another key, another chain, a changed header, and a node that signs nothing', async () => {
    const signed = told(await node.signedHeader('latest'))
    const judge = (change: Partial<Parameters<typeof verifySequenced>[0]>) =>
      verifySequenced({ chainId, sequencer, signed, ...change }).ok
    expect(judge({})).toBe(true)
    expect(judge({ sequencer: nobody })).toBe(false)
    expect(judge({ chainId: chainId + 1 })).toBe(false)
    for (let at = 0; at < signed.header.length; at += 11)
      expect(
        judge({ signed: { ...signed, header: signed.header.map((byte, index) => (index === at ? byte ^ 1 : byte)) } }),
      ).toBe(false)
    for (let at = 0; at < 65; at += 4)
      expect(
        judge({
          signed: { ...signed, signature: signed.signature.map((byte, index) => (index === at ? byte ^ 1 : byte)) },
        }),
      ).toBe(false)
    const silent = await serveNode()
    await expect(client(sequencedNode({ url: silent.url })).head()).rejects.toMatchObject({ code: 'node/refused' })
    await silent.stop()
  })

  it('stops at two blocks of one number and keeps both; a node that lags behind is passed over', async () => {
    const head = told(await node.signedHeader('latest'))
    const other = encodeHeader({ ...must(decodeHeader(head.header)), gasLimit: 1n })
    const forked: SequencedNode = {
      ...node,
      signedHeader: async () => ({ header: other, signature: sign(sequencedDigest(chainId, blockHashOf(other))) }),
    }
    let turn = 0
    const switching: SequencedNode = { ...node, signedHeader: (which) => (turn++ ? forked : node).signedHeader(which) }
    const asked = client(switching)
    await asked.head()
    await expect(asked.head()).rejects.toMatchObject({ code: 'client/conflict' })
    expect(asked.equivocations()).toHaveLength(1)

    let back = false
    const lagging: SequencedNode = { ...node, signedHeader: (which) => node.signedHeader(back ? 0 : which) }
    const mixed = client(lagging, node)
    const { value } = await mixed.head()
    back = true
    expect((await mixed.head()).value.hash).toBe(value.hash)
    await expect(client(lagging).account(rich)).resolves.toMatchObject({ verdict: { block: { number: 0 } } })
  })
})

function told<value>(value: value | undefined): value {
  if (value === undefined) throw new Error('nothing was told')
  return value
}
