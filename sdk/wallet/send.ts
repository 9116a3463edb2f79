import { type Declaration, declare } from '../batch/index.ts'
import { invariant } from '../errors.ts'
import {
  bump,
  bumpPercentMin,
  cancellation,
  decodeTransaction,
  type Prepared,
  type Signed,
  signingHash,
} from '../evm/index.ts'
import { type Address, type TxHash, toHex, type Wei, wei } from '../units.ts'
import type { Board } from './board.ts'
import type { Dispatch } from './dispatch.ts'
import type { FactFinder } from './facts.ts'
import { type Attempt, currentAttempt, type Wish } from './intent.ts'
import { feeCapOf, type Order, type OrderRefusal, type Quote, type Quoted, refusal, type World } from './order.ts'
import { intentOf, type Outbox, outboxBytesMax, withAttempt } from './outbox.ts'
import { encodeOutbox } from './outboxRecord.ts'
import { accountsWithOutbox, changeOutboxes, type OutboxPlace, readOutboxes } from './outboxStore.ts'
import { type Answers, prepareQuote, quoteOrders } from './quote.ts'
import { reserve } from './reserve.ts'
import { type Entry, refusedSent, type Sent, type StoredBytes, sentOf } from './sent.ts'
import { signTransaction } from './signing.ts'

/** What sending works with. */
export interface Office {
  readonly world: World
  readonly place: OutboxPlace
  readonly finder: FactFinder
  readonly board: Board
  readonly dispatch: Dispatch
  readonly watch: (accounts: readonly Address[]) => void
  /** Runs one at a time: a second call signs on top of what the first one stored. */
  readonly inTurn: <result>(work: () => Promise<result>) => Promise<result>
}

/**
 * Prices orders and says what they will touch, before anything is signed. Differences of access lists are exact where the
 * node can trace. Refusals are values; throws what node, signer and store throw.
 */
export async function quote(office: Office, orders: readonly Order[]): Promise<readonly Quoted[]> {
  const { quoted, senders } = await ask(office, orders, 'measured')
  const quotes = quotesOf(quoted)
  const reservation = reserve(quotes, senders, await readOutboxes(office.place, sendersOf(quotes)))
  const refusals = new Map(reservation.ok ? [] : reservation.refusals.map((one) => [one.index, one]))
  return quoted.map((one, index) => {
    const no = refusals.get(index)
    return one.ok && no ? { ok: false, refusal: no } : one
  })
}

/**
 * Signs orders, stores them, and begins to carry them: all, or none when one is refused. OUTBOX.md: OB1 to OB5.
 *
 * Orders of one account are executed in their order. Resolves when everything is stored: from then on nothing is lost.
 */
export async function send(office: Office, orders: readonly Order[]): Promise<Sent> {
  const { chain } = office.world
  const sign = signer(office.world)
  const answers = await ask(office, orders, 'estimated')
  return storeQuotes(office, answers, (quote, nonce) => sign(prepareQuote(chain, quote, nonce)))
}

/**
 * Takes in a transaction that was signed by one of the accounts outside of the outbox, and carries it like any other.
 * Its nonce must be the account's next. Bytes that are known already are followed, and not stored twice.
 */
export async function sendSigned(office: Office, bytes: Uint8Array): Promise<Sent> {
  const { world, place, board, dispatch } = office
  const decoded = decodeTransaction(bytes.slice())
  if (!decoded.ok) return refusedSent([refusal(0, 'evm/malformed-transaction', decoded.reason)])
  const { hash, prepared } = decoded.value
  if (prepared.chainId !== world.chain.id)
    return refusedSent([refusal(0, 'wallet/wrong-chain', `It is signed for chain ${prepared.chainId}.`)])
  const outboxes = await readOutboxes(place, [prepared.from])
  const known = entryOf(outboxes, hash)
  if (known) {
    const sent = sentOf(board, world.chain, [known])
    dispatch.reflect(outboxes)
    return sent
  }
  const answers = await ask(office, [orderOf(prepared)], 'estimated')
  return storeQuotes(office, answers, async () => decoded.value)
}

/** A replacement at the same nonce: the same transaction at higher fees, or a transfer of nothing to oneself. */
export interface Replacement {
  readonly wish: Exclude<Wish, 'send'>
  readonly hash: TxHash
  /** By how much both fees rise, in percent; at least what nodes ask of a replacement. */
  readonly percent?: number
}

