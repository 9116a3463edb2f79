import type { RelayEvent, TxStatus } from '../sdk/ports.ts'
import type { Address, BatchId, ChainId, Hex, TxHash } from '../sdk/units.ts'
import type { Cancelling } from './cancelling.ts'
import type { Member, Notice, Taken } from './chain.ts'
import type { PlanRow, Settlement, WindowRow } from './chainRows.ts'
import type { Access, BoxAnswer, BoxRefusal, InboxAnswer, Post } from './channelBox.ts'
import type { BackupRow, Deposit, DepositRow, Outpoint } from './channelBoxRows.ts'
import type { Items, Offers } from './parcel.ts'
import type { AuditRow } from './policy.ts'
import type { KeyClaim, Reply } from './replies.ts'
import type { Answer } from './shard.ts'
import type { NonceStanding } from './shardNonces.ts'
import type { Told } from './told.ts'
import type { TowerRefusal } from './tower.ts'
import type { TowerHead, TowerStateRow } from './towerRows.ts'
import type { CallRow, WebhookCounts } from './webhookRows.ts'

/** What a shard's object is asked. When an answer comes, what it says is stored. */
export interface ShardApi {
  /** One answer for each item, in their order. */
  readonly submit: (chain: ChainId, shard: number, items: Items) => Promise<Told<readonly Answer[]>>
  /** Takes in news from the chain object. */
  readonly settle: (settlements: readonly Settlement[]) => Promise<void>
  /** Where a transaction stands as far as the shard knows. */
  readonly status: (sender: Address, hash: TxHash) => Promise<TxStatus | null>
  /** Stops a transaction that was never sent, and says where it stands; nothing when the sender has none of this hash. */
  readonly cancel: (sender: Address, hash: TxHash) => Promise<TxStatus | null>
  /** Keeps nothing of a sender but what is under way. */
  readonly forget: (sender: Address) => Promise<void>
  /** @param latest - The sender's next nonce after the newest block. */
  readonly nonces: (sender: Address, latest: number) => Promise<NonceStanding>
}

/** A part of a batch's log. `isOver`: nothing will follow. */
export type EventsAnswer =
  | { readonly kind: 'events'; readonly events: readonly RelayEvent[]; readonly isOver: boolean }
  | { readonly kind: 'unknown' | 'expired' | 'busy' }

/** One transaction of a batch; `null`: only its shard knows. */
export interface MemberStatus {
  readonly hash: TxHash
  readonly sender: Address
  readonly status: TxStatus | null
  /** The chain object still follows it: a reorganisation may change what it says. */
  readonly isOpen: boolean
}

/** A transaction whose end is waited for; `sequence`: of the newest event that its shard had heard. */
export interface Awaited {
  readonly hash: TxHash
  readonly sequence: number
}

/** How one chain fares, in numbers. */
export interface ChainFigures {
  readonly open: number
  readonly queued: number
  readonly windows: number
  readonly events: number
  readonly failures: number
  readonly executorsUp: number
  /** How long something that is due has waited, in milliseconds. */
  readonly lagMs: number
  readonly faults: number
  readonly isPaused: boolean
}

/** A transaction that has not ended, for the operator: enough to send it again by hand. */
export interface ExportedRow {
  readonly arrival: number
  readonly hash: TxHash
  readonly sender: Address
  readonly nonce: number
  readonly status: TxStatus
  readonly attempts: number
  readonly raw: Hex | null
}

/** A window, and the plan of its transactions. */
export type WindowAnswer = Omit<WindowRow, 'transactions'> & Pick<PlanRow, 'transactions'>

/** What a chain's object is asked. When an answer comes, what it says is stored. */
export interface ChainApi {
  /** Opens a socket that tells of one batch. */
  readonly fetch: (request: Request) => Promise<Response>
  /** Takes over what a shard hands over. */
  readonly offer: (
    chain: ChainId,
    shard: number,
    offers: Offers,
    notices: readonly Notice[],
  ) => Promise<Told<readonly Taken[]>>
  /** Remembers which transactions a batch has, and says where each stands, in their order. */
  readonly register: (
    chain: ChainId,
    batch: BatchId,
    members: Told<readonly Member[]>,
  ) => Promise<Told<readonly TxStatus[]>>
  /** The transactions of a batch in its order, or nothing when it is not known. */
  readonly batch: (batch: BatchId) => Promise<readonly MemberStatus[] | null>
  readonly status: (sender: Address, hash: TxHash) => Promise<TxStatus | null>
  /** Ends a transaction that was never sent; what its shard hears of it, or nothing when it is too late. */
  readonly cancel: (chain: ChainId, wish: Cancelling) => Promise<Settlement | null>
  /**
   * Where each stands once all of them have ended, or once an executor has said yes or no to all, or when the time is
   * up; `null`: not heard of yet.
   */
  readonly outcomes: (
    awaited: readonly Awaited[],
    waitMs: number,
    until: 'end' | 'verdict',
  ) => Promise<readonly (TxStatus | null)[]>
  /** The bytes of a transaction that has not ended. */
  readonly raw: (hash: TxHash) => Promise<{ readonly sender: Address; readonly raw: Uint8Array } | null>
  readonly figures: () => Promise<ChainFigures>
  readonly setPaused: (chain: ChainId, isPaused: boolean) => Promise<void>
  /** In the order of arrival, after one of them. */
  readonly rows: (after: number, limit: number) => Promise<readonly ExportedRow[]>
  /** Keeps nothing that names a sender but what is under way. */
  readonly forget: (chain: ChainId, sender: Address) => Promise<void>
  readonly audit: (chain: ChainId, rows: readonly AuditRow[]) => Promise<void>
  /** Forgets decisions from before a time; how many these were. */
  readonly forgetAudit: (before: number) => Promise<number>
  readonly audited: (after: number, limit: number) => Promise<readonly (AuditRow & { readonly number: number })[]>
  readonly claimKey: (key: string, fingerprint: string) => Promise<KeyClaim>
  readonly keepReply: (key: string, fingerprint: string, reply: Reply) => Promise<void>
  /** Gives a key up, because its request was refused. */
  readonly releaseKey: (key: string, fingerprint: string) => Promise<void>
  /** Whether a batch can be told of from a cursor on. */
  readonly peek: (batch: BatchId, after: number) => Promise<'known' | 'unknown' | 'expired'>
  /** Events of a batch after a sequence. Waits for a while when there are none yet. */
  readonly events: (batch: BatchId, after: number) => Promise<EventsAnswer>
  /** Windows after a number, the oldest first. */
  readonly windows: (after: number) => Promise<readonly WindowRow[]>
  /** One window with its transactions; nothing when it is not kept. */
  readonly window: (number: number) => Promise<WindowAnswer | null>
}

