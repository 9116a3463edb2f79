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
  /** Blocks that touch the script. */
  readonly blocks: ReadonlySet<string>
}

/** Blocks that one call scans: about a second of work, so that no answer is awaited for long. */
const blocksPerScan = 20_000
/** Scripts of one question, and blocks that the node is to read for several: seconds of work. */
const scriptsAtOnceMax = 64
const blocksTogetherMax = 500
const scriptsKeptMax = 4_096
/** How often a question is asked again that a reorganisation tore apart. */
const attemptsMax = 3
const [indexWaitMs, indexWaitsMax] = [50, 200]
/** RPC_INVALID_PARAMETER: among others for a block outside the main chain, and while another scan is under way. */
const invalidParameter = -8

/** What touched each of some scripts, which are named in hex; or why that is not told of this one. */
type Told = ReadonlyMap<string, readonly Activity[] | SdkError>

/**
 * Finds what touched a script, without a wallet in the node: `scanblocks` names the blocks by their filters (BIP-158),
 * `getdescriptoractivity` looks into them and into the pool. The node needs `-blockfilterindex`, which one of 2023 or
 * later has; nothing is written to it, and any number of programs can ask.
 *
 * What was scanned is kept in this process, so that only the first question about a script reads all filters; and what
 * is asked at once, or while a scan is under way, is asked together, so that they are read once for many scripts.
 *
 * @param since - Nothing below this height is looked at.
 */
export function scriptActivity(rpc: BitcoindRpc, since: number): (script: Uint8Array) => Promise<readonly Activity[]> {
  const kept = new Map<string, Scanned>()

  async function find(scripts: readonly string[]): Promise<Told> {
    for (let attempt = 1; ; attempt++) {
      const { to, blocks } = await scan(rpc, kept, scripts, since)
      if (blocks.size > (scripts.length > 1 ? blocksTogetherMax : scriptEntriesMax))
        return findInHalves(scripts, 'blocks')
      const outcome = await rpc.outcome('getdescriptoractivity', [[...blocks], scripts.map(descriptorOf), true])
      if (outcome.ok) {
        const events = readEvents(outcome.result, scripts)
        if (events.length > 2 * scriptEntriesMax) return findInHalves(scripts, 'payments')
        if (kept.size + scripts.length > scriptsKeptMax) kept.clear()
        const told = new Map<string, readonly Activity[]>()
        for (const script of scripts) {
          const own = events.filter((event) => event.script === script)
          kept.set(script, { to, blocks: new Set(own.flatMap(({ block }) => block ?? [])) })
          told.set(
            script,
            own.map(({ activity }) => activity),
          )
        }
        return told
      }
      for (const script of scripts) kept.delete(script)
      if (outcome.code !== invalidParameter || attempt === attemptsMax) throw refusedScan(outcome)
    }
  }
  /** What is too much for one answer may be of one script alone: the others are told, each half by a scan of its own. */
  async function findInHalves(scripts: readonly string[], what: string): Promise<Told> {
    const [only = '', ...others] = scripts
    if (others.length === 0)
      return new Map([
        [only, new SdkError('node/refused', `The script is in more ${what} than can be looked through.`)],
      ])
    const half = scripts.length >> 1
    return new Map([...(await find(scripts.slice(0, half))), ...(await find(scripts.slice(half)))])
  }
  const ask = inTurn(find)
  return (script) => ask(writeRaw(script))
}

/** One question at a time, since the node runs one scan and refuses a second: what comes in before its turn goes along. */
function inTurn(find: (scripts: readonly string[]) => Promise<Told>): (script: string) => Promise<readonly Activity[]> {
  let turn: Promise<unknown> = Promise.resolve()
  let gathering: { readonly scripts: Set<string>; readonly answer: Promise<Told> } | null = null
  const open = () => {
    const scripts = new Set<string>()
    const answer = turn.then(() => {
      if (gathering?.scripts === scripts) gathering = null
      return find([...scripts])
    })
    turn = answer.catch(() => undefined)
    return { scripts, answer }
  }
  return async (script) => {
    if (!gathering || gathering.scripts.size === scriptsAtOnceMax) gathering = open()
    const { scripts, answer } = gathering
    scripts.add(script)
    const told = (await answer).get(script) ?? []
    if (told instanceof SdkError) throw told
    return told
  }
}

