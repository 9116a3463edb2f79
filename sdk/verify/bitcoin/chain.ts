import { accepted, type Decoded, refused } from '../../errors.ts'
import { joinBytes, sameBytes } from '../../units.ts'
import { type Checkpoint, checkpointAfter, verifyCheckpoint, workIn } from './checkpoint.ts'
import { holdsAt } from './hash.ts'
import { hashSize, headerSize, previousAt } from './header.ts'
import { checkLinks } from './links.ts'
import type { BitcoinNetwork } from './network.ts'

/** Most headers that one call of {@link extendChain} takes: more than any node or server sends at once. */
export const extendMax = 2_016
/** Most headers that a chain can be asked to keep: every block of mainnet for a decade to come. */
export const headersMaxMax = 1_500_000
/** Most weaker branches that are kept beside the best one; the heaviest stay. */
export const rivalsMax = 8

/** Headers in a row. */
interface Branch {
  /** Whole headers, one after the other. */
  readonly headers: Uint8Array
  /** Hash of the last one. */
  readonly hash: Uint8Array
  /** Work of the whole chain up to and with the last one. */
  readonly work: bigint
}

/** A weaker branch: leaves the best one after the header at height `fork`. */
export interface Rival extends Branch {
  readonly fork: number
}

/**
 * Headers with the most work that was seen, back to a base; and the weaker branches that could still overtake them.
 *
 * Funds at risk: it is the heaviest of what was shown, not of all there is. Fill it from several sources that do not
 * know of each other, for one alone can show an old or a poor chain.
 *
 * Plain data, never changed: {@link extendChain} gives another one. It holds no more than `headersMax` headers of 80
 * bytes, and as many again for each of {@link rivalsMax} rivals; a reorganisation that reaches below its base is refused.
 */
export interface HeaderChain {
  readonly network: BitcoinNetwork
  /** How many headers are kept above the base, copied with each extension. What lies below cannot be proven. */
  readonly headersMax: number
  /** What everything hangs on: the checkpoint the chain began with, then whatever was kept of it last. */
  readonly base: Checkpoint
  readonly best: Branch
  readonly rivals: readonly Rival[]
}

/** One block of a chain: where it stands, by hash. */
export interface BlockPoint {
  readonly height: number
  /** 32 bytes, wire order. */
  readonly hash: Uint8Array
}

/** The best branch was left for a heavier one. */
export interface Reorg {
  readonly from: BlockPoint
  readonly to: BlockPoint
  /** Blocks that are no longer part of the chain: those above height `from.height - depth`. */
  readonly depth: number
}

/** What new headers came to. */
export interface Extension {
  readonly chain: HeaderChain
  readonly reorg: Reorg | null
  /**
   * Where they stand now. `known`: nothing was new. `dropped`: weaker than the best branch, and longer than is kept or
   * weaker than as many rivals as are kept.
   */
  readonly place: 'best' | 'rival' | 'known' | 'dropped'
  /**
   * Heights of new headers at which a period starts more than ten minutes before the header before it. Allowed outside
   * testnet4, and a sign that miners bend time to lower the difficulty.
   */
  readonly timewarps: readonly number[]
}

/**
 * A chain of one header, to be extended.
 *
 * Funds at risk: `anchor` is believed; see {@link Checkpoint}. Refuses one that contradicts itself or the network.
 */
export function startChain(network: BitcoinNetwork, anchor: Checkpoint, headersMax: number): Decoded<HeaderChain> {
  if (!Number.isSafeInteger(headersMax) || headersMax < 1 || headersMax > headersMaxMax)
    return refused(`a chain keeps 1 to ${headersMaxMax} headers`)
  const header = verifyCheckpoint(network, anchor)
  if (!header.ok) return header
  const base = { ...anchor, header: header.value.bytes, times: [...anchor.times] }
  const best = { headers: new Uint8Array(0), hash: header.value.hash, work: anchor.work }
  return accepted({ network, headersMax, base, best, rivals: [] })
}

