import { describe, expect, it } from 'vitest'
import { type TxHash, txHash } from '../../../sdk/units.ts'
import { createWallet } from '../../../sdk/wallet/createWallet.ts'
import type { Sent } from '../../../sdk/wallet/sent.ts'
import { baseFeePerGas, read } from './model/chain.ts'
import { problem } from './model/relay.ts'
import { alice, executions, modelWorld, payment } from './model/world.ts'

async function opened() {
  const world = modelWorld({ blocks: 'by hand' })
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

describe('[OB11] speeding up', () => {
  it('sends the same at higher fees under the same nonce; the first is replaced', async () => {
    const { world, wallet, mine, until } = await opened()
    const first = await until(wallet.send([payment(1)]))
    const second = await until(wallet.speedUp(hashOf(first)))
    expect(second.transactions).toMatchObject([{ nonce: 0, from: alice.account }])
    mine()
    expect(await until(second.settled())).toMatchObject([{ state: 'included' }])
    expect(await until(first.settled())).toMatchObject([{ state: 'replaced', by: hashOf(second) }])
    expect(executions(world, 1)).toBe(1)
  })

  it('raises both fees by what nodes ask for, or by what is said, and over the base fee', async () => {
    const { world, wallet, until } = await opened()
    const first = await until(wallet.send([{ ...payment(1), fees: low }]))
    const second = await until(wallet.speedUp(hashOf(first)))
    const third = await until(wallet.speedUp(hashOf(second), { percent: 100 }))
    const pricing = await feesOf(world, [first, second, third])
    expect(pricing[1]?.maxPriorityFeePerGas).toBe(2n)
    expect(pricing[1]?.maxFeePerGas).toBeGreaterThanOrEqual(2n * baseFeePerGas + 2n)
    expect(pricing[2]?.maxPriorityFeePerGas).toBe(4n)
  })

  it('and the first wins: then the second is replaced', async () => {
    const { world, wallet, mine, until } = await opened()
    const first = await until(wallet.send([payment(1)]))
    world.relay.step()
    world.relay.refuse(() => problem('fee-too-low'))
    const second = await until(wallet.speedUp(hashOf(first)))
    expect(await until(second.settled())).toMatchObject([{ state: 'rejected', code: 'fee-too-low' }])
    mine()
    expect(await until(first.settled())).toMatchObject([{ state: 'included' }])
    expect(executions(world, 1)).toBe(1)
  })

  it('brings on its way what was refused', async () => {
    const { world, wallet, mine, until } = await opened()
    world.relay.refuse(() => problem('fee-too-low'))
    const first = await until(wallet.send([payment(1)]))
    await until(first.settled())
    world.relay.refuse(() => undefined)
    const second = await until(wallet.speedUp(hashOf(first)))
    mine()
    expect(await until(second.settled())).toMatchObject([{ state: 'included' }])
    expect(executions(world, 1)).toBe(1)
  })

  it('of a transaction that is in a block comes too late', async () => {
    const { wallet, mine, until } = await opened()
    const first = await until(wallet.send([payment(1)]))
    mine()
    await until(first.settled())
    expect((await until(wallet.speedUp(hashOf(first)))).refused).toMatchObject([{ code: 'wallet/too-late' }])
    expect((await until(wallet.cancel(hashOf(first)))).refused).toMatchObject([{ code: 'wallet/too-late' }])
  })

  it('of a transaction that is nobody’s is refused, and of less than nodes ask for throws', async () => {
    const { wallet, until } = await opened()
    const nobody = txHash(`0x${'ab'.repeat(32)}`)
    expect((await until(wallet.speedUp(nobody))).refused).toMatchObject([{ code: 'wallet/unknown-transaction' }])
    const first = await until(wallet.send([payment(1)]))
    await expect(until(wallet.speedUp(hashOf(first), { percent: 9 }))).rejects.toMatchObject({
      code: 'units/out-of-range',
    })
  })

  it('of what the account cannot pay any more is refused', async () => {
    const { wallet, until } = await opened()
    const first = await until(wallet.send([payment(1)]))
    const rich = await until(wallet.speedUp(hashOf(first), { percent: 9_000_000_000_000_000 }))
    expect(rich.refused).toMatchObject([{ code: 'wallet/insufficient-funds' }])
  })
})

const low = { maxFeePerGas: 11n, maxPriorityFeePerGas: 1n } as never

async function feesOf(world: Awaited<ReturnType<typeof opened>>['world'], sents: readonly Sent[]) {
  const { decodeOutbox } = await import('../../../sdk/wallet/outboxRecord.ts')
  const record = await world.store.get(`outbox/1337/${alice.account}`)
  const outbox = record && decodeOutbox(record.bytes)
  if (!outbox?.ok) throw new Error('the outbox cannot be read')
  const attempts = outbox.value.intents.flatMap((intent) => intent.attempts)
  return sents.map((sent) => {
    const attempt = attempts.find(({ hash }) => hash === hashOf(sent))
    const { pricing } = read(attempt?.bytes ?? new Uint8Array(0)).prepared
    if (!('maxFeePerGas' in pricing)) throw new Error('it has another pricing')
    return pricing
  })
}

describe('[OB11] cancelling', () => {
  it('puts nothing in the place of the first', async () => {
    const { world, wallet, mine, until } = await opened()
    const first = await until(wallet.send([payment(1)]))
    const cancelled = await until(wallet.cancel(hashOf(first)))
    expect(cancelled.transactions).toMatchObject([{ nonce: 0 }])
    mine()
    expect(await until(cancelled.settled())).toMatchObject([{ state: 'included' }])
    expect(await until(first.settled())).toMatchObject([{ state: 'replaced', by: hashOf(cancelled) }])
    expect(executions(world, 1)).toBe(0)
  })

  it('lets what comes after go on', async () => {
    const { world, wallet, mine, until } = await opened()
    const sent = await until(wallet.send([payment(1), payment(2)]))
    await until(wallet.cancel(hashOf(sent)))
    mine()
    mine()
    expect(await until(sent.settled())).toMatchObject([{ state: 'replaced' }, { state: 'included' }])
    expect([executions(world, 1), executions(world, 2)]).toEqual([0, 1])
  })

  it('survives a restart as what was signed last', async () => {
    const { world, wallet, mine, until } = await opened()
    const first = await until(wallet.send([payment(1)]))
    await until(wallet.cancel(hashOf(first)))
    wallet.close()
    world.relay.forget()
    const next = await createWallet(world.parts)
    const left = await until(next.outstanding())
    mine()
    expect(await until(left.settled())).toMatchObject([{ state: 'included' }])
    expect(executions(world, 1)).toBe(0)
  })
})
