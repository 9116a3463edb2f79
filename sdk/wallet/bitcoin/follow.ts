import { accountOutput, decodeTransaction, type Output, outpointKey } from '../../bitcoin/index.ts'
import { invariant } from '../../errors.ts'
import type { BroadcastCode } from '../../ports.ts'
import { type Feerate, type Height, type Sats, sameBytes, type Txid } from '../../units.ts'
import { inParallel } from '../pool.ts'
import {
  type Attempt,
  type Book,
  currentAttempt,
  type Outlay,
  outlayOf,
  type Settled,
  type Sighting,
  spentBy,
  withSightings,
} from './book.ts'
import { changeBook, loadBook } from './bookStore.ts'
import { questionsInFlightMax, type Reception } from './nodes.ts'
import { feerateOf, type Purse } from './spend.ts'

/** Where a transaction of the wallet stands. */
export interface OutgoingStatus {
  /** The one that was asked for, or that stands for its outlay now. */
  readonly txid: Txid
  /**
   * `held`: stored and given to nobody. `waiting`: no block holds it yet. `refused`: nor does a node take it, and `refusal`
   * says why; it is sent again all the same. `replaced`: `by` stands in its place, another attempt or a stranger.
   */
  readonly state: 'held' | 'waiting' | 'refused' | 'confirmed' | 'replaced'
  readonly by: Txid | null
  readonly confirmations: number
  readonly refusal: { readonly code: BroadcastCode; readonly detail: string } | null
  /** What it does; `null` once it is settled and its bytes are forgotten. */
  readonly transaction: {
    readonly kind: Outlay['kind']
    readonly fee: Sats
    readonly feerate: Feerate
    /** All outputs but the change. */
    readonly payments: readonly Output[]
  } | null
}

/** Sends what is stored, and finds what becomes of it. */
export interface Follower {
  /** Gives an attempt to all nodes, and remembers what they said. [CO1] */
  readonly broadcast: (attempt: Pick<Attempt, 'txid' | 'bytes'>) => Promise<Reception>
  /** Looks for every outlay in the chain, stores what it found, and sends again what is not there. [CO6] [CO8] */
  readonly follow: (tip: Height) => Promise<void>
  readonly statusOf: (book: Book, txid: Txid, tip: Height) => OutgoingStatus | undefined
}

export function followerOf(purse: Purse): Follower {
  const { nodes, lookout, place } = purse
  /** What nodes said of transactions that they did not take. Shown, not stored: they are asked again. */
  const refusals = new Map<Txid, Refused>()

  async function broadcast({ txid, bytes }: Pick<Attempt, 'txid' | 'bytes'>): Promise<Reception> {
    const reception = await nodes.broadcast(bytes)
    if (reception.kind === 'refused') refusals.set(txid, reception)
    if (reception.kind === 'taken') refusals.delete(txid)
    return reception
  }

  async function sight(outlay: Outlay): Promise<Sighting> {
    const [{ txid }] = outlay.attempts
    for (const attempt of outlay.attempts) {
      const place = await lookout.inclusion(attempt.txid)
      if (place) return { txid, found: { name: 'confirmed', txid: attempt.txid, height: place.height } }
    }
    // A stranger is looked for where there is a sign of one.
    const isDoubted = outlay.phase.name === 'lost' || outlay.attempts.some((attempt) => refusals.has(attempt.txid))
    return { txid, found: isDoubted ? await strangerIn(purse, outlay) : null }
  }

  return {
    broadcast,
    async follow(tip) {
      const { book } = await loadBook(place)
      const sightings = await inParallel(book.outlays, questionsInFlightMax, sight)
      const after = await changeBook(place, async (book) => {
        const next = withSightings(book, sightings, tip)
        return { book: next, result: next }
      })
      for (const outlay of after.outlays) if (outlay.phase.name === 'sent') await resend(outlay, broadcast)
      const alive = new Set(after.outlays.flatMap(({ attempts }) => attempts.map(({ txid }) => txid)))
      for (const txid of refusals.keys()) if (!alive.has(txid)) refusals.delete(txid)
    },
    statusOf(book, txid, tip) {
      const outlay = outlayOf(book, txid)
      if (outlay) return statusOfOutlay(purse, { outlay, txid, tip, said: (one) => refusals.get(one) })
      const settled = book.settled.find((one) => one.txid === txid || one.phase.txid === txid)
      return settled && statusOfSettled(settled, txid, tip)
    },
  }
}

