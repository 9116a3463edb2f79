import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SdkError } from '../../../sdk/errors.ts'
import { createWallet, type Wallet } from '../../../sdk/wallet/createWallet.ts'
import type { Sent } from '../../../sdk/wallet/sent.ts'
import { problem } from './model/relay.ts'
import { alice, bob, executions, type ModelWorld, modelWorld, payment } from './model/world.ts'

function noncesOf(sents: readonly Sent[]): readonly string[] {
  return sents.flatMap(({ transactions }) => transactions.map(({ from, nonce }) => `${from} ${nonce}`))
}

describe('[OB3] two wallets on one store', () => {
  it('never share a nonce, and execute everything once', async () => {
    const world = modelWorld()
    const [one, other] = await Promise.all([createWallet(world.parts), createWallet(world.parts)])
    const calls = Array.from({ length: 8 }, (_, number) => (number % 2 ? one : other).send([payment(number)]))
    const sents = await world.clock.until(Promise.all(calls))
    expect(new Set(noncesOf(sents)).size).toBe(8)
    await world.clock.until(Promise.all(sents.map((sent) => sent.settled())))
    expect(Array.from({ length: 8 }, (_, number) => executions(world, number))).toEqual(Array(8).fill(1))
  })

  it('asks a signer once for each transaction that a lost race leaves as it was', async () => {
    const world = modelWorld()
    let asked = 0
    const keys = {
      ...world.keys,
      sign: (request: Parameters<typeof world.keys.sign>[0]) => {
        asked += 1
        return world.keys.sign(request)
      },
    }
    let races = 3
    const commit: typeof world.store.commit = (writes) =>
      races-- > 0 ? Promise.reject(new SdkError('store/conflict', 'Lost.')) : world.store.commit(writes)
    const wallet = await createWallet({ ...world.parts, keys, store: { ...world.store, commit } })
    await world.clock.until(wallet.send([payment(1), payment(2)]))
    expect(asked).toBe(2)
  })

  it('gives up a race that never ends, with nothing sent', async () => {
    const world = modelWorld()
    const lost = new SdkError('store/conflict', 'Lost.')
    const wallet = await createWallet({ ...world.parts, store: { ...world.store, commit: () => Promise.reject(lost) } })
    await expect(world.clock.until(wallet.send([payment(1)]))).rejects.toBe(lost)
    expect(world.relay.submitted).toEqual([])
  })

  it('one settles what the other has sent', async () => {
    const world = modelWorld({ blocks: 'by hand' })
    const [one, other] = await Promise.all([createWallet(world.parts), createWallet(world.parts)])
    const sent = await world.clock.until(one.send([payment(1)]))
    const seen = await world.clock.until(other.outstanding())
    expect(seen.transactions.map(({ hash }) => hash)).toEqual(sent.transactions.map(({ hash }) => hash))
    one.close()
    world.relay.step()
    world.chain.mine()
    expect(await world.clock.until(seen.settled())).toMatchObject([{ state: 'included' }])
  })
})

describe('[OB8] a wallet that opens', () => {
  it('takes up what is on its way: the same bytes, nothing signed', async () => {
    const world = modelWorld({ blocks: 'by hand' })
    const first = await createWallet(world.parts)
    const sent = await world.clock.until(first.send([payment(1), payment(2), payment(3, bob)]))
    first.close()
    world.relay.forget()
    const keys = { ...world.keys, sign: () => Promise.reject(new Error('signed')) }
    const second = await createWallet({ ...world.parts, keys })
    const left = await world.clock.until(second.outstanding())
    expect(new Set(left.transactions.map(({ hash }) => hash))).toEqual(
      new Set(sent.transactions.map(({ hash }) => hash)),
    )
    world.relay.step()
    world.chain.mine()
    await world.clock.until(left.settled())
    expect([1, 2, 3].map((number) => executions(world, number))).toEqual([1, 1, 1])
    expect([...world.relay.submissions.keys()].length).toBe(3)
  })

  it('leaves alone what was decided', async () => {
    const world = modelWorld()
    const first = await createWallet(world.parts)
    const sent = await world.clock.until(first.send([payment(1)]))
    await world.clock.until(sent.settled())
    first.close()
    const before = world.relay.submitted.length
    const second = await createWallet(world.parts)
    expect((await world.clock.until(second.outstanding())).transactions).toEqual([])
    await world.clock.pass(60_000)
    expect(world.relay.submitted.length).toBe(before)
  })

  it('does so with node and relay gone, and goes on when they are back', async () => {
    const world = modelWorld()
    const first = await createWallet({
      ...world.parts,
      relay: { ...world.relay.port, submit: () => Promise.reject(gone()) },
    })
    await world.clock.until(first.send([payment(1)]))
    first.close()
    const backAt = world.clock.now() + 50_000
    const node = world.chain.node
    const asleep = <value>(work: () => Promise<value>) => (world.clock.now() < backAt ? Promise.reject(gone()) : work())
    const second = await createWallet({
      ...world.parts,
      relay: { ...world.relay.port, submit: (...args) => asleep(() => world.relay.port.submit(...args)) },
      evm: {
        ...node,
        nonce: (...args) => asleep(() => node.nonce(...args)),
        block: (which) => asleep(() => node.block(which)),
      },
    })
    const left = await world.clock.until(second.outstanding())
    expect(await world.clock.until(left.settled())).toMatchObject([{ state: 'included' }])
    expect(executions(world, 1)).toBe(1)
  })
})

