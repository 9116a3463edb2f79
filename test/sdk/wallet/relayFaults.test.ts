import { describe, expect, it } from 'vitest'
import { SdkError } from '../../../sdk/errors.ts'
import type { Relay } from '../../../sdk/ports.ts'
import { batchId, blockHash, type TxHash } from '../../../sdk/units.ts'
import { createWallet } from '../../../sdk/wallet/createWallet.ts'
import { decodeOutbox } from '../../../sdk/wallet/outboxRecord.ts'
import type { Sent } from '../../../sdk/wallet/sent.ts'
import { problem } from './model/relay.ts'
import { executions, type ModelWorld, modelWorld, payment } from './model/world.ts'

async function opened(world: ModelWorld = modelWorld(), relay: Partial<Relay> = {}) {
  const wallet = await createWallet({ ...world.parts, relay: { ...world.relay.port, ...relay } })
  return { world, wallet, until: world.clock.until }
}

const unreachable = () => new SdkError('relay/unreachable', 'Gone.', { retryable: true })
const nonsense = () => new SdkError('relay/nonsense', 'Nonsense.')

function hashOf(sent: Sent, at = 0): TxHash {
  const hash = sent.transactions[at]?.hash
  if (!hash) throw new Error(`refused: ${JSON.stringify(sent.refused)}`)
  return hash
}

async function storedBytes({ store }: ModelWorld, sent: Sent): Promise<Uint8Array> {
  const record = await store.get(`outbox/1337/${sent.transactions[0]?.from}`)
  const outbox = record && decodeOutbox(record.bytes)
  if (!outbox?.ok) throw new Error('the outbox cannot be read')
  const attempt = outbox.value.intents[0]?.attempts[0]
  if (!attempt) throw new Error('nothing is stored')
  return attempt.bytes
}

/** Collects what is shown until it ends. */
async function shown(sent: Sent): Promise<readonly string[]> {
  const steps: string[] = []
  for await (const { state, relay } of sent.progress()) steps.push(`${state} ${relay}`)
  return steps
}

describe('[OB9] a relay that does not answer', () => {
  for (const [name, fault] of [
    ['is gone', unreachable],
    ['talks nonsense', nonsense],
  ] as const)
    it(`${name}: the transaction stays, progress says so, and it is sent again until it arrives`, async () => {
      const world = modelWorld()
      let failures = 0
      const submit: Relay['submit'] = (...args) =>
        failures++ < 5 ? Promise.reject(fault()) : world.relay.port.submit(...args)
      const { wallet, until } = await opened(world, { submit })
      const sent = await until(wallet.send([payment(1)]))
      const steps = await until(shown(sent))
      expect(steps).toContain('signed silent')
      expect(steps.at(-1)).toBe('included answering')
      expect(executions(world, 1)).toBe(1)
    })

  it('[CR5] loses the answer: the same bytes again, and one execution', async () => {
    const world = modelWorld()
    let lost = 0
    const submit: Relay['submit'] = async (...args) => {
      const ack = await world.relay.port.submit(...args)
      if (lost++ < 4) throw unreachable()
      return ack
    }
    const { wallet, until } = await opened(world, { submit })
    const sent = await until(wallet.send([payment(1)]))
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }])
    expect(new Set(world.relay.submissions.keys())).toEqual(new Set([hashOf(sent)]))
    expect(executions(world, 1)).toBe(1)
  })

  it('pauses longer and longer, up to half a minute', async () => {
    const world = modelWorld()
    const times: number[] = []
    const submit: Relay['submit'] = async () => {
      times.push(world.clock.now())
      throw unreachable()
    }
    const { wallet, until } = await opened(world, { submit })
    await until(wallet.send([payment(1)]))
    await world.clock.pass(300_000)
    const pauses = times.slice(1).map((time, at) => time - (times[at] as number))
    // The dice of this world always fall just beyond the middle.
    for (const [at, pause] of pauses.entries()) expect(pause / Math.min(30_000, 250 * 2 ** at)).toBeCloseTo(0.5, 1)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000)
    expect(pauses.at(-1)).toBeGreaterThan(10_000)
    wallet.close()
  })

  it('cuts every stream: sending again tells the rest', async () => {
    const world = modelWorld()
    // biome-ignore lint/correctness/useYield: a stream that is cut before its first event
    const events: Relay['events'] = async function* () {
      throw unreachable()
    }
    const { wallet, until } = await opened(world, { events })
    const sent = await until(wallet.send([payment(1), payment(2)]))
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }, { state: 'included' }])
  })

  it('keeps streams open and says nothing on them: it is asked anew after a while', async () => {
    const world = modelWorld()
    const events: Relay['events'] = async function* (_chain, _batch, _sequence, signal) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      yield* []
    }
    const { wallet, until } = await opened(world, { events })
    const sent = await until(wallet.send([payment(1)]))
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }])
  })

  it('forgets everything: it gets the same bytes again', async () => {
    const world = modelWorld({ blocks: 'by hand' })
    const { wallet, until } = await opened(world)
    const sent = await until(wallet.send([payment(1)]))
    world.relay.forget()
    await world.clock.pass(70_000)
    world.chain.mine()
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }])
    expect(world.relay.submissions.get(hashOf(sent))).toBeGreaterThan(1)
  })

  it('answers for another batch, or with other hashes: that is no answer', async () => {
    const wrongs: readonly ((ack: Awaited<ReturnType<Relay['submit']>>) => Awaited<ReturnType<Relay['submit']>>)[] = [
      (ack) => ({ ...ack, batch: batchId(`0x${'00'.repeat(32)}`) }),
      (ack) => (ack.ok ? { ...ack, items: ack.items.slice(1) } : ack),
      (ack) => (ack.ok ? { ...ack, items: [...ack.items].reverse() } : ack),
      (ack) =>
        ack.ok
          ? { ...ack, items: ack.items.map((_, index) => ({ ok: false, index: index + 1, problem: problem('x') })) }
          : ack,
    ]
    for (const wrong of wrongs) {
      const world = modelWorld()
      let answers = 0
      const submit: Relay['submit'] = async (...args) => {
        const ack = await world.relay.port.submit(...args)
        return answers++ < 2 ? wrong(ack) : ack
      }
      const { wallet, until } = await opened(world, { submit })
      const sent = await until(wallet.send([payment(1), payment(2)]))
      expect(await until(sent.settled())).toMatchObject([{ state: 'included' }, { state: 'included' }])
    }
  })
})

