import { decodeAddress, gapLimitDefault, type Network, outpointKey } from '../../bitcoin/index.ts'
import type { HubTerms } from '../../channel/hub/index.ts'
import { payerStep } from '../../channel/index.ts'
import { penaltyStep } from '../../channel/penalty/index.ts'
import { type BitcoinClient, createBitcoinClient, createMailbox } from '../../client/index.ts'
import { platformClock, platformRandom } from '../../client/platform.ts'
import { invariant, SdkError } from '../../errors.ts'
import type { BitcoinNode, BitcoinSigner, ChannelLink, Clock, NodeOutpoint, Peers, Random, Store } from '../../ports.ts'
import { type ChannelId, type Feerate, height, type Sats, sameBytes, sats, wholeSats } from '../../units.ts'
import type { BitcoinCheckpoint } from '../../verify/index.ts'
import { beginLife } from '../life.ts'
import { createChangeFeed } from './changes.ts'
import { type ChannelFront, channelFront } from './channelFront.ts'
import { type Channels, openChannels } from './channels.ts'
import { type Coins, type CoinsBalance, type CoinsParts, createCoins } from './coins.ts'
import { nodesOf } from './nodes.ts'
import type { FundingSource } from './opening.ts'
import type { FeeWish } from './pay.ts'
import type { BackupSetting } from './penalty/backup.ts'
import { openTwoWayChannels, type TwoWayChannels, type TwoWayDesks, type TwoWayWorld } from './penalty/channels.ts'
import type { ReserveMode } from './penalty/reserve.ts'
import type { TowerSetting } from './penalty/tower.ts'

/** What a Bitcoin wallet is made of. Every part is a port, and can be replaced. */
export interface BitcoinWalletParts {
  /** Holds the keys: `vault.bitcoin(network)`, a mnemonic, a device. */
  readonly keys: BitcoinSigner
  /** Holds coins that are set aside, transactions on their way, channels, and headers. A later wallet on it takes all of them over. */
  readonly store: Store
  readonly network: Network
  /** Believed only as far as proven. Two that do not know of each other hide less than one. */
  readonly nodes: readonly BitcoinNode[]
  /** The way to payees: `httpPeers()`. */
  readonly peers: Peers
  /** The way to the boxes of two-way channels: `socketBoxes()`. Without it the wallet has none. */
  readonly boxes?: Boxes
  /** Who watches two-way channels while the wallet is away. Without it, it has to look at the chain itself, once in their delay. */
  readonly tower?: TowerSetting
  /** What is kept for fees beside two-way channels that others open to this wallet; `wanted` where nothing is said. */
  readonly reserve?: ReserveMode
  /** Where copies of two-way channels are kept, so that a wallet that is lost comes back from its seed. Without it, only what the other side closes does, by `twoWay.sweep`. */
  readonly backup?: BackupSetting
  /**
   * What the wallet asks for passing payments on between its two-way channels. Without it, it passes on nothing.
   *
   * Funds at risk: what is on its way is in this store alone, and in no copy. A hub that comes back from its seed leaves HTLCs to run
   * out, and loses those that it has paid for meanwhile.
   */
  readonly hub?: HubTerms
  /** Where verification begins; the network's first block where nothing is said. */
  readonly anchor?: BitcoinCheckpoint
  /** Unused addresses in a row behind which nothing is looked for: see {@link CoinsParts.gapLimit}. */
  readonly gapLimit?: number
  /** Pause between two looks at the chain, {@link pollMsDefault} where nothing is said. */
  readonly pollMs?: number
  readonly clock?: Clock
  readonly random?: Random
}

/** The way to a side of a channel's box, on the edge of that URL. */
export type Boxes = (at: {
  readonly box: string
  readonly id: ChannelId
  readonly side: 'payer' | 'payee'
  readonly token: Uint8Array
}) => ChannelLink

/** What a wallet owns. All parts together are everything. */
export interface BitcoinBalance extends CoinsBalance {
  /** What is left to pay with in channels, fees of their closings included; of two-way channels, what is this side's. */
  readonly inChannels: Sats
}

/**
 * One Bitcoin wallet: coins on the chain, and channels that pay without a block. What it signs is stored before it leaves,
 * and taken up again by the next wallet on the store.
 *
 * Expected refusals are values. Every function throws `wallet/closed` after {@link BitcoinWallet.close}, `store/...`
 * when the store fails, `signer/refused` and `keys/locked`, and `node/...` when no node answers.
 */
