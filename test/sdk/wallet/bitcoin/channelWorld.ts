import { systemClock, systemRandom } from '../../../../sdk/adapters/index.ts'
import { memory } from '../../../../sdk/adapters/memory.ts'
import {
  decodeTransaction,
  encodeTransaction,
  networks,
  type Output,
  p2wpkh,
  sequenceReplaceable,
} from '../../../../sdk/bitcoin/index.ts'
import { type ChainView, encodeTerms, type Opening, payerStep, type Terms } from '../../../../sdk/channel/index.ts'
import { createMailbox } from '../../../../sdk/client/index.ts'
import { currentEngine } from '../../../../sdk/crypto/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import { createBitcoinKeyring } from '../../../../sdk/keys/index.ts'
import type { ChannelLink, Store } from '../../../../sdk/ports.ts'
import { createTill, localTillSigner, type Till } from '../../../../sdk/till/index.ts'
import { type ChannelId, feerate, type Height, height, sats, type Txid, txid } from '../../../../sdk/units.ts'
import { type ChangeFeed, createChangeFeed } from '../../../../sdk/wallet/bitcoin/changes.ts'
import { type Channels, openChannels } from '../../../../sdk/wallet/bitcoin/channels.ts'
import { keyringBitcoinSigner } from '../../../../sdk/wallet/bitcoin/signer.ts'
import { type MemoryBox, memoryBox } from '../../../edge/memoryBox.ts'

/** A chain that believes everyone: blocks are a height, transactions are where they are put. */
interface ScriptedChain {
  tip: number
  readonly pool: Map<Txid, Uint8Array>
  readonly mined: Map<Txid, { readonly at: Height; readonly bytes: Uint8Array }>
  readonly broadcasts: Uint8Array[]
  isDown: boolean
}

/** A payee, its box, a chain, and wallets around one store. */
export interface ChannelWorld {
  readonly terms: Terms
  readonly chain: ScriptedChain
  readonly till: Till
  readonly store: Store
  readonly released: Txid[]
  /** True while the box answers nobody. */
  isBoxDown: boolean
  /** Opens the channels of a wallet on the store, as a process would. */
  readonly wallet: (
    store?: Store,
  ) => Promise<{ readonly channels: Channels; readonly feed: ChangeFeed; readonly end: () => void }>
  readonly mine: (blocks: number) => Promise<void>
  readonly stop: () => void
}

export const peerName = 'https://merchant.example'
const seed = new Uint8Array(32).fill(7)
const tillSecret = new Uint8Array(32).fill(9)

export async function createChannelWorld(options: { readonly declines?: boolean } = {}): Promise<ChannelWorld> {
  const engine = currentEngine()
  const terms: Terms = {
    network: 'regtest',
    payeeKey: engine.publicKey(tillSecret),
    payeeScript: p2wpkh(engine.publicKey(tillSecret)),
    closeFee: sats(400n),
    confirmationsMin: 2,
    capacityMin: sats(5_000n),
    capacityMax: sats(1_000_000n),
    expiryBlocksMin: 20,
    expiryBlocksMax: 2_000,
    marginBlocks: 10,
  }
  const chain: ScriptedChain = { tip: 100, pool: new Map(), mined: new Map(), broadcasts: [], isDown: false }
  const boxes = new Map<ChannelId, MemoryBox>()
  const boxOf = (id: ChannelId) => {
    const box = boxes.get(id) ?? memoryBox()
    boxes.set(id, box)
    return box
  }
  const life = new AbortController()
  const world = { isBoxDown: false }
  const tillLinks = new Map<ChannelId, ReturnType<typeof createMailbox>>()
  const mailboxOf = (id: ChannelId) => {
    const mailbox =
      tillLinks.get(id) ?? createMailbox({ link: boxOf(id).link('payee', new Uint8Array(32).fill(2)), epoch: 1 })
    tillLinks.set(id, mailbox)
    return mailbox
  }
  const till = await createTill({
    store: memory(),
    terms: options.declines ? { ...terms, capacityMin: sats(500_000n) } : terms,
    undepositedMax: sats(1_000_000n),
    viewMsMax: 0,
    chain: chainPort(chain),
    signer: localTillSigner([tillSecret]),
    clock: systemClock,
    link: { send: (id, message) => mailboxOf(id).post(message), deposit: async () => undefined },
  })
  const store = memory()
  const released: Txid[] = []
  const heard = new Set<ChannelId>()
  const hear = (id: ChannelId) => {
    if (heard.has(id)) return
    heard.add(id)
    void mailboxOf(id).read(async (message) => {
      await till.take(message)
    }, life.signal)
  }
  return Object.assign(world, {
    terms,
    chain,
    till,
    store,
    released,
    wallet: (own: Store = store) => openWallet({ chain, terms, store: own, released, boxOf, hear, world }),
    mine: async (blocks: number) => {
      for (let block = 0; block < blocks; block++) mineOne(chain)
      await till.watch()
    },
    stop: () => life.abort(),
  })
}