describe('[OB5] a relay that refuses for good', () => {
  it('rejects one of several: the others go on, and the next transaction takes the nonce', async () => {
    const world = modelWorld()
    let refused: TxHash | undefined
    world.relay.refuse((hash) => {
      refused ??= hash
      return hash === refused ? problem('fee-too-low') : undefined
    })
    const { wallet, until } = await opened(world)
    const sent = await until(wallet.send([payment(1), payment(2)]))
    await world.clock.pass(5_000)
    expect([executions(world, 1), executions(world, 2)]).toEqual([0, 0])
    const next = await until(wallet.send([payment(3)]))
    expect(next.transactions).toMatchObject([{ nonce: 0 }])
    expect(await until(next.settled())).toMatchObject([{ state: 'included' }])
    expect(await until(sent.settled())).toMatchObject([
      { state: 'rejected', code: 'fee-too-low' },
      { state: 'included' },
    ])
    expect([1, 2, 3].map((number) => executions(world, number))).toEqual([0, 1, 1])
  })

  it('[OB6] and has it executed all the same: the block decides, and what came after it is replaced', async () => {
    const world = modelWorld({ blocks: 'by hand' })
    const { wallet, until } = await opened(world)
    const sent = await until(wallet.send([payment(1)]))
    const bytes = await storedBytes(world, sent)
    world.relay.say(hashOf(sent), { state: 'rejected', code: 'executor-refused', detail: 'It lies.' })
    expect(await until(sent.settled())).toMatchObject([{ state: 'rejected', code: 'executor-refused' }])
    const next = await until(wallet.send([payment(2)]))
    expect(next.transactions).toMatchObject([{ nonce: 0 }])
    // Whoever held the refused bytes brings them in before the others.
    world.relay.refuseBatch(() => problem('backpressure', { retryable: true }))
    world.chain.pool(bytes)
    world.chain.mine()
    expect(await until(next.settled())).toMatchObject([{ state: 'replaced', by: hashOf(sent) }])
    expect([executions(world, 1), executions(world, 2)]).toEqual([1, 0])
  })

  it('refuses a whole batch: that says nothing of one among several', async () => {
    const world = modelWorld()
    let culprit: TxHash | undefined
    world.relay.refuseBatch((hashes) => {
      culprit ??= hashes[2]
      return culprit && hashes.includes(culprit) ? problem('malformed-envelope') : undefined
    })
    const { wallet, until } = await opened(world)
    const sent = await until(wallet.send([1, 2, 3, 4, 5].map((number) => payment(number))))
    await world.clock.pass(10_000)
    expect([1, 2].map((number) => executions(world, number))).toEqual([1, 1])
    const filled = await until(wallet.send([payment(6)]))
    expect(filled.transactions).toMatchObject([{ nonce: 2 }])
    const outcomes = await until(sent.settled())
    expect(outcomes.map(({ state }) => state)).toEqual(['included', 'included', 'rejected', 'included', 'included'])
  })

  it('stops sending: expired, which frees the nonce like a no', async () => {
    const world = modelWorld({ blocks: 'by hand' })
    const { wallet, until } = await opened(world)
    const sent = await until(wallet.send([payment(1)]))
    world.relay.say(hashOf(sent), { state: 'expired' })
    expect(await until(sent.settled())).toMatchObject([{ state: 'expired' }])
    expect((await until(wallet.send([payment(2)]))).transactions).toMatchObject([{ nonce: 0 }])
  })
})

