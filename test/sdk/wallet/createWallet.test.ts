import { describe, expect, it } from 'vitest'
import { type ErrorCode, InvariantError, SdkError } from '../../../sdk/errors.ts'
import { legacy, seal, send, signingHash } from '../../../sdk/evm/index.ts'
import type { Store } from '../../../sdk/ports.ts'
import { address, chainId, wei } from '../../../sdk/units.ts'
import { createWallet } from '../../../sdk/wallet/createWallet.ts'
import type { Order } from '../../../sdk/wallet/order.ts'
import { type Person, person, preparedWith, sign } from '../evm/samples.ts'
import { alice, bob, ether, executions, type ModelWorld, modelWorld, payee, payment } from './model/world.ts'

const stranger = address(`0x${'77'.repeat(20)}`)

async function opened(world: ModelWorld = modelWorld(), parts: Partial<ModelWorld['parts']> = {}) {
  const wallet = await createWallet({ ...world.parts, ...parts })
  return { world, wallet, until: world.clock.until }
}

describe('a wallet', () => {
  it('sends, and settles when a block proves it', async () => {
    const { world, wallet, until } = await opened()
    const sent = await until(wallet.send([payment(1), payment(2), payment(3, bob)]))
    expect(sent.refused).toEqual([])
    expect(sent.batches).toHaveLength(1)
    expect(sent.transactions.map(({ index, from, nonce }) => ({ index, from, nonce }))).toEqual([
      { index: 0, from: alice.account, nonce: 0 },
      { index: 1, from: alice.account, nonce: 1 },
      { index: 2, from: bob.account, nonce: 0 },
    ])
    const outcomes = await until(sent.settled())
    expect(outcomes.map(({ index, state }) => ({ index, state }))).toEqual(
      [0, 1, 2].map((index) => ({ index, state: 'included' })),
    )
    expect([1, 2, 3].map((number) => executions(world, number))).toEqual([1, 1, 1])
  })

  it('says what was proven of an inclusion, and against what', async () => {
    const { world, wallet, until } = await opened()
    const sent = await until(wallet.send([payment(1)]))
    const [outcome] = await until(sent.settled())
    if (outcome?.state !== 'included') throw new Error('it was not included')
    const found = world.chain.find(outcome.hash)
    expect(outcome.inclusion).toMatchObject({
      value: {
        hash: outcome.hash,
        blockNumber: found?.number,
        blockHash: found?.hash,
        receipt: { outcome: 'succeeded' },
      },
      verdict: { level: 'node', proven: ['transaction-inclusion', 'receipt-inclusion'], anchor: { hash: found?.hash } },
    })
    expect(await until(wallet.receipt(outcome.hash))).toEqual(outcome.inclusion)
  })

  it('shows each transaction on its way, and included once it is proven', async () => {
    const { wallet, until } = await opened()
    const sent = await until(wallet.send([payment(1)]))
    const states: string[] = []
    await until(
      (async () => {
        for await (const { index, state, relay } of sent.progress()) states.push(`${index} ${state} ${relay}`)
      })(),
    )
    expect(states).toContain('0 accepted answering')
    expect(states.at(-1)).toBe('0 included answering')
  })

  it('shows progress and outcome to whoever comes late', async () => {
    const { wallet, until } = await opened()
    const sent = await until(wallet.send([payment(1)]))
    await until(sent.settled())
    const states: string[] = []
    for await (const { state } of sent.progress()) states.push(state)
    expect(states).toEqual(['included'])
    expect(await sent.settled()).toHaveLength(1)
  })

  it('knows no receipt of what no block holds', async () => {
    const { world, wallet, until } = await opened(modelWorld({ blocks: 'by hand' }))
    const sent = await until(wallet.send([payment(1)]))
    const [first] = sent.transactions
    if (!first) throw new Error('nothing was sent')
    expect(await until(wallet.receipt(first.hash))).toBeUndefined()
    world.relay.step()
    world.chain.mine()
    expect(await until(wallet.receipt(first.hash))).toMatchObject({ value: { index: 0 } })
  })

  it('sends nothing for nothing', async () => {
    const { wallet, until } = await opened()
    const sent = await until(wallet.send([]))
    expect(sent.transactions).toEqual([])
    expect(await until(sent.settled())).toEqual([])
    for await (const step of sent.progress()) throw new Error(`progress of nothing: ${step.state}`)
  })

  it('splits what is more than an envelope holds, and sends the parts in order', async () => {
    const { world, wallet, until } = await opened()
    const sent = await until(wallet.send(Array.from({ length: 300 }, (_, number) => payment(number))))
    expect(sent.batches).toHaveLength(2)
    await until(sent.settled())
    expect(world.relay.submitted.slice(0, 2).map(({ length }) => length)).toEqual([256, 44])
    expect(world.relay.submitted[0]?.[0]).toBe(sent.transactions[0]?.hash)
    expect(Array.from({ length: 300 }, (_, number) => executions(world, number))).toEqual(Array(300).fill(1))
  })

  it('counts the next nonce from outbox and chain', async () => {
    const { wallet, until } = await opened(modelWorld({ blocks: 'by hand' }))
    await until(wallet.send([payment(1), payment(2)]))
    expect(await until(wallet.nextNonce(alice.account))).toBe(2)
    expect(await until(wallet.nextNonce(bob.account))).toBe(0)
  })
})