/** What one side sees of its own outbox, and how far it has read the other's. */
export interface Standing {
  /** Highest epoch seen, 0 before the first. */
  readonly epoch: number
  /** Sequence of the last message, and that through which the other side acknowledged. */
  readonly sent: number
  readonly acknowledged: number
  /** Sequence through which this side acknowledged what the other wrote. */
  readonly read: number
}

/** What a channel's box is asked. When an answer comes, what it says is stored. */
export interface BoxApi {
  /** Opens a socket. */
  readonly fetch: (request: Request) => Promise<Response>
  readonly post: (access: Access, post: Post) => Promise<BoxAnswer>
  /** Messages to a side after a sequence. Waits for a while when there are none yet. */
  readonly read: (access: Access, after: number) => Promise<InboxAnswer>
  readonly acknowledge: (access: Access, through: number, epoch: number) => Promise<BoxAnswer>
  readonly standing: (access: Access) => Promise<{ readonly ok: true; readonly standing: Standing } | BoxRefusal>
  readonly leave: (access: Access, deposit: Deposit) => Promise<BoxAnswer>
  readonly left: (access: Access) => Promise<{ readonly ok: true; readonly deposit: DepositRow | null } | BoxRefusal>
  readonly keep: (access: Access, backup: Pick<BackupRow, 'number' | 'bytes'>) => Promise<BoxAnswer>
  readonly kept: (access: Access) => Promise<{ readonly ok: true; readonly backup: BackupRow | null } | BoxRefusal>
}

/** What a tower says of one channel. */
export interface TowerStanding extends Pick<TowerHead, 'funding' | 'first' | 'next' | 'height' | 'lookedAt' | 'phase'> {
  /** Outputs of cheaters' transactions that it took, or takes. */
  readonly justice: number
}

/** Done and stored, or why not. */
export type TowerReply = { readonly ok: true; readonly standing: TowerStanding } | TowerRefusal

/** What a channel's tower is asked. When an answer comes, what it says is stored. */
export interface TowerApi {
  readonly register: (claim: Hex, funding: Outpoint, first: number, bytesMax: number) => Promise<TowerReply>
  readonly keep: (claim: Hex, state: TowerStateRow) => Promise<TowerReply>
  readonly standing: (claim: Hex) => Promise<TowerReply>
  /** Of the object under {@link grantsName}: takes one registration out of its allowance, if it holds one. [WT11] */
  readonly grant: () => Promise<boolean>
}

/** How a merchant's webhook fares. `isGone`: the other side said so, and nothing is called until it is registered anew. */
export interface WebhookStanding extends WebhookCounts {
  readonly url: string
  readonly isGone: boolean
}

/** What a merchant's webhook is asked. When an answer comes, what it says is stored. */
export interface WebhookApi {
  /** The secret, told once: when there was no webhook before. */
  readonly register: (chain: ChainId, url: string) => Promise<string | null>
  /** A new secret; nothing where there is no webhook. */
  readonly rotate: () => Promise<string | null>
  readonly forget: () => Promise<boolean>
  /** Calls when the batch has ended. False: there is no room for another one. */
  readonly watch: (batch: BatchId) => Promise<boolean>
  readonly standing: () => Promise<WebhookStanding | null>
  /** Messages whose tries are used up, the oldest first. */
  readonly dead: (limit: number) => Promise<readonly CallRow[]>
  readonly replay: (id: string) => Promise<boolean>
}

/** Objects of one class, each with a name. */
export interface Objects<api> {
  readonly getByName: (name: string) => api
}

/** What the platform hands in: the objects, and the operator's configuration. */
export interface Env {
  readonly SHARD: Objects<ShardApi>
  readonly CHAIN: Objects<ChainApi>
  readonly BOX: Objects<BoxApi>
  readonly TOWER: Objects<TowerApi>
  readonly WEBHOOK: Objects<WebhookApi>
  /** The public network alone, where the platform can tell it from others; webhooks are called through it. */
  readonly WEB?: { readonly fetch: (url: string, init: RequestInit) => Promise<Response> }
  /** `loopback`: webhooks may be on this machine, for local use. */
  readonly WEBHOOKS?: string
  /** JSON; see config.ts. */
  readonly CHAINS: string
  /** JSON or empty; see config.ts. On bare workerd a variable that is not set is `null`, this one and the next two. */
  readonly BITCOIN: string | null
  /** JSON or empty; see security.ts. A secret. */
  readonly SECURITY?: string | null
  /** 32 bytes in hexadecimal: signs a tower's receipts, and nothing else. A secret. */
  readonly TOWER_KEY?: string | null
  /** `requests`: one line of log for each. */
  readonly LOG?: string
}
