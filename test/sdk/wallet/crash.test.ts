import { describe, expect, it } from 'vitest'
import type { Store } from '../../../sdk/ports.ts'
import type { Address } from '../../../sdk/units.ts'
import { createWallet } from '../../../sdk/wallet/createWallet.ts'
import { decodeOutbox } from '../../../sdk/wallet/outboxRecord.ts'
import { read } from './model/chain.ts'
import { mortal } from './model/mortal.ts'
import { bob, executions, type ModelWorld, modelWorld, payee, payment } from './model/world.ts'

const payments = [1, 2, 3, 4]

/** Two calls, the second while the first is on its way, of two accounts. */
async function script(parts: ModelWorld['parts']): Promise<'done'> {
  const wallet = await createWallet(parts)
  const first = await wallet.send([payment(1), payment(2), payment(3, bob)])
  const second = await wallet.send([payment(4)])
  await first.settled()
  await second.settled()
  wallet.close()
  return 'done'
}

/** Payments whose signed bytes are in the store. */
async function stored(store: Store): Promise<ReadonlySet<number>> {
  const payees = new Set<Address | null>()
  for (const key of await store.keys('outbox/')) {
    const record = await store.get(key)
    const outbox = record && decodeOutbox(record.bytes)
    if (!outbox?.ok) throw new Error('the outbox cannot be read')
    for (const { attempts } of outbox.value.intents)
      for (const { bytes } of attempts) payees.add(read(bytes).prepared.to)
  }
  return new Set(payments.filter((number) => payees.has(payee(0x1000 + number))))
}

async function restart(world: ModelWorld): Promise<void> {
  const wallet = await createWallet(world.parts)
  const left = await world.clock.until(wallet.outstanding())
  await world.clock.until(left.settled())
  wallet.close()
}

function counts(world: ModelWorld): readonly number[] {
  return payments.map((number) => executions(world, number))
}

describe('[OB1] [OB8] a process that dies', () => {
  it('[CR1] [CR2] at any moment: everything stored is executed exactly once after a restart, nothing else ever', async () => {
    let moment = 1
    for (; ; moment++) {
      const world = modelWorld()
      const process = mortal(world.parts, moment)
      const end = await world.clock.until(Promise.race([script(process.parts), process.died]))
      const before = await stored(world.store)
      await restart(world)
      const expected = payments.map((number) => (before.has(number) ? 1 : 0))
      expect({ moment, counts: counts(world) }).toEqual({ moment, counts: expected })
      if (end === 'done') break
    }
    expect(moment).toBeGreaterThan(20)
  }, 120_000)

  it('twice, at any moment of the second life too', async () => {
    for (let moment = 1; ; moment++) {
      const world = modelWorld()
      const first = mortal(world.parts, 12)
      await world.clock.until(Promise.race([script(first.parts), first.died]))
      const second = mortal(world.parts, moment)
      const resumed = createWallet(second.parts).then(async (wallet) => (await wallet.outstanding()).settled())
      const end = await world.clock.until(Promise.race([resumed, second.died]))
      await restart(world)
      expect({ moment, counts: counts(world) }).toEqual({ moment, counts: [1, 1, 1, 0] })
      if (end !== 'died') break
    }
  }, 120_000)
})
