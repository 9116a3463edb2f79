import {
  type Account,
  accountOutput,
  applySignatures,
  type Candidate,
  createPsbt,
  decodePsbt,
  finalizePsbt,
  inputWeightMax,
  isMature,
  type Network,
  type Output,
  outpointKey,
  type Psbt,
  type Selection,
  type SignedTransaction,
  selectCoins,
  signingRequests,
} from '../../bitcoin/index.ts'
import { type Decoded, invariant, SdkError } from '../../errors.ts'
import type { BitcoinSigner } from '../../ports.ts'
import { type Feerate, feerate, type Height, sameBytes } from '../../units.ts'
import { type Book, currentAttempt, freshChange, type OwnPath, reservedIn } from './book.ts'
import type { BookPlace } from './bookStore.ts'
import type { Lookout, OwnCoin, Sight } from './lookout.ts'
import type { Nodes } from './nodes.ts'
import { type CoinsRefusal, refusedSelection } from './payments.ts'

/** What all parts of the shell work with. */
export interface Purse {
  readonly network: Network
  /** `null`: nothing is signed here. */
  readonly keys: BitcoinSigner | null
  readonly accounts: readonly Account[]
  readonly place: BookPlace
  readonly nodes: Nodes
  readonly lookout: Lookout
  /** No transaction pays more, whatever nodes say. */
  readonly feerateMax: Feerate
}

/** Coins chosen for outputs, and where the change goes. */
export interface Plan {
  readonly ok: true
  readonly selection: Selection
  readonly outputs: readonly Output[]
  readonly change: OwnPath | null
}

/**
 * Chooses free coins for outputs: those that blocks hold, and the wallet's own unconfirmed change where these do not
 * suffice. What strangers have not got into a block is left alone, since it may never come. [CO2] [CO4]
 */
export function planOf(
  { accounts }: Pick<Purse, 'accounts'>,
  wish: { readonly sight: Sight; readonly book: Book; readonly outputs: readonly Output[]; readonly feerate: Feerate },
): Plan | CoinsRefusal {
  const { sight, book, outputs, feerate } = wish
  const { confirmed, ownChange } = freeCoins(sight, book)
  const own = changeOf(accounts, book, sight)
  const choose = (coins: readonly OwnCoin[]) =>
    selectCoins({ candidates: candidatesOf(accounts, coins), outputs, changeScript: own.script, feerate })
  const first = choose(confirmed)
  const isShort = !first.ok && first.reason === 'insufficient' && ownChange.length > 0
  const selection = isShort ? choose([...confirmed, ...ownChange]) : first
  if (!selection.ok) return refusedSelection(selection, outputs)
  return { ok: true, selection, outputs, change: selection.change ? own.path : null }
}

/** Coins that nothing has set aside, and that may be spent now. */
export function freeCoins({ coins, tip }: Sight, book: Book) {
  const reserved = reservedIn(book)
  const free = coins.filter(({ outpoint }) => !reserved.has(outpointKey(outpoint)))
  const sent = new Set<string>(
    book.outlays.filter(({ phase }) => phase.name === 'sent').map((outlay) => currentAttempt(outlay).txid),
  )
  return {
    confirmed: free.filter((coin) => coin.height !== null && isMature(coin, tip)),
    ownChange: free.filter(({ height, outpoint }) => height === null && sent.has(outpoint.txid)),
  }
}

/** A change script that nothing has used yet, of the first account. */
export function changeOf(accounts: readonly Account[], book: Book, { seen }: Sight, account = 0) {
  const path = freshChange(book, account, seen[account]?.change ?? 0)
  return { path, script: accountOutput(accounts[account] as Account, path.keyPath).script }
}

export function candidatesOf(accounts: readonly Account[], coins: readonly OwnCoin[]): readonly Candidate[] {
  return coins.map((coin) => {
    const account = accounts[coin.account] as Account
    return { coin, inputWeight: inputWeightMax(account[coin.keyPath.chain]) }
  })
}