/** The newest attempt; where nodes refuse it, the one before it, since they may hold that already. */
async function resend({ attempts }: Outlay, broadcast: Follower['broadcast']): Promise<void> {
  for (const attempt of [...attempts].reverse()) if ((await broadcast(attempt)).kind !== 'refused') return
}

/** A transaction in a block that spends a coin of the outlay and is none of its attempts. */
async function strangerIn({ nodes, lookout }: Purse, outlay: Outlay): Promise<Sighting['found']> {
  const own = new Set<string>(outlay.attempts.map(({ txid }) => txid))
  for (const outpoint of spentBy(currentAttempt(outlay))) {
    const script = (await lookout.transaction(outpoint.txid))?.decoded.outputs[outpoint.index]?.script
    if (!script) continue
    for (const told of await nodes.ask((node) => node.spend(outpoint, script))) {
      if (!told || own.has(told.txid)) continue
      const known = await lookout.transaction(told.txid)
      const spends = known?.decoded.inputs.some((input) => outpointKey(input.outpoint) === outpointKey(outpoint))
      const place = spends ? await lookout.inclusion(told.txid) : null
      if (place) return { name: 'lost', txid: told.txid, height: place.height }
    }
  }
  return null
}

/** The outputs of an attempt that are payments: all but the change. */
export function paymentsOf({ accounts }: Pick<Purse, 'accounts'>, outlay: Outlay, attempt: Attempt): readonly Output[] {
  const change = changeScript(accounts, outlay)
  return outputsOf(attempt).filter(({ script }) => !change || !sameBytes(script, change))
}

/** The change of the attempt that stands for an outlay, and where it lies. */
export function changeOutputs(accounts: Purse['accounts'], outlay: Outlay) {
  const change = changeScript(accounts, outlay)
  const attempt = currentAttempt(outlay)
  return outputsOf(attempt).flatMap(({ script, value }, index) =>
    change && sameBytes(script, change) ? [{ outpoint: { txid: attempt.txid, index }, value }] : [],
  )
}

function changeScript(accounts: Purse['accounts'], { change }: Outlay): Uint8Array | undefined {
  const account = change && accounts[change.account]
  return account ? accountOutput(account, change.keyPath).script : undefined
}

function outputsOf({ bytes }: Attempt): readonly Output[] {
  const decoded = decodeTransaction(bytes)
  invariant(decoded.ok, 'a signed transaction can be read')
  return decoded.value.outputs
}

function statusOfOutlay(
  purse: Purse,
  asked: {
    readonly outlay: Outlay
    readonly txid: Txid
    readonly tip: Height
    readonly said: (txid: Txid) => Refused | undefined
  },
): OutgoingStatus {
  const { outlay, txid, tip } = asked
  const { phase, kind, attempts } = outlay
  const current = currentAttempt(outlay)
  const attempt = attempts.find((one) => one.txid === txid) ?? current
  const said = phase.name === 'sent' ? asked.said(attempt.txid) : undefined
  const { fee } = attempt
  const shared = {
    txid: attempt.txid,
    by: null,
    confirmations: 0,
    refusal: null,
    transaction: { kind, fee, feerate: feerateOf(attempt), payments: paymentsOf(purse, outlay, attempt) },
  }
  if (phase.name === 'lost') return { ...shared, state: 'replaced', by: phase.txid }
  if (attempt !== current) return { ...shared, state: 'replaced', by: current.txid }
  if (phase.name === 'confirmed') return { ...shared, state: 'confirmed', confirmations: depthOf(phase, tip) }
  if (phase.name === 'held') return { ...shared, state: 'held' }
  return said
    ? { ...shared, state: 'refused', refusal: { code: said.code, detail: said.detail } }
    : { ...shared, state: 'waiting' }
}

function statusOfSettled({ phase }: Settled, txid: Txid, tip: Height): OutgoingStatus {
  const shared = { txid, confirmations: 0, refusal: null, transaction: null }
  return phase.name === 'confirmed' && phase.txid === txid
    ? { ...shared, state: 'confirmed', by: null, confirmations: depthOf(phase, tip) }
    : { ...shared, state: 'replaced', by: phase.txid }
}

function depthOf({ height }: { readonly height: Height }, tip: Height): number {
  return Math.max(1, tip + 1 - height)
}

type Refused = Extract<Reception, { readonly kind: 'refused' }>
