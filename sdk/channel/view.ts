import type { Output } from '../bitcoin/index.ts'
import { type Height, height, type Sats, sameBytes, sats, type Txid } from '../units.ts'
import type { Opening } from './opening.ts'

/**
 * What the chain of most work proves of one channel's funding output. The shell fetches and proves it, the cores judge.
 *
 * Funds at risk: a view that was not proven, or is old, lets the other side take what it says is safe.
 */
export interface ChainView {
  /** Of the best block. */
  readonly height: Height
  /** Block of the funding output, exact in script and value; `null` while the chain does not hold it. */
  readonly fundedAt: Height | null
  /** The transaction of this chain that spends it. */
  readonly spend: Spend | null
}

/** A transaction that spends a funding output. */
export interface Spend {
  readonly txid: Txid
  /** Of its block. */
  readonly height: Height
  readonly outputs: readonly Output[]
}

/** How a channel ended: which transaction took the funding output, and what it gave to whom. */
export interface Ending {
  readonly txid: Txid
  readonly height: Height
  readonly toPayee: Sats
  readonly toPayer: Sats
}

/** True while the funding output is deep enough, and nothing of this chain has spent it. [OW8] */
export function isFunded({ terms }: Opening, { height: tip, fundedAt, spend }: ChainView): boolean {
  return fundedAt !== null && !spend && depth(tip, fundedAt) >= terms.confirmationsMin
}

/** The spend, once it is deep enough. [OW21] */
export function endingOf(opening: Opening, view: ChainView): Ending | null {
  const { spend } = view
  if (!spend || depth(view.height, spend.height) < opening.terms.confirmationsMin) return null
  return {
    txid: spend.txid,
    height: spend.height,
    toPayee: paidTo(opening.terms.payeeScript, spend.outputs),
    toPayer: paidTo(opening.payerScript, spend.outputs),
  }
}

/** True for the same transaction in the same block. */
export function isSameEnding(a: Ending, b: Ending): boolean {
  return a.txid === b.txid && a.height === b.height
}

/** Height from which on the payee takes no update and closes. [OW18] */
export function closingHeight({ expiry, terms }: Opening): Height {
  return height(Math.max(0, expiry - terms.marginBlocks))
}

/** Height at which the channel box broadcasts what was left with it. [OW25] */
export function depositHeight({ expiry, terms }: Opening): Height {
  return height(Math.max(0, expiry - Math.floor(terms.marginBlocks / 2)))
}

/** Blocks that hold something down: 1 for the tip. */
function depth(tip: Height, at: Height): number {
  return tip - at + 1
}

function paidTo(script: Uint8Array, outputs: readonly Output[]): Sats {
  return sats(outputs.filter((output) => sameBytes(output.script, script)).reduce((sum, { value }) => sum + value, 0n))
}