function descriptorOf(script: string): string {
  return `raw(${script})`
}

/** The blocks that touch some scripts, or seem to: filters lie in one of a million. */
async function scan(
  rpc: BitcoindRpc,
  kept: ReadonlyMap<string, Scanned>,
  scripts: readonly string[],
  since: number,
): Promise<Scanned> {
  const to = await indexedTip(rpc)
  const blocks = new Set<string>()
  const groups = new Map<string | null, string[]>()
  for (const script of scripts) {
    const hash = kept.get(script)?.to.hash ?? null
    groups.set(hash, [...(groups.get(hash) ?? []), script])
  }
  for (const [hash, group] of groups) {
    const isKnown = hash !== null && (hash === to.hash || (await isInChain(rpc, hash)))
    const befores = isKnown ? group.flatMap((script) => kept.get(script) ?? []) : []
    for (const before of befores) for (const block of before.blocks) blocks.add(block)
    const from = befores[0] ? befores[0].to.height + 1 : since
    for (const block of await scanFrom(rpc, group, from, to.height)) blocks.add(block)
  }
  return { to, blocks }
}

async function scanFrom(
  rpc: BitcoindRpc,
  scripts: readonly string[],
  first: number,
  last: number,
): Promise<readonly string[]> {
  const blocks: string[] = []
  for (let from = first; from <= last && blocks.length <= scriptEntriesMax; from += blocksPerScan) {
    const to = Math.min(from + blocksPerScan - 1, last)
    const outcome = await rpc.outcome('scanblocks', ['start', scripts.map(descriptorOf), from, to])
    if (!outcome.ok) throw refusedScan(outcome)
    const { relevant_blocks, completed } = fieldsOf(outcome.result) ?? {}
    if (completed !== true || !Array.isArray(relevant_blocks) || !relevant_blocks.every(readTxid))
      throw nonsense(bitcoindNode, 'scanblocks was not completed')
    blocks.push(...relevant_blocks)
  }
  return blocks
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

/** An event, with the script it is of and the block it is in, if any. */
interface Event {
  readonly script: string
  readonly block: string | null
  readonly activity: Activity
}

/** @param scripts - Those asked about: of others there is nothing to tell. */
function readEvents(told: unknown, scripts: readonly string[]): readonly Event[] {
  const { activity } = fieldsOf(told) ?? {}
  if (!Array.isArray(activity)) throw nonsense(bitcoindNode, 'getdescriptoractivity is not of its shape')
  const asked = new Set(scripts)
  return activity.map((entry) => {
    const read = readEvent(fieldsOf(entry) ?? {})
    if (!read || !asked.has(read.script)) throw nonsense(bitcoindNode, 'an activity is not of its shape')
    return read
  })
}

function readEvent(fields: Readonly<Record<string, unknown>>): Event | undefined {
  // Left out while unconfirmed, both of them.
  const isMined = fields.height !== undefined
  const height = isMined ? readHeight(fields.height) : null
  const block = isMined ? readTxid(fields.blockhash) : null
  const activity = height === undefined ? undefined : readActivity(fields, height)
  const { hex } = fieldsOf(fields.type === 'receive' ? fields.output_spk : fields.prevout_spk) ?? {}
  if (block === undefined || !activity || typeof hex !== 'string') return undefined
  return { script: hex, block, activity }
}

function readActivity(fields: Readonly<Record<string, unknown>>, height: Height | null): Activity | undefined {
  const { type } = fields
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