describe('a relay that is busy', () => {
  it('takes what it refused for now when it is asked later, as long after as it wants', async () => {
    const world = modelWorld()
    const busyUntil = world.clock.now() + 20_000
    world.relay.refuse(() =>
      world.clock.now() < busyUntil ? problem('backpressure', { retryable: true, retryAfterSeconds: 7 }) : undefined,
    )
    const { wallet, until } = await opened(world)
    const sent = await until(wallet.send([payment(1), payment(2)]))
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }, { state: 'included' }])
    expect(world.relay.submitted.length).toBeLessThan(8)
  })

  it('or refuses everything for now', async () => {
    const world = modelWorld()
    const busyUntil = world.clock.now() + 20_000
    world.relay.refuseBatch(() =>
      world.clock.now() < busyUntil ? problem('backpressure', { retryable: true, retryAfterSeconds: 7 }) : undefined,
    )
    const { wallet, until } = await opened(world)
    const sent = await until(wallet.send([payment(1), payment(2)]))
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }, { state: 'included' }])
    expect(world.relay.submitted.length).toBeLessThan(8)
  })
})

describe('[OB6] a relay that lies about inclusion', () => {
  const somewhere = { window: 1, lane: 0, blockHash: blockHash(`0x${'ab'.repeat(32)}`), index: 0, succeeded: true }

  for (const [name, blockNumber] of [
    ['in a block without it', 0],
    ['in a block that never comes', 999_999],
  ] as const)
    it(`${name} is not believed, and asked less and less`, async () => {
      const world = modelWorld({ blocks: 'by hand' })
      const { wallet, until } = await opened(world)
      const sent = await until(wallet.send([payment(1)]))
      world.relay.say(hashOf(sent), { state: 'included', blockNumber, ...somewhere })
      let settled = false
      sent.settled().then(() => {
        settled = true
      })
      await world.clock.pass(120_000)
      expect(settled).toBe(false)
      expect(world.relay.submitted.length).toBeLessThan(40)
      world.chain.mine()
      expect(world.chain.find(hashOf(sent))).toBeUndefined()
      // Honest again, it is heard.
      world.relay.forget()
      await world.clock.pass(60_000)
      world.chain.mine()
      expect(await until(sent.settled())).toMatchObject([{ state: 'included' }])
    })

  it('and one that keeps an inclusion to itself is found out by the chain', async () => {
    const world = modelWorld({ blocks: 'by hand' })
    const { wallet, until } = await opened(world, {
      events: async function* (_chain, _batch, _sequence, signal) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        yield* []
      },
      submit: async (chain, envelope) => {
        const ack = await world.relay.port.submit(chain, envelope)
        if (!ack.ok) return ack
        return { ...ack, items: ack.items.map((item) => (item.ok ? { ...item, status: { state: 'queued' } } : item)) }
      },
    })
    const sent = await until(wallet.send([payment(1)]))
    world.relay.step()
    world.chain.mine()
    expect(await until(sent.settled())).toMatchObject([{ state: 'included' }])
  })
})
