import { SdkError } from '../errors.ts'
import type { BitcoinNode, Clock, Store } from '../ports.ts'
import { height } from '../units.ts'
import {
  type BitcoinCheckpoint,
  burialOf,
  extendChain,
  extendMax,
  type HeaderChain,
  headerSize,
  startChain,
  tipOf,
} from '../verify/index.ts'
import { openHeaderStore, storedHeadersMax } from './headerStore.ts'
import { held, isNodeFault, liedNode, type Panel } from './panel.ts'

/** How many headers below the tip are asked for at first, so that a reorganisation is found in one round. */
const overlapMin = 6
/** How much further down each next round asks, when what came follows nothing that is known. */
const overlapFactor = 4
/** Where in a header the hash of the one before it stands. */
const previousAt = 4
/** Most such rounds: enough to come from the tip to the base of the longest chain that is kept. */
const deeperMax = 10
/** Most rounds of one node in one sync: all of mainnet, and room for years. */
const roundsMax = 1_000

/** The chain of most work that several nodes told, header by header. */
export interface HeaderBook {
  /** As far as it is known. */
  readonly chain: () => HeaderChain
  /** Asks every node for what is new. The answer is no older than the call; calls that come together share one round. */
  readonly sync: () => Promise<HeaderChain>
  /** Brings in what one node has. Throws `node/...` when that does not hold. */
  readonly follow: (node: BitcoinNode) => Promise<void>
}

export interface HeaderBookParts {
  readonly panel: Panel
  readonly anchor: BitcoinCheckpoint
  readonly network: HeaderChain['network']
  readonly headersMax: number
  readonly clock: Pick<Clock, 'now'>
  readonly store: Store | null
}

/** Opens the headers in the store; without them, or where they are damaged, begins at the anchor. */
export async function openHeaderBook(parts: HeaderBookParts): Promise<HeaderBook> {
  const { panel, network, anchor, headersMax, clock } = parts
  if (parts.store && headersMax > storedHeadersMax)
    throw new SdkError('units/out-of-range', `A store takes no more than ${storedHeadersMax} headers.`)
  const start = startChain(network, anchor, headersMax)
  if (!start.ok)
    throw new SdkError('client/malformed-anchor', 'No chain of headers can begin there.', {
      notes: [`The reason: ${start.reason}.`],
    })
  const kept = await openHeaderStore(parts.store, start.value)
  let chain = kept.chain

  const take = (headers: Uint8Array) => {
    chain = held(extendChain(chain, headers, { nowSeconds: Math.floor(clock.now() / 1_000) })).chain
  }
  const follow = (node: BitcoinNode) => followNode(node, () => chain, take)
  const run = async () => {
    await panel.ask(follow)
    const stored = await kept.save(chain)
    // Another program may have had more; so may this one, meanwhile.
    if (stored.best.work > chain.best.work) chain = stored
    return chain
  }
  return { chain: () => chain, follow, sync: inRounds(run) }
}

/** Headers of one node, until it has none that are new. */
async function followNode(
  node: BitcoinNode,
  chain: () => HeaderChain,
  take: (headers: Uint8Array) => void,
): Promise<void> {
  const tip = await node.tip()
  if (burialOf(chain(), tip.hash)) return
  let overlap = overlapMin
  let from = beginning(chain(), tip.height, overlap)
  for (let round = 0, deeper = 0; round < roundsMax && from <= tip.height; round++) {
    const headers = await node.headers(height(from), extendMax)
    if (headers.length === 0) throw liedNode('it names a block, and has no header of it')
    try {
      take(headers)
    } catch (error) {
      if (!isNodeFault(error) || isLinked(chain(), headers) || ++deeper > deeperMax) throw error
      if (from === chain().base.height + 1) throw error
      overlap *= overlapFactor
      from = beginning(chain(), tip.height, overlap)
      continue
    }
    from += headers.length / headerSize
  }
}

/** True when the first header follows one that is known: then asking further down finds no better ones. */
function isLinked(chain: HeaderChain, headers: Uint8Array): boolean {
  return burialOf(chain, headers.subarray(previousAt, previousAt + 32)) !== undefined
}

/** First height to ask for: a little below where both have come to. */
function beginning(chain: HeaderChain, tipHeight: number, overlap: number): number {
  return Math.max(chain.base.height + 1, Math.min(tipOf(chain).height, tipHeight) - overlap + 1)
}

/** At most one run at a time, and one more that begins after it: who comes meanwhile shares that one. */
function inRounds<value>(run: () => Promise<value>): () => Promise<value> {
  let running: Promise<unknown> | null = null
  let next: Promise<value> | null = null
  const start = () => {
    const round = run()
    running = round
    const end = () => {
      if (running === round) running = null
    }
    round.then(end, end)
    return round
  }
  return () => {
    if (!running) return start()
    next ??= running
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        next = null
        return start()
      })
    return next
  }
}