export interface BitcoinWallet
  extends Pick<Coins, 'network' | 'address' | 'quote' | 'send' | 'speedUp' | 'outgoing'>,
    ChannelFront {
  readonly balance: () => Promise<BitcoinBalance>
  /** What two-way channels can besides; `null` where the wallet was given no way to their boxes. */
  readonly twoWay: TwoWayChannels | null
  /** Looks at the chain now, as the wallet does by itself again and again. Resolves with the balance as it was seen. */
  readonly refresh: () => Promise<BitcoinBalance>
  /** Stops everything in the background. What is stored stays on its way, and the next wallet takes it up. */
  readonly close: () => void
}

/** Pause between two looks at the chain, where nothing is said. */
export const pollMsDefault = 15_000

/**
 * Opens a Bitcoin wallet, and takes over the channels that its store holds: another wallet that has them open can do
 * nothing more with them. No node is asked yet: a wallet opens offline.
 *
 * Throws what the store and the signer throw, and `store/corrupt`.
 */
export async function createBitcoinWallet(parts: BitcoinWalletParts): Promise<BitcoinWallet> {
  const { keys, store, network, nodes, peers, pollMs = pollMsDefault } = parts
  const { clock = platformClock, random = platformRandom, gapLimit = gapLimitDefault } = parts
  const controller = new AbortController()
  let stopped: unknown
  const life = beginLife({ clock, random }, controller, (reason) => {
    stopped ??= reason
  })
  const anchor = parts.anchor ? { anchor: parts.anchor } : {}
  const client = await createBitcoinClient({ network, nodes, store, clock, ...anchor })
  const place = { network, store, keys, clock, random }
  const coins = await createCoins({
    ...place,
    nodes,
    gapLimit,
    inclusion: async (txid) => {
      const proven = await client.inclusion(txid)
      return proven && { height: height(proven.value.block.height) }
    },
  })
  const feed = createChangeFeed(life.signal)
  const channels = await openChannels({
    ...place,
    peers,
    step: payerStep,
    chain: client,
    tip: client.sync,
    coins: fundingFrom(coins, network),
    mailbox: ({ peer, id, token, epoch }) =>
      createMailbox({ link: peers(peer).link(id, token), epoch, clock, random, signal: life.signal }),
    task: life.task,
    signal: life.signal,
    changed: feed.tell,
  })
  const world = { ...place, client, coins: fundingFrom(coins, network), changed: feed.tell, ...life }
  const twoWay = await twoWayOf(parts, world)
  const tend = async () => {
    await channels.tend()
    await twoWay?.tend()
  }
  const refresh = async () => {
    const held = await coins.refresh()
    await tend()
    return withChannels(held, channels, twoWay)
  }
  let seen = new Uint8Array(0)
  // Coins are looked for once a block: a look asks about every script of the accounts.
  const look = async () => {
    const { hash } = await client.sync()
    if (!sameBytes(hash, seen)) await coins.refresh()
    seen = hash.slice()
    await tend()
  }
  life.task(lookAgain(look, { clock, pollMs, signal: life.signal }))
  const awake = async <result>(work: () => Promise<result>): Promise<result> => {
    if (stopped !== undefined) throw stopped
    return work()
  }
  return {
    network,
    address: (kind) => awake(() => coins.address(kind)),
    quote: (payments, wish) => awake(() => coins.quote(payments, wish)),
    send: (payments, wish) => awake(() => coins.send(payments, wish)),
    speedUp: (txid, wish) => awake(() => coins.speedUp(txid, wish)),
    outgoing: () => awake(coins.outgoing),
    balance: () => awake(async () => withChannels(await coins.balance(), channels, twoWay)),
    ...channelFront({ oneWay: channels, twoWay, feed, awake }),
    twoWay: twoWay && besides(twoWay, awake),
    refresh: () => awake(refresh),
    close: () => {
      const closed = new SdkError('wallet/closed', 'The wallet is closed.')
      stopped ??= closed
      controller.abort(closed)
    },
  }
}