function gone(): SdkError {
  return new SdkError('relay/unreachable', 'Gone.', { retryable: true })
}

/** What may happen in a random history. */
type Deed =
  | { readonly do: 'send'; readonly who: 0 | 1; readonly from: 0 | 1; readonly size: number }
  | { readonly do: 'speed up' | 'cancel' | 'restart'; readonly who: 0 | 1 }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'refuse' | 'accept' | 'forget' | 'mine' | 'reorganize' | 'finalize' }

const who = fc.constantFrom<0 | 1>(0, 1)
const deeds: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('send' as const), who, from: who, size: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('speed up' as const, 'cancel' as const, 'restart' as const), who }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 30_000 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'refuse' as const,
        'accept' as const,
        'forget' as const,
        'mine' as const,
        'reorganize' as const,
        'finalize' as const,
      ),
    }),
  },
)

describe('any history of two wallets, a moody relay and a shifting chain', () => {
  it('executes each payment at most once, one of each nonce, and all that was not refused or cancelled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deeds, { minLength: 1, maxLength: 12 }), async (history) => {
        await play(history)
      }),
      { numRuns: 60 },
    )
  }, 120_000)
})

async function play(history: readonly Deed[]): Promise<void> {
  const world = modelWorld({ blocks: 'by hand' })
  const wallets: Wallet[] = [await createWallet(world.parts), await createWallet(world.parts)]
  const sents: Sent[] = []
  let next = 0
  for (const deed of history) {
    const wallet = 'who' in deed ? (wallets[deed.who] as Wallet) : undefined
    if (deed.do === 'send' && wallet) {
      const numbers = Array.from({ length: deed.size }, () => next++)
      const orders = numbers.map((number) => payment(number, deed.from ? bob : alice))
      sents.push(await world.clock.until(wallet.send(orders)))
    } else if ((deed.do === 'speed up' || deed.do === 'cancel') && wallet) {
      const hash = sents.at(-1)?.transactions[0]?.hash
      if (hash) await world.clock.until(deed.do === 'cancel' ? wallet.cancel(hash) : wallet.speedUp(hash))
    } else if (deed.do === 'restart' && 'who' in deed) {
      wallets[deed.who]?.close()
      wallets[deed.who] = await createWallet(world.parts)
    } else await happen(world, deed)
  }
  for (const wallet of wallets) wallet.close()
  await calm(world, sents)
  const counts = Array.from({ length: next }, (_, number) => executions(world, number))
  expect(Math.max(0, ...counts)).toBeLessThanOrEqual(1)
  const isExcused = history.some((deed) => deed.do === 'refuse' || deed.do === 'cancel')
  if (!isExcused) expect(counts).toEqual(counts.map(() => 1))
  for (const { transactions } of sents)
    for (const { from, nonce } of transactions) expect(world.chain.nonceOf(from)).toBeGreaterThan(nonce)
}

async function happen(world: ModelWorld, deed: Deed): Promise<void> {
  if (deed.do === 'pass') await world.clock.pass(deed.ms)
  if (deed.do === 'refuse') world.relay.refuse(() => problem('executor-refused'))
  if (deed.do === 'accept') world.relay.refuse(() => undefined)
  if (deed.do === 'forget') world.relay.forget()
  if (deed.do === 'mine') world.chain.mine()
  if (deed.do === 'reorganize') world.chain.reorganize(1, 'forgotten')
  if (deed.do === 'finalize') world.chain.finalize()
}

/** Everything heals: a fresh wallet brings every open intent to an end. */
async function calm(world: ModelWorld, sents: readonly Sent[]): Promise<void> {
  world.relay.refuse(() => undefined)
  world.clock.every(2_000, world.chain.mine)
  const wallet = await createWallet(world.parts)
  // What was refused leaves its nonce to the next transaction: fillers take them all.
  for (const from of [alice, bob]) {
    const own = sents.flatMap(({ transactions }) => transactions.filter((one) => one.from === from.account))
    const top = Math.max(-1, ...own.map(({ nonce }) => nonce))
    for (let filler = 10_000; (await world.clock.until(wallet.nextNonce(from.account))) <= top; filler++)
      await world.clock.until(wallet.send([payment(filler, from)]))
  }
  const left = await world.clock.until(wallet.outstanding())
  const outcomes = await world.clock.until(left.settled())
  expect(outcomes.every(({ state }) => state === 'included' || state === 'replaced')).toBe(true)
  // What was refused may be in a pool all the same, and what was included may have been taken back.
  await world.clock.pass(60_000)
  wallet.close()
}
