import { describe, expect, it } from 'vitest'
import { SdkError } from '../../../sdk/errors.ts'
import { seal, signingHash } from '../../../sdk/evm/index.ts'
import type { NodeBlock } from '../../../sdk/ports.ts'
import { chainId, type TxHash, wei } from '../../../sdk/units.ts'
import { createWallet } from '../../../sdk/wallet/createWallet.ts'
import { decodeOutbox } from '../../../sdk/wallet/outboxRecord.ts'
import type { Sent } from '../../../sdk/wallet/sent.ts'
import { chainCheckMs } from '../../../sdk/wallet/watch.ts'
import { preparedWith, sign } from '../evm/samples.ts'
import { alice, bob, executions, type ModelWorld, modelWorld, payment } from './model/world.ts'

async function opened(world: ModelWorld = modelWorld({ blocks: 'by hand' })) {
  const wallet = await createWallet(world.parts)
  const mine = () => {
    world.relay.step()
    world.chain.mine()
  }
  return { world, wallet, mine, until: world.clock.until }
}

function hashOf(sent: Sent): TxHash {
  const [first] = sent.transactions
  if (!first) throw new Error(`refused: ${JSON.stringify(sent.refused)}`)
  return first.hash
}

async function outboxOf({ store }: ModelWorld) {
  const record = await store.get(`outbox/1337/${alice.account}`)
  const outbox = record && decodeOutbox(record.bytes)
  if (!outbox?.ok) throw new Error('the outbox cannot be read')
  return outbox.value
}

const checks = 3 * chainCheckMs

describe('[OB10] a chain that takes blocks back', () => {
  it('gets the same bytes again, and executes them once', async () => {
    const { world, wallet, mine, until } = await opened()
    const sent = await until(wallet.send([payment(1)]))
    mine()
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }])
    world.chain.reorganize(1, 'forgotten')
    world.relay.forget()
    world.chain.mine()
    await world.clock.pass(checks)
    expect((await outboxOf(world)).intents.map(({ phase }) => phase.name)).toEqual(['open'])
    mine()
    await world.clock.pass(checks)
    expect((await outboxOf(world)).intents.map(({ phase }) => phase.name)).toEqual(['included'])
    expect(executions(world, 1)).toBe(1)
    expect([...world.relay.submissions.keys()]).toEqual([hashOf(sent)])
  })

  it('and puts the transaction into another block: that one counts', async () => {
    const { world, wallet, mine, until } = await opened()
    const sent = await until(wallet.send([payment(1)]))
    mine()
    await until(sent.settled())
    const before = (await outboxOf(world)).intents[0]?.phase
    world.chain.reorganize(1, 'pooled')
    world.chain.mine()
    world.chain.finalize()
    await world.clock.pass(checks)
    world.chain.finalize()
    await world.clock.pass(checks)
    const after = (await outboxOf(world)).intents[0]?.phase
    expect(after?.name).toBe('finalized')
    expect(after).not.toMatchObject({ blockHash: (before as { blockHash: string }).blockHash })
  })
})

