import type { Machines } from '../client/ethereum/index.ts'
import { platformClock, platformRandom } from '../client/platform.ts'
import { SdkError } from '../errors.ts'
import type { Token, TypedData } from '../evm/index.ts'
import type { Clock, EvmNode, Random, Relay, Signer, Store } from '../ports.ts'
import type { Address, Hex, TxHash } from '../units.ts'
import type { BeaconVerdict, NodeVerdict, Verified } from '../verify/index.ts'
import { blockBook, type Included } from './blocks.ts'
import { createBoard } from './board.ts'
import { createDispatch } from './dispatch.ts'
import { factFinder } from './facts.ts'
import { beginLife } from './life.ts'
import type { Chain, Order, Quoted, World } from './order.ts'
import { freeNonces, undecided } from './outbox.ts'
import { accountsWithOutbox, readOutboxes } from './outboxStore.ts'
import { provenReceipt } from './receipt.ts'
import { type Office, outstanding, quote, replace, send, sendSigned, storedBytes } from './send.ts'
import type { Sent, StoredBytes } from './sent.ts'
import { signMessage, signTypedData } from './signing.ts'
import { templateShelf } from './templateShelf.ts'
import {
  checkVerifier,
  type LightAnswer,
  lightReceipt,
  provenBalance,
  type Verifier,
  withoutVerifier,
} from './verified.ts'
import { watcher } from './watch.ts'

