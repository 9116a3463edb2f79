import { connect } from '../../examples/checkout/server/socket.ts'
import { httpPeers, memory, socketBox, systemClock, systemRandom, webCipher } from '../../sdk/adapters/index.ts'
import { p2wpkh } from '../../sdk/bitcoin/index.ts'
import type { Terms } from '../../sdk/channel/index.ts'
import { createBitcoinClient } from '../../sdk/client/index.ts'
import { currentEngine } from '../../sdk/crypto/index.ts'
import { InvariantError, invariant } from '../../sdk/errors.ts'
import type { Store } from '../../sdk/ports.ts'
import {
  createTill,
  localTillSigner,
  mailboxLink,
  openBoxes,
  runTill,
  type Till,
  tillRoutes,
} from '../../sdk/till/index.ts'
import { type ChannelId, sats, type Txid } from '../../sdk/units.ts'
import { type BitcoinWallet, createBitcoinWallet, type OneWayChannel } from '../../sdk/wallet/bitcoin/index.ts'
import { createVault } from '../../sdk/wallet/index.ts'
import type { BitcoinBackend } from './bitcoinBackend.ts'
import { serveLoopback } from './loopback.ts'
import { progress } from './progress.ts'

const fundsSats = sats(200_000n)
const capacitySats = sats(100_000n)
const paymentsCount = 1_000
const priceSats = sats(12n)
const confirmationsMin = 3
/** How often wallet and till look at the chain by themselves. */
const pollMs = 1_000
/** Pause between two blocks of the walk: what is broadcast meanwhile is in the next. */
const blockMs = 150
const waitMsMax = 60_000
/** The walk's password. Its wallet is made for the walk, holds nothing of worth, and ends with it. */
const walkPassword = 'published password of the walk, for nothing else'

/** What the walk did over the channel, counted from what the payee has stored and the chain proves. */
export interface ChannelWalked {
  readonly paymentsAsked: number
  /** Stored by the payee, and covered. */
  readonly payments: number
  readonly paidSats: number
  readonly closeTxid: Txid
  readonly confirmations: number
  readonly paySeconds: number
}

export interface ChannelWalkWorld {
  readonly bitcoin: BitcoinBackend
  /** Where the channel boxes are. */
  readonly edge: string
  /** The shopper's, on disk. */
  readonly store: Store
  /** The merchant's, on disk. */
  readonly tillStore: Store
}

/**
 * The other half of the main job: a shopper opens a channel to a merchant, pays a thousand times without a block, closes,
 * and both sides prove what the chain gave them.
 */
export async function walkChannel(world: ChannelWalkWorld): Promise<ChannelWalked> {
  const merchant = await openMerchant(world)
  const shopper = await openShopper(world)
  try {
    const id = await fund(world, shopper, merchant)
    const began = Date.now()
    const payments = await payMany(shopper, merchant.till, id)
    const paySeconds = (Date.now() - began) / 1000
    const closed = await closeAndProve(world, shopper, id)
    const { ending } = closed
    invariant(ending, 'a closed channel has an ending')
    await merchant.till.watch() // The chain shows the ending: the till need not wait for its next look.
    const income = await merchant.till.income()
    if (income.paid !== closed.paid || income.settled !== ending.toPayee)
      throw new InvariantError('What the shopper paid, the merchant received, and the chain settled differ.')
    const { txid: closeTxid, confirmations } = ending
    return {
      paymentsAsked: paymentsCount,
      payments,
      paidSats: Number(ending.toPayee),
      closeTxid,
      confirmations,
      paySeconds,
    }
  } finally {
    shopper.close()
    await merchant.stop()
  }
}

/** A merchant that serves. */
export interface Merchant {
  readonly till: Till
  readonly url: string
  readonly stop: () => Promise<void>
}

/** What a merchant needs; one that comes back after a crash has its old key, store and port. */
export interface MerchantWorld {
  readonly bitcoin: Pick<BitcoinBackend, 'node'>
  readonly edge: string
  readonly tillStore: Store
  readonly secretKey?: Uint8Array
  readonly port?: number
}

