import { decodeHeader } from '../../evm/block.ts'
import type { ProofNode } from '../../ports.ts'
import {
  type LogBlock,
  type LogFilter,
  logBlocksMax,
  mayHaveLogs,
  type ProvenLog,
  type TrustedBlock,
} from '../../verify/ethereum/index.ts'
import { held, liedNode } from '../panel.ts'
import { type Answer, type BlockChoice, notProvable, type Reader } from './reader.ts'

/** Which blocks logs are asked of. */
export interface LogRange {
  /** The first; without it, `to` is the only one. */
  readonly from?: number
  readonly to?: BlockChoice
  /** Proves the hash of each log's transaction too: of each block that may have a log, its transactions are fetched and kept. */
  readonly hashes?: boolean
}

/** All logs from block `from` to `to`: headers by their parents, and the receipts of every block that may have one. */
export async function logsOn(
  reader: Reader,
  filter: LogFilter,
  { to, hashes = false, ...range }: LogRange,
): Promise<Answer<readonly ProvenLog[]>> {
  const place = await reader.place(to)
  const last = place.block.header.number
  const { from = last } = range
  if (from > last || last - from >= logBlocksMax)
    throw notProvable(`A range has 1 to ${logBlocksMax} blocks; ${from} to ${last} has ${last - from + 1}.`)
  return reader.readAt(place, 'logs', async (node, block) => {
    const blocks: LogBlock[] = []
    for (let at: TrustedBlock['header'] = block.header, bytes = block.bytes, hash = block.hash; ; ) {
      blocks.push({ header: bytes, ...(mayHaveLogs(at, filter) ? await partsOf(node, hash, hashes) : noParts) })
      if (at.number <= from) break
      hash = at.parentHash
      bytes = await parentOf(node, hash)
      at = held(decodeHeader(bytes))
    }
    return { kind: 'logs', filter, blocks }
  })
}

type Parts = Pick<LogBlock, 'receipts' | 'transactions'>

const noParts: Parts = { receipts: [], transactions: [] }

async function partsOf(node: ProofNode, hash: TrustedBlock['hash'], hashes: boolean): Promise<Parts> {
  if (!hashes) return { ...noParts, receipts: await node.receipts(hash) }
  const block = await node.block(hash)
  if (!block) throw liedNode('it does not have a block of the range', { retryable: true })
  const { receipts, transactions } = block
  return { receipts, transactions }
}

async function parentOf(node: ProofNode, hash: TrustedBlock['hash']): Promise<Uint8Array> {
  const header = await node.header(hash)
  if (!header) throw liedNode('it does not have a block of the range', { retryable: true })
  return header
}
