import { type Outpoint, txidOf } from '../bitcoin/index.ts'
import { SdkError } from '../errors.ts'
import type { BlockFilter, FilterSource } from '../ports.ts'
import { type Height, height, sameBytes, type Txid } from '../units.ts'
import {
  type BitcoinBlock,
  decodeBitcoinHeader,
  filterHeaderOf,
  type HeaderChain,
  hashText,
  headerAt,
  mayMatch,
  scriptsMadeBy,
  tipOf,
  verifyBitcoinBlock,
} from '../verify/index.ts'
import { spendIn } from './evidence.ts'
import { liedNode, type Panel, type Told } from './panel.ts'

/** Most blocks that one look goes through: two weeks of them. */
export const filterBlocksMax = 2_016
/** How many filters are asked for at once. */
const filtersAtOnce = 32

/** An output, and the block that made it. */
export interface MadeOutput {
  readonly outpoint: Outpoint
  /** The output's own. */
  readonly script: Uint8Array
  /** Of the block that made it; blocks from the next one on are looked through. */
  readonly height: Height
}

/** Two sources told different filters of one block, and both fit the block as far as it can be judged. Kept as evidence. */
export interface FilterConflict {
  readonly height: Height
  readonly told: readonly { readonly source: number; readonly filter: Uint8Array; readonly header: Uint8Array }[]
}

/**
 * Whether an output is spent, and what shows it.
 *
 * `filters`: no block up to the tip holds a spend, by filters that all `sources` agree on. Nothing in a block commits to its
 * filter, so it is as true as one of them is honest; a spend that waits for a block is none.
 */
export interface Spentness {
  readonly value: { readonly spent: false } | { readonly spent: true; readonly txid: Txid; readonly height: Height }
  readonly verdict: {
    readonly level: 'confirmed'
    readonly proven: readonly ['spend-inclusion'] | readonly []
    readonly shown: 'block' | 'filters'
    readonly sources: readonly string[]
    /** Up to here. */
    readonly tip: { readonly height: number; readonly hash: Uint8Array; readonly time: number }
  }
}

/** Looks for spends by filters. */
export interface SpendLook {
  readonly look: (chain: HeaderChain, output: MadeOutput) => Promise<Spentness>
  readonly conflicts: () => readonly FilterConflict[]
}