/**
 * Signs and carries a replacement. It is a race: until one of the two is in a block, either may win, never both.
 *
 * Refused: a hash of no undecided transaction of this wallet (`wallet/unknown-transaction`), one whose nonce is used
 * (`wallet/too-late`), and what the account cannot pay.
 */
export async function replace(office: Office, { wish, hash, percent = bumpPercentMin }: Replacement): Promise<Sent> {
  const { world, place, finder } = office
  const outboxes = await readOutboxes(place, await accountsWithOutbox(place))
  const account = outboxes.find((outbox) => intentOf(outbox, hash))?.account
  if (!account) return refusedSent([unknown(hash)])
  const [{ baseFeePerGas }, facts] = await Promise.all([finder.chain(), finder.accounts([account])])
  const sign = signer(world)
  const by = { percent, baseFeePerGas: 2n * baseFeePerGas }
  return store(office, [account], async ([outbox]) => {
    const intent = outbox && intentOf(outbox, hash)
    const last = intent?.attempts.at(-1)
    if (!intent || !last) return no(unknown(hash))
    if (intent.phase.name !== 'open') return no(refusal(0, 'wallet/too-late', 'The nonce is used.'))
    const before = decodeTransaction(last.bytes)
    invariant(before.ok, 'what the outbox holds can be decoded')
    const make = wish === 'cancel' ? cancellation : bump
    const prepared = make(before.value.prepared, by)
    const costMax = costOf(prepared)
    const { balance = 0n } = facts.get(account) ?? {}
    if (costMax > balance)
      return no(refusal(0, 'wallet/insufficient-funds', `It takes up to ${costMax} wei, the account holds ${balance}.`))
    const declaration = wish === 'cancel' ? declareNothing(prepared.gas) : last.declaration
    const attempt = attemptOf(await sign(prepared), { declaration, wish, costMax })
    return { ok: true, entries: [{ index: 0, from: account, nonce: intent.nonce, attempt }] }
  })
}

/** Everything that has not been decided, of this wallet and of those before it on the store. */
export async function outstanding({ world, place, board, dispatch }: Office): Promise<Sent> {
  const outboxes = await readOutboxes(place, await accountsWithOutbox(place))
  const entries = outboxes.flatMap((outbox) => entriesOf(outbox))
  const sent = sentOf(
    board,
    world.chain,
    entries.map((entry, index) => ({ ...entry, index })),
  )
  dispatch.reflect(outboxes)
  return sent
}

/** The bytes under a hash, as long as an outbox holds them. */
export async function storedBytes({ place }: Office, hash: TxHash): Promise<StoredBytes | undefined> {
  const entry = entryOf(await readOutboxes(place, await accountsWithOutbox(place)), hash)
  return entry && { from: entry.from, bytes: entry.attempt.bytes }
}

/** What is to be stored, or why not. */
type Made =
  | { readonly ok: true; readonly entries: readonly Entry[] }
  | { readonly ok: false; readonly refusals: readonly OrderRefusal[] }

/** Stores what `make` signs on top of the outboxes it is shown, follows it, and lets it be carried. */
function store(
  { place, board, dispatch, watch, world, inTurn }: Office,
  accounts: readonly Address[],
  make: (outboxes: readonly Outbox[]) => Promise<Made>,
): Promise<Sent> {
  return inTurn(async () => {
    const { made, after } = await changeOutboxes(place, accounts, async (outboxes) => {
      const made = await make(outboxes)
      if (!made.ok) return { outboxes, result: { made, after: outboxes } }
      const after = outboxes.map((outbox) => withEntries(outbox, made.entries))
      const full = after.find((outbox) => encodeOutbox(outbox).length > outboxBytesMax)
      if (full) return { outboxes, result: { made: no(tooFull(made.entries, full.account)), after: outboxes } }
      return { outboxes: after, result: { made, after } }
    })
    if (!made.ok) return refusedSent(made.refusals)
    const sent = sentOf(board, world.chain, made.entries)
    dispatch.reflect(
      after,
      made.entries.map(({ attempt }) => attempt),
    )
    watch(accounts)
    return sent
  })
}