describe('an order that is refused', () => {
  const tooMuch = { ...send(stranger, wei(11n * ether)), from: alice.account }
  const cases: readonly [name: string, order: Order, code: ErrorCode][] = [
    ['from an account that is not the signer’s', { ...payment(1), from: stranger }, 'keys/unknown-account'],
    ['of more than there is', tooMuch, 'wallet/insufficient-funds'],
    [
      'with gas that cannot be paid',
      { ...payment(1), gas: 16_000_000n, fees: { gasPrice: wei(10n ** 12n) }, type: 'eip2930' },
      'wallet/insufficient-funds',
    ],
    [
      'below the base fee',
      { ...payment(1), fees: { maxFeePerGas: wei(9n), maxPriorityFeePerGas: wei(1n) } },
      'wallet/fee-too-low',
    ],
    [
      'below the base fee, at one price',
      { ...legacy(send(payee(1), wei(1n))), fees: { gasPrice: wei(9n) } },
      'wallet/fee-too-low',
    ],
    ['with too little gas to begin', { ...payment(1), gas: 20_999n }, 'evm/malformed-transaction'],
    [
      'with a tip above the cap',
      { ...payment(1), fees: { maxFeePerGas: wei(20n), maxPriorityFeePerGas: wei(30n) } },
      'evm/malformed-transaction',
    ],
    ['with a nonce beyond the next', { ...payment(1), nonce: 1 }, 'wallet/nonce-gap'],
    [
      'with more data than nodes carry',
      { ...payment(1), data: new Uint8Array(131_072), gas: 10_000_000n },
      'wallet/too-large',
    ],
  ]
  for (const [name, order, code] of cases)
    it(`${name} is told as ${code}, with nothing signed, stored or sent`, async () => {
      const world = modelWorld()
      const { wallet, until } = await opened(world, {
        keys: { ...world.keys, sign: async () => Promise.reject(new InvariantError('signed')) },
      })
      const sent = await until(wallet.send([payment(9, bob), order]))
      expect(sent.refused.map(({ index, code }) => ({ index, code }))).toEqual([{ index: 1, code }])
      expect(sent.transactions).toEqual([])
      expect(await until(sent.settled())).toEqual([])
      expect(await world.store.keys('')).toEqual([])
      expect(world.relay.submitted).toEqual([])
    })

  it('is told beside the others that are refused', async () => {
    const { wallet, until } = await opened()
    const sent = await until(wallet.send([tooMuch, payment(1), { ...payment(2), from: stranger }]))
    expect(sent.refused.map(({ index, code }) => [index, code])).toEqual([
      [0, 'wallet/insufficient-funds'],
      [2, 'keys/unknown-account'],
    ])
  })

  it('counts what is open already against the balance, and what is executed once only', async () => {
    const { world, wallet, until } = await opened(modelWorld({ blocks: 'by hand' }))
    const most = { ...send(stranger, wei(6n * ether)), from: alice.account }
    const first = await until(wallet.send([most]))
    expect((await until(wallet.send([most]))).refused).toMatchObject([{ code: 'wallet/insufficient-funds' }])
    world.relay.step()
    world.chain.mine()
    await until(first.settled())
    const rest = { ...send(stranger, wei(3n * ether)), from: alice.account }
    expect((await until(wallet.send([rest]))).refused).toEqual([])
  })

  it('with a nonce that is taken says which is next', async () => {
    const { wallet, until } = await opened(modelWorld({ blocks: 'by hand' }))
    await until(wallet.send([payment(1)]))
    const sent = await until(wallet.send([{ ...payment(2), nonce: 0 }]))
    expect(sent.refused).toMatchObject([{ code: 'wallet/nonce-taken', detail: expect.stringContaining('next is 1') }])
    expect((await until(wallet.send([{ ...payment(2), nonce: 1 }]))).refused).toEqual([])
  })

  it('for a reason of the node carries its words', async () => {
    const world = modelWorld()
    const cause = { code: 3, message: 'execution reverted: not you', data: null }
    const estimateGas = () => Promise.reject(new SdkError('node/refused', 'It reverts.', { cause }))
    const { wallet, until } = await opened(world, { evm: { ...world.chain.node, estimateGas } })
    const sent = await until(wallet.send([payment(1)]))
    expect(sent.refused).toEqual([{ index: 0, code: 'wallet/would-revert', detail: 'execution reverted: not you' }])
  })
})

