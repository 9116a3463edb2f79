import { Hono } from 'hono'
import { type ChannelId, fromHex, SdkError, sats, type Txid, toHex } from 'lanekit'
import { esplora, httpPeers, memory, socketBoxes, systemRandom, webCipher } from 'lanekit/adapters'
import type { Network } from 'lanekit/bitcoin'
import { mnemonicFromEntropy } from 'lanekit/keys'
import {
  type BitcoinWallet,
  type Boxes,
  createBitcoinWallet,
  decodeInvitation,
  mnemonicBitcoinSigner,
  type TwoWayChannel,
} from 'lanekit/wallet/bitcoin'
import type { CheatStep, CheatStory, CheatSums, Invited, Order } from '../api.ts'
import type { ChainLook } from './chainLook.ts'
import { articles } from './goods.ts'
import { refuse } from './shop.ts'
import { connect } from './socket.ts'

/** Where the cheat is played: a shopper like others, who knows the shop by its address alone. */
export interface CheatPlace {
  readonly network: Network
  /** The shop's address, before which the box is too. */
  readonly shop: string
  /** An Esplora API. */
  readonly bitcoin: string
  readonly chain: ChainLook
  /** Sends coins to an address, and a block after it. */
  readonly fund: (address: string, value: bigint) => Promise<void>
  /** Told when the cheat has broadcast something. */
  readonly sent: () => void
}

const coins = 100_000n
const capacity = sats(50_000n)
/** Charts that the cheat borrows, and pays, before it tries to have paid nothing. */
const chartsCount = 8
const pollMs = 300
/** How long each step of the story may take. */
const stepMsMax = 120_000

type Records = NonNullable<Parameters<typeof memory>[0]>

/**
 * A shopper who opens a lane, copies its wallet's store, pays, and then broadcasts the state of the copy. Nothing of the SDK
 * helps it: it opens the copy in a second wallet that hears nobody, so that neither the box nor the shop can tell that
 * wallet that its state is old, and closes the lane alone. What follows is the shop's: its wallet sees the old state in
 * the chain and takes everything.
 */
export async function playCheat(place: CheatPlace, tell: (step: CheatStep) => void): Promise<void> {
  const entropy = systemRandom(16)
  const records: Records = new Map()
  const first = await openWallet(place, { entropy, records, boxes: socketBoxes({ connect }) })
  let second: BitcoinWallet | null = null
  try {
    const opened = await openLane(place, first)
    const { id, fundingTxid } = opened
    tell({ type: 'opened', capacity: Number(capacity), fundingTxid })
    const copy: Records = new Map(records)
    tell({ type: 'copied', number: opened.updates, balance: wholeSats(opened) })
    for (let count = 0; count < chartsCount; count++) await borrowChart(place, first, id)
    const paid = laneOf(first, id)
    tell({ type: 'paid', paid: wholeSats(opened) - wholeSats(paid), number: paid.updates, balance: wholeSats(paid) })
    first.close()

    second = await openWallet(place, { entropy, records: copy, boxes: deaf })
    await second.closeChannel(id, { alone: true })
    const old = laneOf(second, id)
    const state = await found(async () => (await place.chain.closing(fundingTxid, capacity))?.txid ?? null)
    tell({ type: 'broadcast', number: old.updates, claimed: wholeSats(old), txid: state })
    place.sent()
    await tellJustice(place, { fundingTxid, state, claimed: wholeSats(old) }, tell)
  } finally {
    first.close()
    second?.close()
  }
}

async function openWallet(
  { network, bitcoin, sent }: CheatPlace,
  { entropy, records, boxes }: { readonly entropy: Uint8Array; readonly records: Records; readonly boxes: Boxes },
): Promise<BitcoinWallet> {
  const node = esplora({ url: bitcoin, network })
  const broadcast: typeof node.broadcast = async (raw) => {
    sent()
    return node.broadcast(raw)
  }
  return createBitcoinWallet({
    keys: await mnemonicBitcoinSigner({ mnemonic: mnemonicFromEntropy(entropy), cipher: webCipher(), network }),
    store: memory(records),
    network,
    nodes: [{ ...node, broadcast }],
    peers: httpPeers(),
    boxes,
    pollMs,
    gapLimit: 2,
  })
}

/** A box that hears and says nothing: whoever opens an old copy wants nobody to answer. */
const deaf: Boxes = () => ({
  send: never,
  receive: (_, signal) => ({
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        }),
    }),
  }),
  acknowledge: never,
  deposit: never,
  standing: never,
})

function never(): Promise<never> {
  return new Promise(() => undefined)
}

type Funded = TwoWayChannel & { readonly fundingTxid: Txid }

async function openLane(place: CheatPlace, wallet: BitcoinWallet): Promise<Funded> {
  await place.fund(await wallet.address(), coins)
  await found(async () => (await wallet.balance()).confirmed > 0n || null)
  const { invitation } = await ask<Invited>(place, '/shop/two-way', 'POST')
  const decoded = decodeInvitation(fromHex(invitation as `0x${string}`))
  if (!decoded.ok) throw new Error(`The shop's invitation is none: ${decoded.reason}.`)
  const opened = await wallet.openChannel({ kind: 'two-way', invitation: decoded.value, capacity })
  if (!opened.ok) throw new Error(opened.refusal.detail)
  return found(async () => {
    const lane = laneOf(wallet, opened.channel.id)
    const { fundingTxid } = lane
    return lane.phase === 'open' && fundingTxid ? { ...lane, fundingTxid } : null
  })
}