interface WalletSetting {
  readonly chain: ScriptedChain
  readonly terms: Terms
  readonly store: Store
  readonly released: Txid[]
  readonly boxOf: (id: ChannelId) => MemoryBox
  readonly hear: (id: ChannelId) => void
  readonly world: { readonly isBoxDown: boolean }
}

async function openWallet(setting: WalletSetting): Promise<{ channels: Channels; feed: ChangeFeed; end: () => void }> {
  const { chain, terms, store, released, boxOf, hear, world } = setting
  const controller = new AbortController()
  const { signal } = controller
  const keys = keyringBitcoinSigner(createBitcoinKeyring(seed, networks.regtest))
  const link = (id: ChannelId, token: Uint8Array): ChannelLink => mayFail(boxOf(id).link('payer', token), world)
  const feed = createChangeFeed(signal)
  const channels = await openChannels({
    changed: feed.tell,
    network: 'regtest',
    store,
    keys,
    chain: chainPort(chain),
    clock: systemClock,
    random: systemRandom,
    step: payerStep,
    signal,
    task: (work) => {
      work.catch((error) => {
        if (!signal.aborted) throw error
      })
    },
    tip: async () => ({ height: height(chain.tip) }),
    peers: () => ({ terms: async () => encodeTerms(terms), announce: async (id) => hear(id), link }),
    mailbox: ({ id, token, epoch }) => createMailbox({ link: link(id, token), epoch }),
    coins: {
      changeScript: async () => p2wpkh(currentEngine().publicKey(new Uint8Array(32).fill(5))),
      quote: async () => ({ ok: true, fee: sats(300n) }),
      reserve: async (output) => reserve(output),
      markSent: async () => undefined,
      release: async (id) => {
        released.push(id)
      },
    },
  })
  return { channels, feed, end: () => controller.abort() }
}

let faucets = 0

async function reserve(output: Output) {
  faucets += 1
  const inputs = [
    { outpoint: { txid: txid(faucets.toString(16).padStart(64, '0')), index: 0 }, sequence: sequenceReplaceable },
  ]
  const transaction = encodeTransaction({ version: 2, inputs, outputs: [output], locktime: 0 }, [[Uint8Array.of(1)]])
  const decoded = decodeTransaction(transaction)
  if (!decoded.ok) throw new Error(decoded.reason)
  const outpoint = { txid: decoded.value.txid, index: 0 }
  return { ok: true as const, fee: sats(300n), transaction, outpoint, writes: [] }
}

function mayFail(link: ChannelLink, world: { readonly isBoxDown: boolean }): ChannelLink {
  const check = () => {
    if (world.isBoxDown) throw new SdkError('relay/unreachable', 'The box does not answer.', { retryable: true })
  }
  return {
    ...link,
    send: async (message) => {
      check()
      await link.send(message)
    },
    standing: async () => {
      check()
      return link.standing()
    },
  }
}

function mineOne(chain: ScriptedChain): void {
  chain.tip += 1
  for (const [id, bytes] of chain.pool) chain.mined.set(id, { at: height(chain.tip), bytes })
  chain.pool.clear()
}

function chainPort(chain: ScriptedChain) {
  const answer = () => {
    if (chain.isDown) throw new SdkError('node/unreachable', 'The node does not answer.', { retryable: true })
  }
  return {
    feerate: async () => feerate(1_000),
    broadcast: async (bytes: Uint8Array) => {
      answer()
      const decoded = decodeTransaction(bytes)
      if (!decoded.ok) throw new Error(decoded.reason)
      chain.broadcasts.push(bytes)
      const { txid: id } = decoded.value
      if (!chain.mined.has(id)) chain.pool.set(id, bytes)
    },
    view: async (opening: Opening): Promise<ChainView> => {
      answer()
      return viewOf(chain, opening)
    },
  }
}

function viewOf(chain: ScriptedChain, opening: Opening): ChainView {
  const { funding } = opening
  const fundedAt = chain.mined.get(funding.txid)?.at ?? null
  for (const [id, { at, bytes }] of chain.mined) {
    const decoded = decodeTransaction(bytes)
    if (!decoded.ok) continue
    const { inputs, outputs } = decoded.value
    if (inputs.some(({ outpoint }) => outpoint.txid === funding.txid && outpoint.index === funding.index))
      return { height: height(chain.tip), fundedAt, spend: { txid: id, height: at, outputs } }
  }
  return { height: height(chain.tip), fundedAt, spend: null }
}

/** Waits until something holds, looking often and not for ever. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < 6_000; look++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('it did not come to pass')
}