describe('[OB7] finality', () => {
  it('ends an inclusion, and nothing before does', async () => {
    const { world, wallet, mine, until } = await opened()
    const sent = await until(wallet.send([payment(1)]))
    mine()
    await until(sent.settled())
    await world.clock.pass(checks)
    expect((await outboxOf(world)).intents[0]?.phase.name).toBe('included')
    world.chain.finalize()
    await world.clock.pass(checks)
    expect((await outboxOf(world)).intents[0]?.phase.name).toBe('finalized')
    await until(wallet.send([payment(2)]))
    expect(await outboxOf(world)).toMatchObject({
      intents: [{ nonce: 1 }],
      history: [{ nonce: 0, phase: { name: 'finalized' } }],
    })
  })

  it('ends what other software used the nonce for, and nothing before does', async () => {
    const { world, wallet, until } = await opened()
    const sent = await until(wallet.send([payment(1)]))
    const other = preparedWith({
      chainId: chainId(1337),
      from: alice.account,
      to: bob.account,
      nonce: 0,
      value: wei(9n),
      pricing: { type: 'legacy', gasPrice: wei(100n) },
    })
    world.chain.pool(seal(other, sign(signingHash(other), alice)).bytes)
    world.relay.refuseBatch(() => ({ code: 'backpressure', detail: '', retryable: true, retryAfterSeconds: 60 }))
    world.chain.mine()
    let settled = false
    sent.settled().then(() => {
      settled = true
    })
    await world.clock.pass(checks)
    expect(settled).toBe(false)
    world.chain.finalize()
    expect(await until(sent.settled())).toMatchObject([{ state: 'replaced', by: null }])
    expect(executions(world, 1)).toBe(0)
    expect(await until(wallet.nextNonce(alice.account))).toBe(1)
  })

  it('of a node that knows none ends nothing, and nothing breaks', async () => {
    const world = modelWorld({ blocks: 'by hand' })
    const { node } = world.chain
    const parts = {
      ...world.parts,
      evm: {
        ...node,
        nonce: (account: typeof alice.account, tag: 'latest' | 'pending' | 'finalized') =>
          tag === 'finalized' ? Promise.reject(refusal()) : node.nonce(account, tag),
        request: (method: string, params: readonly unknown[]) =>
          params[0] === 'finalized' ? Promise.resolve(null) : node.request(method, params),
      },
    }
    const wallet = await createWallet(parts)
    const sent = await world.clock.until(wallet.send([payment(1)]))
    world.relay.step()
    world.chain.mine()
    await world.clock.until(sent.settled())
    await world.clock.pass(checks)
    expect((await outboxOf(world)).intents[0]?.phase.name).toBe('included')
  })
})

function refusal(): SdkError {
  return new SdkError('node/refused', 'No.', { cause: { code: -32602, message: 'unknown tag', data: null } })
}

describe('[OB6] a node that lies or fails', () => {
  const spoil: readonly [name: string, spoil: (block: NodeBlock) => NodeBlock][] = [
    [
      'a receipt changed',
      (block) => ({
        ...block,
        receipts: block.receipts.map((bytes) => bytes.map((byte, at) => (at === 5 ? byte ^ 1 : byte))),
      }),
    ],
    ['a transaction left out', (block) => ({ ...block, transactions: [], receipts: [] })],
    [
      'a header of another block',
      (block) => ({ ...block, header: block.header.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) }),
    ],
  ]
  for (const [name, lie] of spoil)
    it(`tells a block with ${name}: nothing is settled until it is true`, async () => {
      const world = modelWorld({ blocks: 'by hand' })
      let isLying = true
      const block: typeof world.chain.node.block = async (which) => {
        const told = await world.chain.node.block(which)
        return told && isLying && told.transactions.length > 0 ? lie(told) : told
      }
      const wallet = await createWallet({ ...world.parts, evm: { ...world.chain.node, block } })
      const sent = await world.clock.until(wallet.send([payment(1)]))
      world.relay.step()
      world.chain.mine()
      let settled = false
      sent.settled().then(() => {
        settled = true
      })
      await world.clock.pass(60_000)
      expect(settled).toBe(false)
      isLying = false
      expect(await world.clock.until(sent.settled())).toMatchObject([{ state: 'included' }])
    })

  it('is gone: inclusions wait for proof', async () => {
    const world = modelWorld()
    const backAt = world.clock.now() + 100_000
    const gone = new SdkError('node/unreachable', 'Gone.', { retryable: true })
    const block: typeof world.chain.node.block = (which) =>
      world.clock.now() < backAt ? Promise.reject(gone) : world.chain.node.block(which)
    const wallet = await createWallet({ ...world.parts, evm: { ...world.chain.node, block } })
    const sent = await world.clock.until(wallet.send([payment(1)]))
    expect(await world.clock.until(sent.settled())).toMatchObject([{ state: 'included' }])
    expect(world.clock.now()).toBeGreaterThanOrEqual(backAt)
  })
})