/**
 * Adds headers that follow any header that is kept, each checked in full; all of them or none. Known headers may come
 * first, so asking a server from a little below the tip finds reorganisations.
 *
 * The branch with the most work is the best one, never the longest; of two with the same work, the one seen first.
 *
 * @param headers - 1 to {@link extendMax} headers, one after the other.
 * @returns Refused when the bytes are no headers, the first follows nothing that is kept, or one breaks a rule. Whoever
 *   sent them lied, or lags behind what is kept.
 */
export function extendChain(
  chain: HeaderChain,
  headers: Uint8Array,
  { nowSeconds }: { readonly nowSeconds: number },
): Decoded<Extension> {
  const count = headers.length / headerSize
  if (!Number.isInteger(count) || count < 1 || count > extendMax)
    return refused(`1 to ${extendMax} headers of ${headerSize} bytes are taken at once`)
  const path = pathOf(chain, headers.slice())
  if (!path) return refused('the first header follows none that is kept')
  if (isKnown(chain, path)) return accepted({ chain, reorg: null, place: 'known', timewarps: [] })
  const start = checkpointOn(chain, path.fork)
  const links = checkLinks(chain.network, start, path.headers, nowSeconds)
  if (!links.ok) return links
  const { hash, timewarps } = links.value
  const branch = { ...path, hash, work: start.work + links.value.work }
  if (branch.work > chain.best.work) return accepted({ ...adopt(chain, branch), place: 'best', timewarps })
  const rivals = kept(chain, [branch, ...chain.rivals.filter((rival) => !continues(branch, rival))])
  const place = rivals.includes(branch) ? 'rival' : 'dropped'
  return accepted({ chain: { ...chain, rivals }, reorg: null, place, timewarps })
}

/** The last header of the best branch. Compare its time with a clock: a source can withhold what is newer. */
export function tipOf(chain: HeaderChain): BlockPoint & { readonly time: number } {
  const { height, times } = checkpointOn(chain, heightOfTip(chain))
  return { height, hash: chain.best.hash, time: times.at(-1) ?? 0 }
}

/** The 80 bytes at a height of the best branch, or nothing outside of what is kept. */
export function headerAt(chain: HeaderChain, height: number): Uint8Array | undefined {
  if (height === chain.base.height) return chain.base.header
  const at = (height - chain.base.height - 1) * headerSize
  return at >= 0 && at < chain.best.headers.length ? chain.best.headers.slice(at, at + headerSize) : undefined
}

/** What a later chain could start from, or nothing outside of what is kept of the best branch. */
export function checkpointAt(chain: HeaderChain, height: number): Checkpoint | undefined {
  return headerAt(chain, height) && checkpointOn(chain, height)
}

/** How deep a block lies in the best branch. */
export interface Burial {
  readonly height: number
  /** 1 for the tip. */
  readonly confirmations: number
  /** Work of the block and all above it: what it takes to put another in its place. */
  readonly work: bigint
}

/** How deep the block of this hash lies, or nothing when the best branch, as far as it is kept, does not hold it. */
export function burialOf(chain: HeaderChain, hash: Uint8Array): Burial | undefined {
  const index = indexOf(chain.best, hash, 0)
  if (index < 0) return undefined
  const height = chain.base.height + index
  const above = workIn(chain.best.headers.subarray(index * headerSize))
  const own = workIn(headerAt(chain, height) ?? new Uint8Array(0))
  return { height, confirmations: heightOfTip(chain) - height + 1, work: above + own }
}

/** Headers that leave the best branch after the header at height `fork`. */
interface Path {
  readonly fork: number
  readonly headers: Uint8Array
}

/** Where headers belong, with all that lies between them and the best branch, and without what is part of that. */
function pathOf(chain: HeaderChain, headers: Uint8Array): Path | undefined {
  const parent = headers.subarray(previousAt, previousAt + hashSize)
  const index = indexOf(chain.best, parent, 0)
  if (index >= 0)
    return beyond({ fork: chain.base.height + index, headers }, chain.best.headers.subarray(index * headerSize))
  for (const { fork, ...rival } of chain.rivals) {
    const shared = indexOf(rival, parent, 1)
    if (shared > 0) return { fork, headers: joinBytes(rival.headers.subarray(0, shared * headerSize), headers) }
  }
  return undefined
}

