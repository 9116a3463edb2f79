import { unreachable } from '../errors.ts'
import type { TxStatus } from '../ports.ts'
import type { TxHash } from '../units.ts'
import type { Verified } from '../verify/index.ts'
import type { Included } from './blocks.ts'

/** Where a transaction stands. All but `signed` and `included` is what the relay says, and no more than that. */
export interface View {
  /** `included`: proven. `replaced`: another transaction is said to have taken the nonce; not decided yet. */
  readonly state:
    | 'signed'
    | 'queued'
    | 'held'
    | 'planned'
    | 'accepted'
    | 'included'
    | 'rejected'
    | 'replaced'
    | 'expired'
  /** Lane in the relay's window; nothing before there is one. */
  readonly lane: number | null
  /** What it waits for in its lane. */
  readonly waitsFor: readonly TxHash[]
  /** `silent`: the relay does not answer. The transaction stays stored and is sent again. */
  readonly relay: 'answering' | 'silent'
}

/** How a transaction ended, as far as its sender needs to care. */
export type Fate =
  /** A block holds it, by proof. Whether the call went through is in the receipt. */
  | { readonly state: 'included'; readonly inclusion: Verified<Included> }
  /**
   * The relay said a definite no. The next transaction of the account takes the nonce.
   * Funds at risk: until that one is executed, whoever holds the refused bytes can still have them executed.
   */
  | { readonly state: 'rejected'; readonly code: string; readonly detail: string }
  /** The relay stopped sending it. All that is said of `rejected` holds. */
  | { readonly state: 'expired' }
  /** The nonce was used by another transaction: of this wallet, or (`null`) signed elsewhere. It never happens now. */
  | { readonly state: 'replaced'; readonly by: TxHash | null }

/** Some transactions, watched until each has a fate. */
export interface Following {
  /** What changes, beginning with what is; steps that follow each other faster than they are read are skipped. */
  readonly progress: () => AsyncIterable<{ readonly hash: TxHash; readonly view: View }>
  /** Resolves when every transaction has a fate. */
  readonly settled: () => Promise<ReadonlyMap<TxHash, Fate>>
}

/** What is known, in this process, of transactions that are on their way. */
export interface Board {
  readonly follow: (hashes: readonly TxHash[]) => Following
  /** Whether somebody still waits for this hash, or it is still being carried. */
  readonly isOpen: (hash: TxHash) => boolean
  readonly open: (hash: TxHash) => void
  readonly hear: (hash: TxHash, status: TxStatus) => void
  readonly mark: (hashes: readonly TxHash[], relay: View['relay']) => void
  readonly decide: (hash: TxHash, fate: Fate) => void
  /** The wallet stopped: whoever follows anything learns why. */
  readonly fail: (reason: unknown) => void
}

interface Row {
  view: View
  readonly hearers: Set<(hash: TxHash, view: View, fate?: Fate) => void>
}

const fresh: View = { state: 'signed', lane: null, waitsFor: [], relay: 'answering' }

/** An empty board. */
export function createBoard(): Board {
  const rows = new Map<TxHash, Row>()
  const failures = new Set<(reason: unknown) => void>()
  let failure: { readonly reason: unknown } | undefined
  const open = (hash: TxHash): Row => {
    const row = rows.get(hash) ?? { view: fresh, hearers: new Set() }
    rows.set(hash, row)
    return row
  }
  const show = (hash: TxHash, change: Partial<View>, fate?: Fate) => {
    const row = rows.get(hash)
    if (!row) return
    if (fate) rows.delete(hash)
    row.view = { ...row.view, ...change }
    for (const hear of row.hearers) hear(hash, row.view, fate)
  }
  return {
    isOpen: (hash) => rows.has(hash),
    open,
    hear: (hash, status) => show(hash, { relay: 'answering', ...viewOf(status) }),
    mark: (hashes, relay) => {
      for (const hash of hashes) if (rows.get(hash)?.view.relay !== relay) show(hash, { relay })
    },
    decide: (hash, fate) => show(hash, { state: fate.state }, fate),
    fail: (reason) => {
      failure ??= { reason }
      for (const fail of failures) fail(reason)
    },
    follow: (hashes) => {
      const { following, hear, fail } = follower(new Map(hashes.map((hash) => [hash, open(hash).view])))
      for (const hash of hashes) open(hash).hearers.add(hear)
      failures.add(fail)
      if (failure) fail(failure.reason)
      const forget = () => failures.delete(fail)
      following.settled().then(forget, forget)
      return following
    },
  }
}

function follower(views: Map<TxHash, View>) {
  const fates = new Map<TxHash, Fate>()
  const wakers = new Set<(hash?: TxHash) => void>()
  let failure: { readonly reason: unknown } | undefined
  const wakeAll = (hash?: TxHash) => {
    for (const wake of wakers) wake(hash)
  }
  const isDone = () => fates.size === views.size
  const hear = (hash: TxHash, view: View, fate?: Fate) => {
    views.set(hash, view)
    if (fate) fates.set(hash, fate)
    wakeAll(hash)
  }
  const fail = (reason: unknown) => {
    failure ??= { reason }
    wakeAll()
  }

  async function* progress() {
    const changed = new Set(views.keys())
    let wake: () => void = () => undefined
    const waker = (hash?: TxHash) => {
      if (hash) changed.add(hash)
      wake()
    }
    wakers.add(waker)
    try {
      for (;;) {
        for (const hash of changed) {
          changed.delete(hash)
          const view = views.get(hash)
          if (view) yield { hash, view }
        }
        if (failure) throw failure.reason
        if (isDone()) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      wakers.delete(waker)
    }
  }

  const settled = () =>
    new Promise<ReadonlyMap<TxHash, Fate>>((resolve, reject) => {
      const waker = () => {
        if (failure) reject(failure.reason)
        else if (isDone()) resolve(fates)
        else return
        wakers.delete(waker)
      }
      wakers.add(waker)
      waker()
    })
  return { following: { progress, settled }, hear, fail }
}

function viewOf(status: TxStatus): Partial<View> {
  switch (status.state) {
    case 'planned':
      return { state: 'planned', lane: status.lane, waitsFor: status.waitsFor }
    case 'accepted':
      return { state: 'accepted', lane: status.lane }
    case 'included':
    case 'finalized':
      // The relay's word; it counts when it is proven.
      return { state: 'accepted', lane: status.lane }
    case 'rejected':
    case 'expired':
      // Shown when it is stored.
      return {}
    case 'queued':
    case 'held':
    case 'replaced':
      return { state: status.state, lane: null, waitsFor: [] }
    default:
      return unreachable(status)
  }
}
