import type {
  BitcoinCoinbase,
  BitcoinInclusion,
  BitcoinNode,
  BitcoinPlace,
  NodeCoin,
  NodeTransaction,
} from '../ports.ts'
import { type Feerate, feerate, type Height, sameBytes, type Txid } from '../units.ts'
import {
  type BitcoindRpc,
  type BitcoindRpcOptions,
  bitcoindNode,
  bitcoindRpc,
  type Outcome,
  refusedCall,
  resultOf,
} from './bitcoindRpc.ts'
import { type Activity, scriptActivity } from './bitcoindScripts.ts'
import {
  type BitcoinNetworkName,
  blockBytesMax,
  genesisHashes,
  hash256,
  headerSize,
  headersMax,
  readBitcoins,
  readHash,
  readHeight,
  readRaw,
  readTxid,
  writeHash,
  writeRaw,
} from './bitcoinShapes.ts'
import { broadcastRefusal } from './broadcastRefusal.ts'
import { fieldsOf, nonsense } from './http.ts'

export interface BitcoindOptions extends BitcoindRpcOptions {
  /** Asked for once: a node of another network is refused. */
  readonly network?: BitcoinNetworkName
  /** Questions about scripts look at nothing below this height. 0, and slow on mainnet, without. */
  readonly sinceHeight?: Height
}

const headersPerBatch = 250
const merkleBlockBytesMax = 4_096
const estimateTargets = [2, 3, 4, 6, 12, 24, 144, 504, 1008] as const
/** RPC_INVALID_ADDRESS_OR_KEY: no such block or transaction. RPC_INVALID_PARAMETER: among others, no such height. */
const [notFound, invalidParameter] = [-5, -8]

/**
 * One's own bitcoind over JSON-RPC. What it says is held to its shape, and proven by the caller like that of any node.
 *
 * The node needs `-txindex` to find transactions, and `-blockfilterindex` and Bitcoin Core 29 or later for questions
 * about scripts ({@link scriptActivity} tells why no wallet is used). Without them those calls throw `node/refused` and
 * a note. Throws `units/malformed` for a URL that carries credentials.
 */
export function bitcoind(options: BitcoindOptions): BitcoinNode {
  const rpc = onNetwork(bitcoindRpc(options), options.network)
  const activity = scriptActivity(rpc, options.sinceHeight ?? 0)
  return {
    tip: () => tip(rpc),
    headers: (first, count) => headers(rpc, first, count),
    block: async (hash) => found(await rpc.outcome('getblock', [writeHash(hash), 0])),
    transaction: async (txid) => found(await rpc.outcome('getrawtransaction', [txid, 0])),
    inclusion: (txid) => inclusion(rpc, txid),
    coinbase: (block) => coinbase(rpc, block),
    coins: async (script) => coinsIn(await activity(script)),
    history: async (script) => historyIn(await activity(script)),
    spend: async ({ txid, index }, script) => {
      if ((await rpc.ask('gettxout', [txid, index, true])) !== null) return undefined
      const spend = (await activity(script)).find(
        ({ type, outpoint }) => type === 'spend' && outpoint.txid === txid && outpoint.index === index,
      )
      return spend && { txid: spend.txid, height: spend.height }
    },
    feeEstimates: () => feeEstimates(rpc),
    minFeerate: () => minFeerate(rpc),
    broadcast: async (raw) => {
      const outcome = await rpc.outcome('sendrawtransaction', [writeRaw(raw)])
      if (outcome.ok) return { ok: true, txid: want(readTxid(outcome.result), 'sendrawtransaction') }
      const refusal = broadcastRefusal(outcome.code, outcome.message)
      if (!refusal) throw refusedCall(outcome)
      return refusal
    },
  }
}

/** Checks the network before the first call, and until it could be checked. */
function onNetwork(rpc: BitcoindRpc, network: BitcoinNetworkName | undefined): BitcoindRpc {
  if (network === undefined) return rpc
  let checked: Promise<void> | undefined
  const check = async () => {
    if ((await rpc.ask('getblockhash', [0])) !== genesisHashes[network])
      throw nonsense(bitcoindNode, `it does not serve ${network}`)
  }
  const ready = async () => {
    checked ??= check()
    await checked.catch((error: unknown) => {
      checked = undefined
      throw error
    })
  }
  return {
    outcomes: async (calls) => {
      await ready()
      return rpc.outcomes(calls)
    },
    outcome: async (method, params) => {
      await ready()
      return rpc.outcome(method, params)
    },
    ask: async (method, params) => {
      await ready()
      return rpc.ask(method, params)
    },
  }
}

async function tip(rpc: BitcoindRpc): Promise<BitcoinPlace> {
  const { blocks, bestblockhash } = fieldsOf(await rpc.ask('getblockchaininfo', [])) ?? {}
  const [height, hash] = [readHeight(blocks), readHash(bestblockhash)]
  return want(height === undefined || !hash ? undefined : { height, hash }, 'getblockchaininfo')
}

async function headers(rpc: BitcoindRpc, first: Height, count: number): Promise<Uint8Array> {
  const wanted = Math.min(count, headersMax)
  const row: Uint8Array[] = []
  while (row.length < wanted) {
    const from = first + row.length
    const some = Array.from({ length: Math.min(headersPerBatch, wanted - row.length) }, (_, at) => from + at)
    const named = await rpc.outcomes(some.map((height) => ['getblockhash', [height]]))
    const end = named.findIndex((outcome) => !outcome.ok && outcome.code === invalidParameter)
    const hashes = named.slice(0, end < 0 ? named.length : end).map(resultOf)
    if (hashes.length > 0) {
      const told = await rpc.outcomes(hashes.map((hash) => ['getblockheader', [hash, false]]))
      for (const header of told.map(resultOf)) {
        const bytes = readRaw(header, headerSize)
        row.push(want(bytes?.length === headerSize ? bytes : undefined, 'getblockheader'))
      }
    }
    if (end >= 0) break
  }
  const bytes = new Uint8Array(row.length * headerSize)
  for (const [at, header] of row.entries()) bytes.set(header, at * headerSize)
  return bytes
}