async function borrowChart(place: CheatPlace, wallet: BitcoinWallet, id: ChannelId): Promise<void> {
  const { paymentId } = await wallet.request({ channel: id })
  const price = articles.find((one) => one.id === 'chart')?.price ?? 0
  const path = `/shop/orders/${toHex(paymentId)}`
  await ask<Order>(place, path, 'PUT', { article: 'chart', part: 0 })
  const { state } = await wallet.pay(id, sats(BigInt(price)), { paymentId, waitMs: stepMsMax })
  if (state !== 'paid') throw new Error('The shop took no payment.')
  await found(async () => (await ask<Order>(place, path)).goods)
}

/** Follows what the shop's wallet does with the old state, in the chain alone. */
async function tellJustice(
  { chain }: CheatPlace,
  { fundingTxid, state, claimed }: { readonly fundingTxid: Txid; readonly state: string; readonly claimed: number },
  tell: (step: CheatStep) => void,
): Promise<void> {
  const closing = await found(() => chain.closing(fundingTxid, capacity))
  // The largest output is the cheat's own by the old state, which it could take after the delay.
  const own = closing.values.indexOf(Math.max(...closing.values.filter((value) => value <= claimed)))
  const txid = await found(() => chain.spender(state, own))
  const justice = await found(() => chain.transaction(txid))
  tell({ type: 'caught', txid, taken: justice.outputs.reduce((sum, { value }) => sum + Number(value), 0) })
  const sums = await found(() => sumsOf(chain, { closing, justiceScript: justice.outputs[0]?.script }))
  tell({ type: 'ended', ...sums })
}

type Closing = NonNullable<Awaited<ReturnType<ChainLook['closing']>>>

/** Where every satoshi of the lane is; nothing while something that is worth taking is not taken. */
async function sumsOf(
  chain: ChainLook,
  { closing, justiceScript }: { readonly closing: Closing; readonly justiceScript: Uint8Array | undefined },
): Promise<CheatSums | null> {
  const sums = { toShop: 0, toCheat: 0, justiceFee: 0, anchors: 0 }
  const shop = justiceScript && toHex(justiceScript)
  const spends = new Map<string, number>()
  for (const [index, value] of closing.values.entries()) {
    const txid = await chain.spender(closing.txid, index)
    if (txid) spends.set(txid, (spends.get(txid) ?? 0) + value)
    else if (value > anchorSats) return null
    else sums.anchors += value
  }
  for (const [txid, spent] of spends) {
    const spend = await chain.transaction(txid)
    if (!spend) return null
    const isLift = spend.inputs.some(({ outpoint }) => outpoint.txid !== closing.txid)
    const out = spend.outputs.reduce((sum, { value }) => sum + Number(value), 0)
    // A child that lifts the old state has a coin of its own in it: of the lane, it spends an anchor as a fee.
    if (isLift) sums.anchors += spent
    else {
      if (spend.outputs.every(({ script }) => toHex(script) === shop)) sums.toShop += out
      else sums.toCheat += out
      sums.justiceFee += spent - out
    }
  }
  return { capacity: Number(capacity), stateFee: closing.fee, ...sums }
}

/** Value of an anchor output (BOLT 3). */
const anchorSats = 330

function laneOf(wallet: BitcoinWallet, id: ChannelId): TwoWayChannel {
  const lane = wallet.channels().find((one) => one.id === id)
  if (lane?.kind !== 'two-way') throw new Error('The cheat has the lane that it opened.')
  return lane
}

function wholeSats({ balance }: TwoWayChannel): number {
  return Number(balance / 1_000n)
}

async function ask<value>({ shop }: CheatPlace, path: string, method = 'GET', body?: unknown): Promise<value> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(`${shop}${path}`, { method, ...sent })
  if (!response.ok) throw new Error(`The shop answered ${response.status} to ${path}.`)
  return (await response.json()) as value
}

/** Asks until there is an answer. */
async function found<value>(look: () => Promise<value | null>): Promise<value> {
  const end = Date.now() + stepMsMax
  for (;;) {
    const answer = await look().catch((error: unknown) => {
      if (error instanceof SdkError && error.retryable) return null
      throw error
    })
    if (answer !== null) return answer
    if (Date.now() > end) throw new Error('The chain or the shop did not go on.')
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

/** Plays the cheat when asked, one at a time, and tells how far it is. */
export function cheatRoutes(place: () => CheatPlace): Hono {
  let story: CheatStory = { isPlaying: false, steps: [], trouble: null }
  const app = new Hono()
  app.get('/demo/cheat', (context) => context.json(story))
  app.post('/demo/cheat', (context) => {
    if (story.isPlaying) return refuse(context, 409, 'playing-already')
    story = { isPlaying: true, steps: [], trouble: null }
    const tell = (step: CheatStep) => {
      story = { ...story, steps: [...story.steps, step] }
    }
    playCheat(place(), tell).then(
      () => {
        story = { ...story, isPlaying: false }
      },
      (error: unknown) => {
        story = { ...story, isPlaying: false, trouble: error instanceof Error ? error.message : String(error) }
      },
    )
    return context.json(story)
  })
  return app
}
