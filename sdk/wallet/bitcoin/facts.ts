import { type BitcoinTransaction, type Coin, decodeTransaction, outpointKey } from '../../bitcoin/index.ts'
import type { NodeCoin, NodeTransaction } from '../../ports.ts'
import { type Height, sameBytes, type Txid } from '../../units.ts'
import { settledDepth } from './book.ts'
import { nodesInclusion } from './inclusion.ts'
import type { Nodes } from './nodes.ts'

/** Most transactions that are kept in memory. */
const transactionsMax = 2_000
/** Most entries of one script's history that are looked into for a proof that it is in use. */
const witnessesMax = 3

/** A transaction whose bytes hash to its name, whoever told it. */
export interface KnownTransaction {
  readonly bytes: Uint8Array
  readonly decoded: BitcoinTransaction
}

/** Where a transaction was mined, or nothing while no block holds it. */
export type InclusionFinder = (txid: Txid) => Promise<{ readonly height: Height } | null>

/** What is unspent on a script, and whether the script is in use. */
export interface ScriptTold {
  /** Amount and script of each stand in the transaction that made it; its height is proven, or `null`. */
  readonly coins: readonly Omit<Coin, 'script' | 'keyPath'>[]
  /** True when some node knows of a transaction with the script, mined or not. */
  readonly used: boolean
  /** True when a block holds a transaction that pays to the script. */
  readonly isProven: boolean
}

/** Facts of the chain, none taken as a node says them. */
export interface Facts {
  /** The transaction of that name, checked against it; nothing when no node has it. */
  readonly transaction: (txid: Txid) => Promise<KnownTransaction | undefined>
  /** @param tip - Those that lie {@link settledDepth} below it are not asked about again. */
  readonly inclusion: (txid: Txid, tip?: Height) => Promise<{ readonly height: Height } | null>
  /** @param isUsed - True when the script is known to be in use, so that only its coins are asked for. */
  readonly script: (script: Uint8Array, isUsed: boolean, tip: Height) => Promise<ScriptTold>
}

export function factsFrom(nodes: Nodes, finder: InclusionFinder | undefined): Facts {
  const transactions = new Map<Txid, KnownTransaction>()
  const deep = new Map<Txid, { readonly height: Height }>()
  const find = finder ?? nodesInclusion(nodes, transaction)

  async function transaction(txid: Txid): Promise<KnownTransaction | undefined> {
    const known = transactions.get(txid)
    if (known) return known
    for (const bytes of await nodes.ask((node) => node.transaction(txid))) {
      const found = bytes && read(bytes, txid)
      if (!found) continue
      remember(transactions, txid, found)
      return found
    }
    return undefined
  }

  async function inclusion(txid: Txid, tip?: Height) {
    const found = deep.get(txid) ?? (await find(txid))
    if (found && tip !== undefined && tip + 1 - found.height >= settledDepth) remember(deep, txid, found)
    return found
  }

  async function coinOf(told: NodeCoin, script: Uint8Array, tip: Height) {
    const known = await transaction(told.outpoint.txid)
    const output = known?.decoded.outputs[told.outpoint.index]
    if (!output || !sameBytes(output.script, script)) return []
    const place = told.height === null ? null : await inclusion(told.outpoint.txid, tip)
    const coinbase = isCoinbase(known.decoded)
    return [{ outpoint: told.outpoint, value: output.value, height: place?.height ?? null, coinbase }]
  }

  async function isProvenUse(history: readonly NodeTransaction[], script: Uint8Array): Promise<boolean> {
    const mined = history.filter(({ height }) => height !== null)
    // The oldest paid to the script, if anything did.
    for (const { txid } of mined.slice(-witnessesMax).reverse()) {
      const known = await transaction(txid)
      const pays = known?.decoded.outputs.some((output) => sameBytes(output.script, script))
      if (pays && (await inclusion(txid))) return true
    }
    return false
  }

  return {
    transaction,
    inclusion,
    async script(script, isUsed, tip) {
      const histories = isUsed ? [] : await nodes.ask((node) => node.history(script))
      // One question is enough where nobody knows anything: most scripts of a look are of that kind.
      if (!isUsed && histories.every((history) => history.length === 0)) return nothingTold
      const told = once((await nodes.ask((node) => node.coins(script))).flat())
      const coins = (await Promise.all(told.map((coin) => coinOf(coin, script, tip)))).flat()
      if (isUsed || coins.some(({ height }) => height !== null)) return { coins, used: true, isProven: true }
      for (const history of histories)
        if (await isProvenUse(history, script)) return { coins, used: true, isProven: true }
      return { coins, used: true, isProven: false }
    },
  }
}

const nothingTold: ScriptTold = { coins: [], used: false, isProven: false }

/** The transaction, when it has that name. */
function read(bytes: Uint8Array, txid: Txid): KnownTransaction | undefined {
  const decoded = decodeTransaction(bytes)
  return decoded.ok && decoded.value.txid === txid ? { bytes, decoded: decoded.value } : undefined
}

/** Keeps a value, and drops the oldest beyond {@link transactionsMax}. */
function remember<value>(map: Map<Txid, value>, txid: Txid, value: value): void {
  map.set(txid, value)
  const [oldest] = map.keys()
  if (map.size > transactionsMax && oldest !== undefined) map.delete(oldest)
}

/** Each coin once, in a block if any node says so. */
function once(told: readonly NodeCoin[]): readonly NodeCoin[] {
  const coins = new Map<string, NodeCoin>()
  for (const coin of told) {
    const key = outpointKey(coin.outpoint)
    if (coin.height !== null || !coins.has(key)) coins.set(key, coin)
  }
  return [...coins.values()]
}

function isCoinbase({ inputs }: BitcoinTransaction): boolean {
  return inputs.length === 1 && inputs[0]?.outpoint.index === 0xffffffff
}