/** @param nodes - Asked for the whole blocks that filters point to. */
export function createSpendLook(filters: Panel<FilterSource>, nodes: Panel): SpendLook {
  const conflicts: FilterConflict[] = []
  const blockOf = async (hash: Uint8Array): Promise<BitcoinBlock> => {
    const told = await nodes.ask(async (node) => {
      const bytes = await node.block(hash)
      if (!bytes) return null
      const block = verifyBitcoinBlock(bytes)
      if (!block.ok) throw liedNode(`its block does not hold together: ${block.reason}`)
      if (!sameBytes(block.value.header.hash, hash)) throw liedNode('it sent another block')
      return block.value
    })
    const found = told.find(({ value }) => value !== null)?.value
    if (found) return found
    throw new SdkError('node/unreachable', 'No node has a block of the chain.', { retryable: true })
  }

  /** Those whose filters fit the block; more than one version left is a conflict that nobody can judge. */
  const judged = async (hash: Uint8Array, at: Height, told: readonly Told<BlockFilter>[]) => {
    const block = await blockOf(hash)
    const fitting = told.filter(({ node, value: { filter } }) => {
      const fits = scriptsMadeBy(block).every((script) => {
        const match = mayMatch({ filter, blockHash: hash, scripts: [script] })
        return match.ok && match.value
      })
      if (!fits)
        filters.accuse(node, liedNode(`its filter of block ${hashText(hash)} leaves out an output of the block`))
      return fits
    })
    if (agree(fitting)) return fitting
    conflicts.push({ height: at, told: fitting.map(({ node, value }) => ({ source: node, ...value })) })
    throw new SdkError('client/conflict', `Sources tell different filters of block ${at}.`, {
      notes: ['The filters are kept as evidence.', 'Add a source that you run yourself, or ask without filters.'],
    })
  }

  const look = async (chain: HeaderChain, output: MadeOutput): Promise<Spentness> => {
    const tip = tipOf(chain)
    const hashes = hashesAfter(chain, output.height)
    let sources: readonly number[] = []
    let before: readonly Told<Uint8Array>[] = []
    for (let from = 0; from < hashes.length; from += filtersAtOnce) {
      const wanted = hashes.slice(from, from + filtersAtOnce)
      const told = await filters.askAll(async (source, node) =>
        linked(await source.filters(wanted), before.find((one) => one.node === node)?.value, wanted.length),
      )
      // Who dropped out on the way has not shown all of it.
      let standing = from > 0 ? told.filter(({ node }) => sources.includes(node)) : told
      if (standing.length === 0)
        throw new SdkError('node/unreachable', 'No source has all filters.', { retryable: true })
      for (const [index, hash] of wanted.entries()) {
        const at = height(output.height + 1 + from + index)
        const versions = standing.map(({ node, value }) => ({ node, value: value[index] as BlockFilter }))
        const fitting = agree(versions) ? versions : await judged(hash, at, versions)
        standing = standing.filter(({ node }) => fitting.some((one) => one.node === node))
        const [first] = fitting
        const match = first && mayMatch({ filter: first.value.filter, blockHash: hash, scripts: [output.script] })
        if (!match?.ok) throw liedNode('its filter cannot be read')
        const spend = match.value ? spendIn((await blockOf(hash)).transactions, output.outpoint) : undefined
        if (spend) return spentBy(txidOf(spend.txid), at, chain)
      }
      sources = standing.map(({ node }) => node)
      before = standing.map(({ node, value }) => ({ node, value: (value.at(-1) as BlockFilter).header }))
    }
    const verdict = { level: 'confirmed', proven: [], shown: 'filters', sources: sources.map(named), tip } as const
    return { value: { spent: false }, verdict }
  }
  return { look, conflicts: () => conflicts }
}

function named(source: number): string {
  return `filters ${source}`
}

function spentBy(txid: Txid, at: Height, chain: HeaderChain): Spentness {
  return {
    value: { spent: true, txid, height: at },
    verdict: { level: 'confirmed', proven: ['spend-inclusion'], shown: 'block', sources: [], tip: tipOf(chain) },
  }
}

/** The blocks from the one after a height up to the tip. */
function hashesAfter(chain: HeaderChain, from: Height): readonly Uint8Array[] {
  const { height: top } = tipOf(chain)
  if (top - from > filterBlocksMax)
    throw new SdkError('client/not-provable', `The output is more than ${filterBlocksMax} blocks old.`)
  const hashes: Uint8Array[] = []
  for (let at = from + 1; at <= top; at++) {
    const header = decodeBitcoinHeader(headerAt(chain, at) ?? new Uint8Array(0))
    if (!header.ok) throw new SdkError('client/not-provable', `Block ${at} lies below the headers that are kept.`)
    hashes.push(header.value.hash)
  }
  return hashes
}

/** The filters of one source, if each header names its filter and the header before it. */
function linked(told: readonly BlockFilter[], before: Uint8Array | undefined, count: number): readonly BlockFilter[] {
  if (told.length !== count) throw liedNode('it tells fewer filters than blocks')
  let previous = before
  for (const { filter, header } of told) {
    if (previous && !sameBytes(filterHeaderOf(filter, previous), header))
      throw liedNode('a header of its filters does not name the filter')
    previous = header
  }
  return told
}

function agree(told: readonly Told<BlockFilter>[]): boolean {
  const [first] = told
  return told.length > 0 && told.every(({ value }) => first && sameBytes(value.filter, first.value.filter))
}