async function storeQuotes(
  office: Office,
  { quoted, senders }: Answers,
  sign: (quote: Quote, nonce: number) => Promise<Signed>,
): Promise<Sent> {
  const refusals = quoted.flatMap((one) => (one.ok ? [] : [one.refusal]))
  if (refusals.length > 0) return refusedSent(refusals)
  const quotes = quotesOf(quoted)
  return store(office, sendersOf(quotes), async (outboxes) => {
    const reservation = reserve(quotes, senders, outboxes)
    if (!reservation.ok) return reservation
    const entries: Entry[] = []
    for (const { quote, nonce } of reservation.reserved) {
      const { index, from, declaration, costMax } = quote
      const attempt = attemptOf(await sign(quote, nonce), { declaration, costMax, wish: 'send' })
      entries.push({ index, from, nonce, attempt })
    }
    return { ok: true, entries }
  })
}

function withEntries(outbox: Outbox, entries: readonly Entry[]): Outbox {
  const own = entries.filter(({ from }) => from === outbox.account)
  const after = own.reduce((box, { nonce, attempt }) => withAttempt(box, nonce, attempt), outbox)
  invariant(
    own.every(({ attempt }) => intentOf(after, attempt.hash)),
    'what is signed for a free nonce is stored under it',
  )
  return after
}

async function ask(office: Office, orders: readonly Order[], lists: 'estimated' | 'measured') {
  const { world, finder } = office
  const accounts = await world.keys.accounts()
  return quoteOrders({ chain: world.chain, finder, accounts, lists }, orders)
}

/** Signs each transaction once, however often a lost race makes it be asked for: a signer may be a person. */
function signer({ keys }: World): (prepared: Prepared) => Promise<Signed> {
  const done = new Map<string, Signed>()
  return async (prepared) => {
    const digest = toHex(signingHash(prepared))
    const signed = done.get(digest) ?? (await signTransaction(keys, prepared))
    done.set(digest, signed)
    return signed
  }
}

function attemptOf({ hash, bytes }: Signed, of: Pick<Attempt, 'declaration' | 'costMax' | 'wish'>): Attempt {
  return { hash, bytes, refusal: null, ...of }
}

function entriesOf({ account, intents }: Outbox): readonly Entry[] {
  return intents.flatMap((intent) => {
    const attempt = currentAttempt(intent)
    return attempt ? [{ index: 0, from: account, nonce: intent.nonce, attempt }] : []
  })
}

function entryOf(outboxes: readonly Outbox[], hash: TxHash): Entry | undefined {
  for (const outbox of outboxes) {
    const intent = intentOf(outbox, hash)
    const attempt = intent?.attempts.find((one) => one.hash === hash)
    if (intent && attempt) return { index: 0, from: outbox.account, nonce: intent.nonce, attempt }
  }
  return undefined
}

/** The order that a signed transaction would have come from. */
function orderOf({ from, to, value, data, gas, nonce, pricing }: Prepared): Order {
  const fees =
    'gasPrice' in pricing
      ? { gasPrice: pricing.gasPrice }
      : { maxFeePerGas: pricing.maxFeePerGas, maxPriorityFeePerGas: pricing.maxPriorityFeePerGas }
  const signed = { stage: 'draft', from, value, data, accessList: 'never', gas, nonce, fees } as const
  if (pricing.type !== 'eip7702') return { ...signed, type: pricing.type, to }
  invariant(to !== null, 'a transaction with authorizations has a recipient')
  return { ...signed, type: 'eip7702', to, authorizations: pricing.authorizations }
}

function costOf({ value, gas, pricing }: Prepared): Wei {
  return wei(value + gas * feeCapOf(pricing))
}

/** A transfer to oneself touches what every transaction of the sender touches. */
function declareNothing(gas: bigint): Declaration {
  return declare({ reads: [], writes: [], credits: [] }, Number(gas))
}

function quotesOf(quoted: readonly Quoted[]): readonly Quote[] {
  return quoted.flatMap((one) => (one.ok ? [one.quote] : []))
}

function sendersOf(quotes: readonly Quote[]): readonly Address[] {
  return [...new Set(quotes.map(({ from }) => from))]
}

function no(refusal: OrderRefusal): Made {
  return { ok: false, refusals: [refusal] }
}

function tooFull(entries: readonly Entry[], account: Address): OrderRefusal {
  const index = entries.find(({ from }) => from === account)?.index ?? 0
  return refusal(index, 'wallet/outbox-full', `The outbox of ${account} holds no more bytes until some are final.`)
}

function unknown(hash: TxHash): OrderRefusal {
  return refusal(0, 'wallet/unknown-transaction', `${hash} is no undecided transaction of this wallet.`)
}
