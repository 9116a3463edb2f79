import { describe, expect, it } from 'vitest'
import { httpBackups, httpBoxes, memory, webCipher } from '../../../../sdk/adapters/index.ts'
import { networks } from '../../../../sdk/bitcoin/index.ts'
import { decodeMessage, ownTransaction } from '../../../../sdk/channel/penalty/index.ts'
import { currentEngine } from '../../../../sdk/crypto/engine.ts'
import { createBitcoinKeyring } from '../../../../sdk/keys/index.ts'
import { type ChannelId, channelId, sats } from '../../../../sdk/units.ts'
import { type BackupSetting, feeReserve, type TowerSetting } from '../../../../sdk/wallet/bitcoin/index.ts'
import { secretsAt } from '../../../../sdk/wallet/bitcoin/penalty/claim.ts'
import { penaltyKeys, penaltyRecordFrom } from '../../../../sdk/wallet/bitcoin/penalty/record.ts'
import { keyringBitcoinSigner } from '../../../../sdk/wallet/bitcoin/signer.ts'
import { until } from './channelWorld.ts'
import {
  bitcoin,
  channelOf,
  edge,
  funded,
  minedTo,
  opened,
  type Person,
  person,
  phaseOf,
  terms,
  tower,
  useTwoWayWorld,
  waitMs,
} from './twoWayWorld.ts'

useTwoWayWorld()

/** Anna pays, and then broadcasts the state from before. */
async function cheat(
  anna: Person,
  annaNumber: number,
  id: ChannelId,
  ben: Person,
  before: () => Promise<void> = async () => undefined,
): Promise<void> {
  const stored = await anna.store.get(penaltyKeys.channel(id))
  const request = await ben.wallet.request({ channel: id })
  const { paymentId } = request
  expect((await anna.wallet.pay(id, sats(60_000n), { paymentId, waitMs })).state).toBe('paid')
  // From then on the old state is revoked.
  await until(async () => (await ben.wallet.received(request)) !== null)
  await before()
  anna.wallet.close()
  const { channel, index } = penaltyRecordFrom((stored as NonNullable<typeof stored>).bytes)
  const keyring = createBitcoinKeyring(new Uint8Array(32).fill(annaNumber), networks.regtest)
  const secrets = await secretsAt(keyringBitcoinSigner(keyring), index)
  if (channel?.phase !== 'open') throw new Error('The old state is one that pays.')
  expect(await bitcoin.node.broadcast(ownTransaction(channel, secrets))).toMatchObject({ ok: true })
}

/** A way to boxes that, while it is mute, is silent from the first answer to a proposal on. What comes is heard. */
function muted() {
  const way = { isMute: false, boxes: httpBoxes({ fetch: tell }) }
  async function tell(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
    const told = init?.body instanceof Uint8Array ? decodeMessage(init.body) : null
    if (way.isMute && told?.ok && told.value.message.type === 'answer') throw new TypeError('It is mute.')
    return fetch(input, init)
  }
  return way
}