/** What two-way channels can and the front does not have. */
function besides(
  { payment, push, pushes, nodeKey, receipts, swap, restore, sweep }: TwoWayDesks,
  awake: <result>(work: () => Promise<result>) => Promise<result>,
): TwoWayChannels {
  return {
    payment: (paymentHash) => awake(() => payment(paymentHash)),
    push: (wish) => awake(() => push(wish)),
    pushes: () => awake(pushes),
    nodeKey,
    receipts: (channel) => awake(() => receipts(channel)),
    swap: (wish) => awake(() => swap(wish)),
    restore: () => awake(restore),
    sweep: () => awake(sweep),
  }
}

/** Pause after a look that failed, twice as long after the next one. */
const retryMsMin = 500

/** Looks at the chain until the wallet closes. Nodes that do not answer now may answer the next time. */
async function lookAgain(
  look: () => Promise<void>,
  { clock, pollMs, signal }: { readonly clock: Clock; readonly pollMs: number; readonly signal: AbortSignal },
): Promise<void> {
  let failedMs = 0
  for (;;) {
    try {
      await look()
      failedMs = 0
    } catch (error) {
      const isWeather = error instanceof SdkError && (error.retryable || error.code.startsWith('node/'))
      if (!isWeather) throw error
      failedMs = Math.max(2 * failedMs, retryMsMin)
    }
    // What failed is not left alone for a whole pause: channels pay nothing before the chain was seen.
    await clock.sleep(failedMs > 0 ? Math.min(failedMs, pollMs) : pollMs, signal)
  }
}

function withChannels(held: CoinsBalance, channels: Channels, twoWay: TwoWayDesks | null): BitcoinBalance {
  const inOneWay = channels.list().filter(({ phase }) => ['funding', 'open', 'closing', 'refunding'].includes(phase))
  const oneWay = inOneWay.reduce((sum, { capacity, paid }) => sum + capacity - paid, 0n)
  const both = twoWay?.list().filter(({ phase }) => phase !== 'closed') ?? []
  const inChannels = sats(both.reduce((sum, { balance }) => sum + wholeSats(balance), oneWay))
  return { ...held, inChannels }
}

/** Channels that pay both ways, where the wallet has a way to their boxes. */
async function twoWayOf(
  { boxes, nodes, tower, reserve, backup, hub }: BitcoinWalletParts,
  world: Omit<TwoWayWorld, 'tower' | 'reserve' | 'backup' | 'hub' | 'chain' | 'step' | 'mailbox' | 'boxLink'> & {
    readonly client: BitcoinClient
  },
): Promise<TwoWayDesks | null> {
  if (!boxes) return null
  const { client, clock, random } = world
  return openTwoWayChannels({
    ...world,
    tower: tower ?? null,
    reserve: reserve ?? 'wanted',
    backup: backup ?? null,
    hub: hub ?? null,
    chain: { ...client, coinsOf: coinsOf(nodes) },
    step: penaltyStep,
    boxLink: boxes,
    mailbox: ({ epoch, ...at }) => createMailbox({ link: boxes(at), epoch, clock, random, signal: world.signal }),
  })
}

/** Outpoints that any node tells of on a script; who asks proves them. */
function coinsOf(nodes: readonly BitcoinNode[]) {
  const all = nodesOf(nodes)
  return async (script: Uint8Array): Promise<readonly NodeOutpoint[]> => {
    const told = (await all.ask((node) => node.coins(script))).flat()
    const once = new Map(told.map(({ outpoint }) => [outpointKey(outpoint), outpoint]))
    return [...once.values()]
  }
}

/** Coins as channels are funded from them. */
function fundingFrom(coins: Coins, network: Network): FundingSource {
  const wishOf = (feerate: Feerate | undefined): FeeWish => (feerate === undefined ? {} : { feerate })
  return {
    changeScript: async () => {
      const own = decodeAddress(await coins.address(), network)
      invariant(own.ok, 'an address of our own can be read')
      return own.value
    },
    quote: (output, feerate, beside = []) => coins.quote([output, ...beside], wishOf(feerate)),
    reserve: async (output, feerate, beside = []) => {
      const reserved = await coins.reserve([output, ...beside], wishOf(feerate))
      if (!reserved.ok) return reserved
      const { fee, transaction, txid, indexes, writes } = reserved
      return { ok: true, fee, transaction, outpoint: { txid, index: indexes[0] ?? 0 }, writes }
    },
    release: coins.release,
    markSent: coins.markSent,
  }
}