describe('a wallet and a world that fails', () => {
  it('throws when the node is of another chain, and signs nothing', async () => {
    const world = modelWorld()
    const { wallet, until } = await opened(world, { evm: { ...world.chain.node, chainId: async () => chainId(1) } })
    await expect(until(wallet.send([payment(1)]))).rejects.toMatchObject({ code: 'wallet/wrong-chain' })
    expect(await world.store.keys('')).toEqual([])
  })

  it('throws what node and signer throw, with nothing stored', async () => {
    const gone = new SdkError('node/unreachable', 'Gone.', { retryable: true })
    const no = new SdkError('signer/refused', 'No.')
    const failures = [
      {
        code: 'node/unreachable',
        parts: (world: ModelWorld) => ({ evm: { ...world.chain.node, fees: () => Promise.reject(gone) } }),
      },
      {
        code: 'signer/refused',
        parts: ({ keys }: ModelWorld) => ({ keys: { ...keys, sign: () => Promise.reject(no) } }),
      },
    ]
    for (const { code, parts } of failures) {
      const world = modelWorld()
      const { wallet, until } = await opened(world, parts(world))
      await expect(until(wallet.send([payment(1)]))).rejects.toMatchObject({ code })
      expect(await world.store.keys('')).toEqual([])
      expect(world.relay.submitted).toEqual([])
    }
  })

  it('[OB1] throws when the store fails, with nothing sent', async () => {
    const world = modelWorld()
    const full = new SdkError('store/full', 'Full.')
    const { wallet, until } = await opened(world, { store: { ...world.store, commit: () => Promise.reject(full) } })
    await expect(until(wallet.send([payment(1)]))).rejects.toBe(full)
    await world.clock.pass(60_000)
    expect(world.relay.submitted).toEqual([])
  })

  it('refuses a signature that is another account’s', async () => {
    const world = modelWorld()
    const keys = { ...world.keys, sign: async ({ digest }: { digest: Uint8Array }) => sign(digest, bob) }
    const { wallet, until } = await opened(world, { keys })
    await expect(until(wallet.send([payment(1)]))).rejects.toMatchObject({ code: 'signer/wrong-signature' })
    await expect(wallet.signMessage(alice.account, 'hi')).rejects.toMatchObject({ code: 'signer/wrong-signature' })
  })

  it('stops on a store that dies under it, and says so to all who wait', async () => {
    const world = modelWorld()
    let commits = 0
    const dead = new SdkError('store/full', 'Full.')
    const store: Store = {
      ...world.store,
      commit: (writes) => (++commits > 1 ? Promise.reject(dead) : world.store.commit(writes)),
    }
    const { wallet, until } = await opened(world, { store })
    const sent = await until(wallet.send([payment(1)]))
    await expect(until(sent.settled())).rejects.toBe(dead)
    await expect(until(wallet.send([payment(2)]))).rejects.toBe(dead)
    expect(executions(world, 1)).toBe(1)
  })

  it('waits out a store that fails for a while', async () => {
    const world = modelWorld()
    let commits = 0
    const busy = new SdkError('store/unavailable', 'Busy.', { retryable: true })
    const store: Store = {
      ...world.store,
      commit: (writes) => (++commits > 1 && commits < 6 ? Promise.reject(busy) : world.store.commit(writes)),
    }
    const { wallet, until } = await opened(world, { store })
    const sent = await until(wallet.send([payment(1)]))
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }])
  })

  it('does not open over an outbox that it cannot read', async () => {
    const world = modelWorld()
    await world.store.commit([{ key: `outbox/1337/${alice.account}`, expected: 0, bytes: Uint8Array.of(9) }])
    await expect(createWallet(world.parts)).rejects.toMatchObject({ code: 'store/corrupt' })
  })

  it('closed, stops at once and says so', async () => {
    const world = modelWorld()
    const { wallet, until } = await opened(world)
    const sent = await until(wallet.send([payment(1)]))
    wallet.close()
    wallet.close()
    await expect(until(sent.settled())).rejects.toMatchObject({ code: 'wallet/closed' })
    const shown = async () => {
      for await (const { state } of sent.progress()) expect(state).not.toBe('included')
    }
    await expect(until(shown())).rejects.toMatchObject({ code: 'wallet/closed' })
    await expect(wallet.accounts()).rejects.toMatchObject({ code: 'wallet/closed' })
    const submissions = world.relay.submitted.length
    await world.clock.pass(120_000)
    expect(world.relay.submitted.length).toBe(submissions)
  })
})