/** A merchant: a till with its boxes at the edge, its chain, and its HTTP face. */
export async function openMerchant(world: MerchantWorld): Promise<Merchant> {
  const { bitcoin, edge, tillStore, secretKey = systemRandom(32), port = 0 } = world
  const payeeKey = currentEngine().publicKey(secretKey)
  const terms: Terms = {
    network: 'regtest',
    payeeKey,
    payeeScript: p2wpkh(payeeKey),
    closeFee: sats(1_000n),
    confirmationsMin,
    capacityMin: sats(10_000n),
    capacityMax: sats(10_000_000n),
    expiryBlocksMin: 288,
    expiryBlocksMax: 4_032,
    marginBlocks: 144,
  }
  const signer = localTillSigner([secretKey])
  const boxOf = (channel: ChannelId, token: Uint8Array) =>
    socketBox({ url: edge, channel, token, side: 'payee', connect })
  const boxes = await openBoxes({ store: tillStore, signer, clock: systemClock, payeeKey, connect: boxOf })
  const chain = await createBitcoinClient({ network: 'regtest', nodes: [bitcoin.node] })
  const till = await createTill({
    store: tillStore,
    chain,
    signer,
    link: mailboxLink(boxes),
    clock: systemClock,
    terms,
    undepositedMax: sats(3_000n),
  })
  const program = runTill({ till, boxes, clock: systemClock, pollMs })
  const routes = tillRoutes({ till, program, box: edge })
  const server = await serveLoopback((request) => routes.fetch(request), port)
  const stop = async () => {
    await program.stop()
    await server.stop()
  }
  return { till, url: server.url, stop }
}

async function openShopper({ bitcoin, store }: ChannelWalkWorld): Promise<BitcoinWallet> {
  const vault = await createVault({
    store: memory(),
    cipher: webCipher(),
    random: systemRandom,
    password: walkPassword,
  })
  return createBitcoinWallet({
    keys: await vault.bitcoin('regtest'),
    store,
    network: 'regtest',
    nodes: [bitcoin.node],
    peers: httpPeers({ connect }),
    pollMs,
  })
}

/** Coins for the shopper, and a channel that pays. */
async function fund({ bitcoin }: ChannelWalkWorld, shopper: BitcoinWallet, { url }: Merchant): Promise<ChannelId> {
  const opening = progress('Channel funded and proven by the payee', 1 + confirmationsMin)
  opening.advance(0)
  await bitcoin.fund(await shopper.address(), fundsSats)
  await bitcoin.mine(1)
  opening.advance(1)
  const opened = await shopper.openChannel({ peer: url, capacity: capacitySats })
  if (!opened.ok) throw new InvariantError(`The walk's channel was not opened: ${opened.refusal.detail}`)
  const { id } = opened.channel
  const { phase, fault } = await mineUntil(bitcoin, shopper, id, (channel) => {
    opening.advance(1 + Math.min(channel.confirmations, confirmationsMin))
    return channel.phase !== 'offered' && channel.phase !== 'funding'
  })
  if (phase !== 'open') throw new InvariantError(`The walk's channel is ${phase}: ${fault ?? 'no reason given'}`)
  opening.finish(`${capacitySats} sat under ${confirmationsMin} blocks`)
  return id
}

async function payMany(shopper: BitcoinWallet, till: Till, id: ChannelId): Promise<number> {
  const paying = progress('Paid by the cent, without a block', paymentsCount)
  paying.advance(0)
  let paid = 0
  for (let payment = 0; payment < paymentsCount; payment++) {
    const paymentId = systemRandom(16)
    await till.quote(paymentId, priceSats)
    const outcome = await shopper.pay(id, priceSats, { paymentId, waitMs: waitMsMax })
    // The payee's store decides, never the payer's word.
    if (outcome.state === 'paid' && (await till.isPaid(paymentId))) paid += 1
    paying.advance(payment + 1)
  }
  paying.finish(`${paid} payments of ${priceSats} sat, each stored by the payee`)
  return paid
}

async function closeAndProve(
  { bitcoin }: ChannelWalkWorld,
  shopper: BitcoinWallet,
  id: ChannelId,
): Promise<OneWayChannel> {
  const closing = progress('Closed, and the ending proven', confirmationsMin)
  closing.advance(0)
  await shopper.closeChannel(id)
  const channel = await mineUntil(bitcoin, shopper, id, ({ phase, ending }) => {
    const confirmations = ending?.confirmations ?? 0
    closing.advance(Math.min(confirmations, confirmationsMin))
    return phase === 'closed' && confirmations >= confirmationsMin
  })
  closing.finish(`${channel.ending?.toPayee ?? 0n} sat to the payee, the rest came back`)
  return channel
}

/** Most blocks that funding or closing may take here. */
const blocksMax = 60

/** Mines a block after each look, until the channel is as awaited. Throws when it takes too long. */
async function mineUntil(
  bitcoin: BitcoinBackend,
  shopper: BitcoinWallet,
  id: ChannelId,
  is: (channel: OneWayChannel) => boolean,
): Promise<OneWayChannel> {
  for (let block = 0; block <= blocksMax; block++) {
    await shopper.refresh()
    const channel = shopper.channels().find((one) => one.id === id)
    if (channel?.kind === 'one-way' && is(channel)) return channel
    await systemClock.sleep(blockMs)
    await bitcoin.mine(1)
  }
  throw new InvariantError("The walk's channel did not come to where it was awaited.")
}
