import { SdkError } from '../errors.ts'
import type { NodeOutpoint } from '../ports.ts'
import type { Height, Sats, Txid } from '../units.ts'
import { type BitcoindRpc, bitcoindNode, type Outcome, refusedCall, resultOf } from './bitcoindRpc.ts'
import { readBitcoins, readHeight, readTxid, readWhole, scriptEntriesMax, writeRaw } from './bitcoinShapes.ts'
import { fieldsOf, nonsense } from './http.ts'

/** One event of a script's life: an output pays to it, or an input spends such an output. */
export type Activity =
  | {
      readonly type: 'receive'
      readonly txid: Txid
      readonly height: Height | null
      readonly outpoint: NodeOutpoint
      readonly value: Sats
    }
  | { readonly type: 'spend'; readonly txid: Txid; readonly height: Height | null; readonly outpoint: NodeOutpoint }

/** What was scanned for one script, to go on from. */
interface Scanned {
  /** The last block that was looked at. */
  readonly to: { readonly height: number; readonly hash: string }
  /** Blocks that touch the script, or seem to: filters lie in one of a million. */
  readonly blocks: readonly string[]
}

/** Blocks that one call scans: about a second of work, so that no answer is awaited for long. */
const blocksPerScan = 20_000
const scriptsKeptMax = 4_096
/** How often a question is asked again that a reorganisation tore apart. */
const attemptsMax = 3
const [indexWaitMs, indexWaitsMax] = [50, 200]
/** RPC_INVALID_PARAMETER: among others for a block outside the main chain, and while another scan is under way. */
const invalidParameter = -8

/**
 * Finds what touched a script, without a wallet in the node: `scanblocks` names the blocks by their filters (BIP-158),
 * `getdescriptoractivity` looks into them and into the pool. The node needs `-blockfilterindex`, which one of 2023 or
 * later has; nothing is written to it, and any number of programs can ask.
 *
 * What was scanned is kept in this process, so that only the first question about a script reads all filters.
 *
 * @param since - Nothing below this height is looked at.
 */
export function scriptActivity(rpc: BitcoindRpc, since: number): (script: Uint8Array) => Promise<readonly Activity[]> {
  const kept = new Map<string, Scanned>()
  let turn: Promise<unknown> = Promise.resolve()

  async function find(script: Uint8Array): Promise<readonly Activity[]> {
    const descriptor = `raw(${writeRaw(script)})`
    for (let attempt = 1; ; attempt++) {
      const scanned = await scan(rpc, descriptor, kept.get(descriptor), since)
      if (kept.size >= scriptsKeptMax) kept.clear()
      kept.set(descriptor, scanned)
      const outcome = await rpc.outcome('getdescriptoractivity', [scanned.blocks, [descriptor], true])
      if (outcome.ok) return readActivity(outcome.result)
      kept.delete(descriptor)
      if (outcome.code !== invalidParameter || attempt === attemptsMax) throw refusedScan(outcome)
    }
  }
  // The node runs one scan at a time and refuses a second.
  return (script) => {
    const next = turn.then(() => find(script))
    turn = next.catch(() => undefined)
    return next
  }
}

async function scan(
  rpc: BitcoindRpc,
  descriptor: string,
  before: Scanned | undefined,
  since: number,
): Promise<Scanned> {
  const tip = await indexedTip(rpc)
  const known = before && (await isInChain(rpc, before.to.hash)) ? before : undefined
  const blocks = [...(known?.blocks ?? [])]
  for (let from = known ? known.to.height + 1 : since; from <= tip.height; from += blocksPerScan) {
    const to = Math.min(from + blocksPerScan - 1, tip.height)
    const outcome = await rpc.outcome('scanblocks', ['start', [descriptor], from, to])
    if (!outcome.ok) throw refusedScan(outcome)
    const { relevant_blocks, completed } = fieldsOf(outcome.result) ?? {}
    if (completed !== true || !Array.isArray(relevant_blocks) || !relevant_blocks.every(readTxid))
      throw nonsense(bitcoindNode, 'scanblocks was not completed')
    blocks.push(...relevant_blocks)
    if (blocks.length > scriptEntriesMax)
      throw new SdkError('node/refused', `The script is in more than ${scriptEntriesMax} blocks.`)
  }
  return { to: tip, blocks }
}

/** The tip, once the filters reach it: a scan passes over blocks that have none yet, and does not say so. */
async function indexedTip(rpc: BitcoindRpc): Promise<Scanned['to']> {
  for (let wait = 0; wait < indexWaitsMax; wait++) {
    const [chain, index] = await rpc.outcomes([
      ['getblockchaininfo', []],
      ['getindexinfo', ['basic block filter index']],
    ])
    const { blocks, bestblockhash } = fieldsOf(chain && resultOf(chain)) ?? {}
    const info = fieldsOf(index && resultOf(index)) ?? {}
    const filters = fieldsOf(info['basic block filter index'])
    if (!filters)
      throw new SdkError('node/refused', 'The node keeps no block filters, and so cannot tell of scripts.', {
        notes: ['Start bitcoind with -blockfilterindex=1.'],
      })
    const height = readHeight(blocks)
    if (height === undefined || !readTxid(bestblockhash)) throw nonsense(bitcoindNode, 'its tip is not of its shape')
    if (filters.synced === true && readWhole(filters.best_block_height) === height)
      return { height, hash: String(bestblockhash) }
    await new Promise((resolve) => setTimeout(resolve, indexWaitMs))
  }
  throw new SdkError('node/refused', 'The node is still making its block filters.', { retryable: true })
}

/** Confirmations of a block outside the main chain are -1. */
async function isInChain(rpc: BitcoindRpc, hash: string): Promise<boolean> {
  const outcome = await rpc.outcome('getblockheader', [hash, true])
  return outcome.ok && readWhole(fieldsOf(outcome.result)?.confirmations) !== undefined
}

function readActivity(told: unknown): readonly Activity[] {
  const { activity } = fieldsOf(told) ?? {}
  if (!Array.isArray(activity)) throw nonsense(bitcoindNode, 'getdescriptoractivity is not of its shape')
  if (activity.length > 2 * scriptEntriesMax)
    throw new SdkError('node/refused', `The script has more than ${2 * scriptEntriesMax} payments.`)
  return activity.map((entry) => {
    const read = readEvent(fieldsOf(entry) ?? {})
    if (!read) throw nonsense(bitcoindNode, 'an activity is not of its shape')
    return read
  })
}

function readEvent(fields: Readonly<Record<string, unknown>>): Activity | undefined {
  const { type } = fields
  // Left out while unconfirmed.
  const height = fields.height === undefined ? null : readHeight(fields.height)
  if (height === undefined) return undefined
  if (type === 'receive') {
    const [txid, index, value] = [readTxid(fields.txid), readWhole(fields.vout), readBitcoins(fields.amount)]
    if (!txid || index === undefined || value === undefined) return undefined
    return { type, txid, height, outpoint: { txid, index }, value }
  }
  const [txid, source, index] = [
    readTxid(fields.spend_txid),
    readTxid(fields.prevout_txid),
    readWhole(fields.prevout_vout),
  ]
  if (type !== 'spend' || !txid || !source || index === undefined) return undefined
  return { type, txid, height, outpoint: { txid: source, index } }
}

function refusedScan(outcome: Outcome & { readonly ok: false }): SdkError {
  const isBusy = /already in progress/i.test(outcome.message)
  const isUnknown = /method not found/i.test(outcome.message)
  return refusedCall(outcome, {
    retryable: isBusy,
    notes: isUnknown ? ['Questions about scripts need Bitcoin Core 29 or later.'] : [],
  })
}