describe('bytes that were signed elsewhere', () => {
  const signedBy = (by: Person, changes: Parameters<typeof preparedWith>[0] = {}) => {
    const prepared = preparedWith({
      chainId: chainId(1337),
      from: by.account,
      to: payee(0x1001),
      value: wei(1_000n),
      nonce: 0,
      ...changes,
    })
    return seal(prepared, sign(signingHash(prepared), by)).bytes
  }

  it('are carried like any other', async () => {
    const { world, wallet, until } = await opened()
    const sent = await until(wallet.sendSigned(signedBy(alice)))
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }])
    expect(executions(world, 1)).toBe(1)
  })

  it('are stored once, however often they come', async () => {
    const { world, wallet, until } = await opened()
    const bytes = signedBy(alice)
    const first = await until(wallet.sendSigned(bytes))
    const again = await until(wallet.sendSigned(bytes))
    expect(again.transactions).toEqual(first.transactions)
    await until(Promise.all([first.settled(), again.settled()]))
    const late = await until(wallet.sendSigned(bytes))
    expect(await until(late.settled())).toMatchObject([{ state: 'included' }])
    expect(executions(world, 1)).toBe(1)
  })

  const refusals: readonly [name: string, bytes: Uint8Array, code: ErrorCode][] = [
    ['that are none', Uint8Array.of(1, 2, 3), 'evm/malformed-transaction'],
    ['for another chain', signedBy(alice, { chainId: chainId(1) }), 'wallet/wrong-chain'],
    ['by a stranger', signedBy(person(9)), 'keys/unknown-account'],
    ['out of turn', signedBy(alice, { nonce: 4 }), 'wallet/nonce-gap'],
    ['below the base fee', signedBy(alice, { pricing: { type: 'legacy', gasPrice: wei(1n) } }), 'wallet/fee-too-low'],
    ['of more than there is', signedBy(alice, { value: wei(11n * ether) }), 'wallet/insufficient-funds'],
  ]
  for (const [name, bytes, code] of refusals)
    it(`${name} are refused with ${code}`, async () => {
      const { world, wallet, until } = await opened()
      const sent = await until(wallet.sendSigned(bytes))
      expect(sent.refused.map((one) => one.code)).toEqual([code])
      expect(await world.store.keys('')).toEqual([])
    })
})