describe('two-way channels of two wallets, over a box of a worker and a chain', { timeout: 120_000 }, () => {
  it('pay both ways, go on from the disk, fence the wallet before, and close together', async () => {
    const { anna, ben, id, annaNumber } = await opened()
    const request = await ben.wallet.request({ channel: id })
    const { paymentId } = request
    const paid = await anna.wallet.pay(id, sats(30_000n), { paymentId, waitMs })
    expect(paid).toEqual({ state: 'paid', kind: 'two-way', paymentId, number: 1 })
    await until(async () => (await ben.wallet.received(request)) !== null)
    expect(await ben.wallet.received(request)).toMatchObject({ amount: 30_000n, number: 1 })
    expect(await ben.wallet.pay(id, sats(10_000n), { waitMs })).toMatchObject({ state: 'paid', number: 2 })
    expect(channelOf(anna)).toMatchObject({ kind: 'two-way', own: 'opener', balance: 80_000_000n, updates: 2 })
    expect(await ben.wallet.pay(id, sats(90_000n), { waitMs })).toMatchObject({ state: 'refused' })

    const again = await person(anna.store, annaNumber)
    await until(() => channelOf(anna)?.isElsewhere === true)
    expect((await again.wallet.pay(id, sats(5_000n), { waitMs })).state).toBe('paid')
    await expect(anna.wallet.pay(id, sats(1n))).rejects.toThrow('Another tab or device')

    await again.wallet.closeChannel(id)
    await until(() => phaseOf(again) === 'closing' && phaseOf(ben) === 'closing')
    await minedTo('closed', again, ben)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBe(25_000n)
  })

  it('take everything from a side that broadcasts an old state', async () => {
    const { anna, ben, id, annaNumber } = await opened()
    await cheat(anna, annaNumber, id, ben)
    await minedTo('closed', ben)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBeGreaterThan(95_000n)
  })

  it('[TW40] [TW41] leave justice with a tower, which takes everything while the wallet is closed', async () => {
    const { anna, ben, id, annaNumber } = await opened({ tower: tower() })
    await cheat(anna, annaNumber, id, ben, async () => {
      // The tower has the revoked state, and the store no longer needs it.
      await until(async () => (await ben.store.keys(penaltyKeys.states(id))).length === 0)
      ben.wallet.close()
    })
    const { channel } = penaltyRecordFrom((await ben.store.get(penaltyKeys.channel(id)))?.bytes ?? new Uint8Array(0))
    if (channel?.phase !== 'open') throw new Error('The channel is open, as far as its owner knows.')
    const script = channel.opening.accepterKeys.closingScript
    await until(async () => (await bitcoin.node.coins(script)).length > 0)
    await bitcoin.mine(1)
    const [coin] = await bitcoin.node.coins(script)
    expect(coin?.height).not.toBe(null)
    expect(coin?.value).toBeGreaterThan(95_000n)
  })

  it('[TW41] are not raised without a tower that answers, where one is required', async () => {
    const gone: TowerSetting = { ...tower(), key: currentEngine().publicKey(new Uint8Array(32).fill(9)) }
    const { anna, ben, id } = await opened({ tower: gone })
    expect((await anna.wallet.pay(id, sats(1_000n), { waitMs: 1_500 })).state).toBe('pending')
    expect(channelOf(ben)?.balance).toBe(0n)
  })

  it('end by one side alone, which gets its balance after the delay', async () => {
    const { anna, ben, id } = await opened()
    expect((await anna.wallet.pay(id, sats(40_000n), { waitMs })).state).toBe('paid')
    await ben.wallet.closeChannel(id, { alone: true })
    await minedTo('closed', ben, anna)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBeGreaterThan(38_000n)
  })

  it('[TW46] have a reserve for fees on each side, which is kept in a block and comes back at the end', async () => {
    const [anna, poor] = [await funded(), await person()]
    const ben = await person(undefined, undefined, { reserve: 'required' })
    const invitation = await ben.wallet.invite({ box: edge.url, terms })
    const wish = { kind: 'two-way', invitation, capacity: sats(100_000n), pushed: sats(20_000n) } as const
    expect(await poor.wallet.quoteChannel(wish)).toMatchObject({ ok: false, refusal: { code: 'insufficient' } })
    expect(await poor.wallet.openChannel(wish)).toMatchObject({ ok: false, refusal: { code: 'insufficient' } })
    const quoted = await anna.wallet.quoteChannel(wish)
    const quote = quoted.ok && quoted.quote
    expect(quote).toMatchObject({ kind: 'two-way', reserve: feeReserve, delayBlocks: terms.delayBlocks })
    if (!quote) return
    const before = (await anna.wallet.balance()).confirmed
    expect((await anna.wallet.openChannel(wish)).ok).toBe(true)
    // Ben takes no channel before he can pay for a reserve of his own.
    await until(() => channelOf(ben)?.trouble?.includes(`a reserve of ${feeReserve} sat`) === true)
    expect([phaseOf(anna), phaseOf(ben)]).toEqual(['opening', 'invited'])
    await bitcoin.fund(await ben.wallet.address(), sats(40_000n))
    await bitcoin.mine(1)
    await ben.wallet.refresh()
    await until(() => phaseOf(anna) === 'funding' && phaseOf(ben) === 'funding')
    await minedTo('open', anna, ben)
    await anna.wallet.refresh()
    expect((await anna.wallet.balance()).confirmed).toBe(before - wish.capacity - quote.fundingFee - feeReserve)
    expect(anna.wallet.channels()[0]).toMatchObject({ kind: 'two-way', reserve: feeReserve, remaining: quote.payable })
    // His is made once the channel is: a block holds it a little later.
    expect(channelOf(ben)).toMatchObject({ reserve: 0n, awayAdvice: expect.stringContaining('No coin is kept') })
    await until(async () => {
      await bitcoin.mine(1)
      await ben.wallet.refresh()
      return channelOf(ben)?.reserve === feeReserve
    })
    expect(channelOf(ben)?.awayAdvice).not.toContain('No coin is kept')
    await anna.wallet.closeChannel(invitation.id)
    await minedTo('closed', anna, ben)
    const confirmed = async ({ wallet }: typeof anna) => (await wallet.balance()).confirmed
    await until(async () => {
      await bitcoin.mine(1)
      await Promise.all([anna.wallet.refresh(), ben.wallet.refresh()])
      return (await confirmed(anna)) > before - 20_000n - 2_500n && (await confirmed(ben)) > 60_000n - 2_500n
    })
    expect(channelOf(ben)?.reserve).toBe(0n)
  })

  it('[TW54] speak as channels in one direction do: requests, payments and changes, in words', async () => {
    const { anna, ben, id } = await opened()
    const stop = new AbortController()
    const told: string[] = []
    const following = (async () => {
      for await (const channel of anna.wallet.changes(stop.signal)) told.push(`${channel.phase}: ${channel.words}`)
    })()
    const request = await ben.wallet.request({ channel: id, amount: sats(100n) })
    expect(await ben.wallet.received(request)).toBe(null)
    const { paymentId } = request
    // Who asks again because an answer takes its time pays no second time.
    const pay = () => anna.wallet.pay(id, sats(100n), { paymentId, waitMs })
    for (const paid of [...(await Promise.all([pay(), pay()])), await pay()])
      expect(paid).toEqual({ state: 'paid', kind: 'two-way', paymentId, number: 1 })
    await until(async () => (await ben.wallet.received(request)) !== null)
    expect(await ben.wallet.received(request)).toEqual({ amount: 100n, isEnough: true, number: 1 })
    expect(anna.wallet.channels()[0]?.awayAdvice).toContain('Come back within 6 blocks (about 60 minutes)')
    expect((await anna.wallet.balance()).inChannels).toBe(99_900n)

    // Ben has less than a closing costs, so Anna's wallet makes it by itself.
    await ben.wallet.closeChannel(id)
    await until(() => phaseOf(anna) === 'closing' && phaseOf(ben) === 'closing')
    await minedTo('closed', anna, ben)
    await until(() => told.some((line) => line.startsWith('closed: ')))
    stop.abort()
    await following
    expect(told[0]).toBe('open: The channel pays both ways, without a block.')
    expect((await ben.wallet.balance()).inChannels).toBe(0n)
  })

  it('[TW54] pay once for a name: again after a restart in the middle, and not for another amount', async () => {
    const way = muted()
    const { anna, ben, id, annaNumber } = await opened({ boxes: way.boxes })
    const paymentId = new Uint8Array(16).fill(5)
    const pay = ({ wallet }: Person, amount: bigint, wait = waitMs) =>
      wallet.pay(id, sats(amount), { paymentId, waitMs: wait })
    const isUsed = { code: 'wallet/payment-id-used' }
    way.isMute = true
    expect(await pay(anna, 1_000n, 100)).toEqual({ state: 'pending', paymentId })
    await expect(pay(anna, 999n)).rejects.toMatchObject(isUsed)
    await until(() => channelOf(anna)?.isPending === true)
    anna.wallet.close()

    // What is in the record is waited for, and goes out no second time.
    const again = await person(anna.store, annaNumber)
    await expect(pay(again, 999n)).rejects.toMatchObject(isUsed)
    const waiting = pay(again, 1_000n)
    way.isMute = false
    const paid = { state: 'paid', kind: 'two-way', paymentId, number: 1 }
    expect(await waiting).toEqual(paid)
    again.wallet.close()

    const later = await person(again.store, annaNumber)
    expect(await pay(later, 1_000n)).toEqual(paid)
    await expect(pay(later, 999n)).rejects.toMatchObject(isUsed)
    expect(channelOf(later)).toMatchObject({ updates: 1, balance: 99_000_000n })
    await until(() => channelOf(ben)?.balance === 1_000_000n)
  })

  it.each([
    { closer: 'payer', told: { state: 'refused', fault: 'not-open' } },
    { closer: 'payee', told: { state: 'paid', number: 1 } },
  ])('[TW54] leave to the chain what was on its way when the $closer closed', async ({ closer, told }) => {
    const way = muted()
    const { anna, ben, id } = await opened({ boxes: way.boxes })
    way.isMute = true
    const paymentId = new Uint8Array(16).fill(6)
    const pay = () => anna.wallet.pay(id, sats(1_000n), { paymentId, waitMs })
    const waiting = pay()
    await until(() => channelOf(anna)?.isPending === true && channelOf(ben)?.isPending === true)
    await (closer === 'payer' ? anna : ben).wallet.closeChannel(id, { alone: true })
    await minedTo('closed', anna)
    expect(await waiting).toMatchObject(told)
    expect(await pay()).toMatchObject(told)
  })

  it('are told apart from channels that a wallet does not have', async () => {
    const anna = await person()
    const asking = anna.wallet.request({ channel: channelId(`0x${'0'.repeat(64)}`) })
    await expect(asking).rejects.toThrow('no such channel')
  })

  it('[TW42] [TW43] come back from their copies at an edge, and pay on once the other side has shown where it stands', async () => {
    const backup: BackupSetting = { link: httpBackups(), edges: [edge.url], cipher: webCipher(), mode: 'required' }
    const { anna, ben, id, annaNumber } = await opened({}, { backup })
    expect((await anna.wallet.pay(id, sats(30_000n), { waitMs })).state).toBe('paid')
    anna.wallet.close()
    const again = await person(memory(), annaNumber, { backup })
    expect(again.wallet.channels()).toEqual([])
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    expect(await again.twoWay.restore()).toEqual([])
    await until(() => phaseOf(again) === 'open')
    expect(channelOf(again)).toMatchObject({ balance: 70_000_000n, updates: 1 })
    expect((await again.wallet.pay(id, sats(5_000n), { waitMs })).state).toBe('paid')
    await until(() => channelOf(ben)?.balance === 35_000_000n)
  })
})