/** The PSBT of a plan. The height of the newest block is its locktime, so that nobody gains by mining that block anew. */
export function psbtOf(accounts: readonly Account[], { selection, outputs, change }: Plan, tip: Height): Psbt {
  const ours = change && { account: accounts[change.account] as Account, keyPath: change.keyPath }
  const returned = selection.change && ours ? [{ ...selection.change, ours }] : []
  const psbt = createPsbt({
    inputs: selection.candidates.map(({ coin }) => {
      const { account, previous, ...own } = coin as OwnCoin
      return { coin: own, account: accounts[account] as Account, previous: previous.bytes }
    }),
    outputs: [...outputs, ...returned],
    locktime: tip,
  })
  invariant(psbt.ok, 'coins that were checked make a PSBT')
  return psbt.value
}

/**
 * Adds the signatures of all keys of this signer that a PSBT asks for.
 *
 * Funds at risk: they stand for whatever the PSBT does. Show a person what `reviewPsbt` finds before.
 *
 * Refuses what `signingRequests` does, a fee beyond `feerateMax` among it. Throws what the signer throws, and
 * `signer/wrong-signature`.
 */
export async function signPsbt(keys: BitcoinSigner, bytes: Uint8Array, feerateMax: Feerate): Promise<Decoded<Psbt>> {
  const psbt = decodePsbt(bytes)
  if (!psbt.ok) return psbt
  const requests = signingRequests(psbt.value, feerateMax)
  if (!requests.ok) return requests
  const { fingerprint } = await keys.accountKey('wpkh')
  const signatures = []
  for (const { input, key, scheme, digest, tweak } of requests.value) {
    if (key.fingerprint !== fingerprint) continue
    const signature = await keys.sign({ psbt: psbt.value, scheme, digest, path: key.path, tweak })
    signatures.push({ input, publicKey: key.publicKey, signature })
  }
  const signed = applySignatures(psbt.value, signatures)
  if (signed.ok) return signed
  throw new SdkError('signer/wrong-signature', `The signer answered with a wrong signature: ${signed.reason}.`)
}

/** Signs plans of one call, each once: a lost race often leaves a plan as it was, and a signer may ask a person. */
export function planSigner({ accounts, keys }: Pick<Purse, 'accounts' | 'keys'>) {
  let last: { readonly psbt: Psbt; readonly signed: SignedTransaction } | undefined
  return async (plan: Plan, tip: Height): Promise<SignedTransaction> => {
    invariant(keys, 'only a wallet with keys signs')
    const psbt = psbtOf(accounts, plan, tip)
    if (last && sameBytes(last.psbt, psbt)) return last.signed
    const feerateMax = feerateOf(plan.selection, 1n)
    const complete = await signPsbt(keys, psbt, feerateMax)
    const signed = complete.ok ? finalizePsbt(complete.value, feerateMax) : complete
    invariant(signed.ok, 'a plan of own coins can be signed')
    last = { psbt, signed: signed.value }
    return signed.value
  }
}

/** What a fee comes to for a weight, `more` for one that is surely beyond. */
export function feerateOf({ fee, weight }: { readonly fee: bigint; readonly weight: number }, more = 0n): Feerate {
  return feerate(Number((fee * 1000n) / BigInt(Math.ceil(weight / 4)) + more))
}

/** A PSBT that has all signatures, as a transaction. */
export function transactionOf(
  bytes: Uint8Array,
  feerateMax: Feerate,
): { readonly ok: true; readonly signed: SignedTransaction } | CoinsRefusal {
  const psbt = decodePsbt(bytes)
  if (!psbt.ok) return { ok: false, code: 'malformed-psbt', detail: `The PSBT is refused: ${psbt.reason}.` }
  const signed = finalizePsbt(psbt.value, feerateMax)
  if (signed.ok) return { ok: true, signed: signed.value }
  return { ok: false, code: 'unsigned', detail: `It is no transaction to send: ${signed.reason}.` }
}