/** What a wallet is made of. Every part is a port, and can be replaced. */
export interface WalletParts {
  /** Holds the keys: an open vault, a mnemonic, a device. */
  readonly keys: Signer
  /** Holds the outbox. Several wallets may share one; they never use a nonce twice. */
  readonly store: Store
  readonly relay: Relay
  /** Believed only as far as proven. */
  readonly evm: EvmNode
  readonly chain: Chain
  /**
   * Lets the wallet run calls itself, to say exactly what they touch where the node gives state but no traces:
   * `async (fork, precompiles) => createMachine({ fork, precompiles: await loadPrecompiles(precompiles) })`.
   */
  readonly machines?: Machines
  /**
   * Proves balances and receipts under blocks that a sync committee signed: a client of `lanekit/client/ethereum`. Without it,
   * receipts are of level `node`, and balances are refused.
   */
  readonly verify?: Verifier
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * One wallet on one chain. What it sends is stored before it leaves, is carried until a block proves it or somebody
 * refuses it for good, and is taken up again by the next wallet on the same store.
 *
 * Every function throws `wallet/closed` after {@link Wallet.close}, and what stopped the wallet after a failure that
 * it cannot wait out, such as a full disk.
 */
export interface Wallet {
  readonly chain: Chain
  /** The signer behind the accounts, for programs that sign without sending. */
  readonly keys: Signer
  readonly accounts: () => Promise<readonly Address[]>
  /** Prices drafts, and says what they will touch, before anything is signed. */
  readonly quote: (orders: readonly Order[]) => Promise<readonly Quoted[]>
  /** Signs drafts, stores them and sends them: all, or none when one is refused. Resolves when they are stored. */
  readonly send: (orders: readonly Order[]) => Promise<Sent>
  /** Sends bytes that one of the accounts has signed elsewhere. Their nonce must be the account's next. */
  readonly sendSigned: (bytes: Uint8Array) => Promise<Sent>
  /** The same transaction at higher fees, in the place of the first. */
  readonly speedUp: (hash: TxHash, options?: { readonly percent?: number }) => Promise<Sent>
  /** A transfer of nothing to oneself in the place of the transaction. A race until one of them is in a block. */
  readonly cancel: (hash: TxHash, options?: { readonly percent?: number }) => Promise<Sent>
  /** Everything on its way, of this wallet and of those before it on the store. */
  readonly outstanding: () => Promise<Sent>
  /** The signed bytes of a transaction on its way, replaced ones too; nothing when the store holds none. */
  readonly stored: (hash: TxHash) => Promise<StoredBytes | undefined>
  /** The nonce that the next transaction of the account will have. */
  readonly nextNonce: (account: Address) => Promise<number>
  /** Signs a personal message (ERC-191). */
  readonly signMessage: (account: Address, message: string | Uint8Array) => Promise<Hex>
  /** Signs typed data (EIP-712). Funds at risk: a permit is typed data. */
  readonly signTypedData: (account: Address, data: TypedData) => Promise<Hex>
  /**
   * What became of a transaction, proven against its block; nothing while no block holds it. With `verify`, the block is signed, and
   * final where the level says so; without, it is what the node told (level `node`).
   */
  readonly receipt: (hash: TxHash) => Promise<Verified<Included, NodeVerdict | BeaconVerdict> | undefined>
  /**
   * What an account holds in the final block: in wei, or in units of a token. Throws `client/not-provable` without `verify`,
   * and what the client throws.
   */
  readonly balance: (account: Address, token?: Token) => Promise<LightAnswer<bigint>>
  /** Asks the node, as it is: what it answers is not proven and not validated. */
  readonly request: (method: string, params: readonly unknown[]) => Promise<unknown>
  /** Stops everything in the background. What is stored stays on its way, and the next wallet takes it up. */
  readonly close: () => void
}

/**
 * Opens a wallet, and takes up what earlier ones on the store left on its way. [OB8]
 *
 * Throws what the store throws, `store/corrupt` above all, and `client/wrong-network` for a client of another chain. The node is not asked yet: a wallet opens offline.
 */
export async function createWallet(parts: WalletParts): Promise<Wallet> {
  const { clock = platformClock, random = platformRandom, machines, verify, ...rest } = parts
  if (verify) checkVerifier(verify, parts.chain.id)
  const world: World = { ...rest, clock, random }
  const controller = new AbortController()
  const board = createBoard()
  let stopped: unknown
  const stop = (reason: unknown) => {
    stopped ??= reason
    board.fail(reason)
  }
  const life = beginLife(world, controller, stop)
  const place = { store: world.store, chain: world.chain.id, clock, random }
  const blocks = blockBook(world.evm)
  const dispatch = createDispatch({ world, place, board, blocks, life })
  const watch = watcher({ world, place, blocks, dispatch, life })
  const office: Office = {
    world,
    place,
    finder: factFinder(world.evm, world.chain, { machines, shelf: templateShelf(world.store, world.chain.id) }),
    board,
    dispatch,
    watch,
    inTurn: turns(),
  }
  await resume(office)
  const awake = <result>(work: () => Promise<result>) => {
    if (stopped !== undefined) throw stopped
    return work()
  }
  return {
    chain: world.chain,
    keys: world.keys,
    accounts: async () => awake(() => world.keys.accounts()),
    quote: async (orders) => awake(() => quote(office, orders)),
    send: async (orders) => awake(() => send(office, orders)),
    sendSigned: async (bytes) => awake(() => sendSigned(office, bytes)),
    speedUp: async (hash, options) => awake(() => replace(office, { wish: 'speed-up', hash, ...options })),
    cancel: async (hash, options) => awake(() => replace(office, { wish: 'cancel', hash, ...options })),
    outstanding: async () => awake(() => outstanding(office)),
    stored: async (hash) => awake(() => storedBytes(office, hash)),
    nextNonce: async (account) => awake(() => nextNonce(office, account)),
    signMessage: async (account, message) => awake(() => signMessage(world.keys, account, message)),
    signTypedData: async (account, data) => awake(() => signTypedData(world.keys, account, data)),
    receipt: async (hash) =>
      awake<Awaited<ReturnType<Wallet['receipt']>>>(() =>
        verify ? lightReceipt(verify, hash) : provenReceipt(world.evm, hash, blocks),
      ),
    balance: async (account, token) =>
      awake(() => {
        if (!verify) throw withoutVerifier()
        return provenBalance(verify, account, token ?? null)
      }),
    request: async (method, params) => awake(() => world.evm.request(method, params)),
    close: () => {
      const closed = new SdkError('wallet/closed', 'The wallet is closed.')
      stop(closed)
      controller.abort(closed)
    },
  }
}

async function resume({ place, dispatch, watch }: Office): Promise<void> {
  const outboxes = await readOutboxes(place, await accountsWithOutbox(place))
  dispatch.reflect(outboxes)
  watch(outboxes.filter((outbox) => undecided(outbox).length > 0).map(({ account }) => account))
}

async function nextNonce({ place, finder }: Office, account: Address): Promise<number> {
  const [facts, [outbox]] = await Promise.all([finder.accounts([account]), readOutboxes(place, [account])])
  const pending = facts.get(account)?.pending ?? 0
  return (outbox && freeNonces(outbox, pending, 1)[0]) ?? pending
}

/** Work that runs one after the other, whatever becomes of it. */
function turns(): Office['inTurn'] {
  let turn: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = turn.then(work, work)
    turn = result.catch(() => undefined)
    return result
  }
}