async function inclusion(rpc: BitcoindRpc, txid: Txid): Promise<BitcoinInclusion | undefined> {
  const { blockhash } = fieldsOf(existing(await rpc.outcome('getrawtransaction', [txid, 1]))) ?? {}
  if (blockhash === undefined) return undefined
  const hash = want(readHash(blockhash), 'getrawtransaction')
  const [header, proof] = (
    await rpc.outcomes([
      ['getblockheader', [blockhash, true]],
      ['gettxoutproof', [[txid], blockhash]],
    ])
  ).map(resultOf)
  const { height, confirmations } = fieldsOf(header) ?? {}
  // The index also remembers blocks that were reorganised away; those have -1 of them.
  if (confirmations === -1) return undefined
  const merkleBlock = want(readRaw(proof, merkleBlockBytesMax), 'gettxoutproof')
  if (!sameBytes(hash256(merkleBlock.subarray(0, headerSize)), hash))
    throw nonsense(bitcoindNode, 'gettxoutproof is of another block')
  return { height: want(readHeight(height), 'getblockheader'), hash, merkleBlock }
}

async function coinbase(rpc: BitcoindRpc, block: Uint8Array): Promise<BitcoinCoinbase | undefined> {
  const hash = writeHash(block)
  const told = existing(await rpc.outcome('getblock', [hash, 1]))
  if (told === undefined) return undefined
  const { tx } = fieldsOf(told) ?? {}
  const txid = want(Array.isArray(tx) ? readTxid(tx[0]) : undefined, 'getblock')
  const [raw, proof] = await rpc.outcomes([
    ['getrawtransaction', [txid, 0, hash]],
    ['gettxoutproof', [[txid], hash]],
  ])
  const transaction = want(readRaw(resultOf(raw as Outcome), blockBytesMax), 'getrawtransaction')
  return { transaction, merkleBlock: want(readRaw(resultOf(proof as Outcome), merkleBlockBytesMax), 'gettxoutproof') }
}

function coinsIn(activity: readonly Activity[]): readonly NodeCoin[] {
  const keyOf = ({ outpoint }: Activity) => `${outpoint.txid}:${outpoint.index}`
  const spent = new Set(activity.filter(({ type }) => type === 'spend').map(keyOf))
  return activity.flatMap((event) =>
    event.type === 'receive' && !spent.has(keyOf(event))
      ? [{ outpoint: event.outpoint, value: event.value, height: event.height }]
      : [],
  )
}

function historyIn(activity: readonly Activity[]): readonly NodeTransaction[] {
  const all = new Map(activity.map(({ txid, height }) => [txid, { txid, height }]))
  const ageOf = ({ height }: NodeTransaction) => height ?? Number.MAX_SAFE_INTEGER
  return [...all.values()].reverse().sort((a, b) => ageOf(b) - ageOf(a))
}

async function feeEstimates(rpc: BitcoindRpc): Promise<ReadonlyMap<number, number>> {
  const outcomes = await rpc.outcomes(estimateTargets.map((target) => ['estimatesmartfee', [target]]))
  return new Map(
    outcomes.flatMap((outcome, at) => {
      const { feerate: bitcoinsPerKvbyte } = fieldsOf(resultOf(outcome)) ?? {}
      // Without enough blocks seen, there is no estimate.
      if (bitcoinsPerKvbyte === undefined) return []
      const satsPerKvbyte = want(readBitcoins(bitcoinsPerKvbyte), 'estimatesmartfee')
      return [[estimateTargets[at] as number, Number(satsPerKvbyte) / 1_000] as const]
    }),
  )
}

/** What a transaction has to pay to be relayed, and to stay in a pool that is full. */
async function minFeerate(rpc: BitcoindRpc): Promise<Feerate> {
  const { minrelaytxfee, mempoolminfee } = fieldsOf(await rpc.ask('getmempoolinfo', [])) ?? {}
  const [relay, pool] = [readBitcoins(minrelaytxfee), readBitcoins(mempoolminfee)]
  if (relay === undefined || pool === undefined) throw nonsense(bitcoindNode, 'getmempoolinfo is not of its shape')
  return feerate(Math.max(Number(relay), Number(pool)))
}

/** The result of a look-up, or nothing where the node has no such thing; one that only lacks an index throws. */
function existing(outcome: Outcome): unknown {
  if (outcome.ok || outcome.code !== notFound) return resultOf(outcome)
  if (/-txindex/.test(outcome.message))
    throw refusedCall(outcome, { notes: ['Start bitcoind with -txindex=1, so that it finds transactions.'] })
  if (/process of being indexed/i.test(outcome.message)) throw refusedCall(outcome, { retryable: true })
  return undefined
}

function found(outcome: Outcome): Uint8Array | undefined {
  const told = existing(outcome)
  return told === undefined ? undefined : want(readRaw(told, blockBytesMax), 'a look-up')
}

function want<value>(value: value | undefined, method: string): value {
  if (value === undefined) throw nonsense(bitcoindNode, `the result of ${method} is not of its shape`)
  return value
}