/** How many headers of the branch come before what follows `hash`, or -1. A header's hash stands in the one after it. */
function indexOf(branch: Branch, hash: Uint8Array, from: number): number {
  const count = branch.headers.length / headerSize
  if (count >= from && sameBytes(branch.hash, hash)) return count
  for (let index = count - 1; index >= from; index--)
    if (holdsAt(branch.headers, index * headerSize + previousAt, hash)) return index
  return -1
}

/** The path without the headers that it shares with others from its fork on. */
function beyond({ fork, headers }: Path, others: Uint8Array): Path {
  let at = 0
  while (at < headers.length && headers[at] === others[at]) at += 1
  const shared = Math.floor(at / headerSize)
  return { fork: fork + shared, headers: headers.subarray(shared * headerSize) }
}

/** True when `path` is `other`, or goes on from its end. */
function continues(path: Path, other: Path): boolean {
  return path.fork === other.fork && beyond(other, path.headers).headers.length === 0
}

function isKnown(chain: HeaderChain, path: Path): boolean {
  return path.headers.length === 0 || chain.rivals.some((rival) => continues(rival, path))
}

function heightOfTip({ base, best }: HeaderChain): number {
  return base.height + best.headers.length / headerSize
}

function checkpointOn({ base, best }: HeaderChain, height: number): Checkpoint {
  const at = (height - base.height) * headerSize
  return checkpointAfter(base, best.headers.subarray(0, at), best.work - workIn(best.headers.subarray(at)))
}

/** Makes a heavier branch the best one; what it leaves behind becomes a rival. */
function adopt(chain: HeaderChain, branch: Rival): { readonly chain: HeaderChain; readonly reorg: Reorg | null } {
  const at = (branch.fork - chain.base.height) * headerSize
  const left = chain.best.headers.slice(at)
  const best = {
    headers: joinBytes(chain.best.headers.subarray(0, at), branch.headers),
    hash: branch.hash,
    work: branch.work,
  }
  const depth = left.length / headerSize
  if (depth === 0) return { chain: pruned({ ...chain, best }), reorg: null }
  const rivals = chain.rivals
    .map((rival) => rebased(rival, { branch, left }))
    .filter(({ headers }) => headers.length > 0)
  const next = { ...chain, best, rivals: kept(chain, [{ ...chain.best, fork: branch.fork, headers: left }, ...rivals]) }
  const from = { height: heightOfTip(chain), hash: chain.best.hash }
  return { chain: pruned(next), reorg: { from, to: { height: heightOfTip(next), hash: best.hash }, depth } }
}

/** A rival as it leaves the new best branch, of which `branch` is the part that took the place of `left`. */
function rebased(rival: Rival, { branch, left }: { readonly branch: Rival; readonly left: Uint8Array }): Rival {
  const { fork } = branch
  if (rival.fork < fork) return rival
  const headers = joinBytes(left.subarray(0, (rival.fork - fork) * headerSize), rival.headers)
  return { ...rival, ...beyond({ fork, headers }, branch.headers) }
}

/** The rivals that are worth their memory. */
function kept({ headersMax }: HeaderChain, rivals: readonly Rival[]): readonly Rival[] {
  return rivals
    .filter(({ headers }) => headers.length <= headersMax * headerSize)
    .sort((a, b) => (a.work > b.work ? -1 : Number(a.work < b.work)))
    .slice(0, rivalsMax)
}

/** Moves the base up until no more headers than `headersMax` are above it. */
function pruned(chain: HeaderChain): HeaderChain {
  const { base, best, headersMax } = chain
  const cut = best.headers.subarray(0, Math.max(0, best.headers.length - headersMax * headerSize))
  if (cut.length === 0) return chain
  const next = checkpointAfter(base, cut, base.work + workIn(cut))
  const rivals = chain.rivals.filter(({ fork }) => fork >= next.height)
  return { ...chain, base: next, best: { ...best, headers: best.headers.slice(cut.length) }, rivals }
}
