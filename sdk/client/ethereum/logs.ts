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
import { liedNode } from '../panel.ts'
import { type Answer, type BlockChoice, held, notProvable, type Reader } from './reader.ts'

/** All logs from block `from` to `to`: headers by their parents, and the receipts of every block that may have one. */
export async function logsOn(
  reader: Reader,
  range: { readonly filter: LogFilter; readonly from: number; readonly to: BlockChoice | undefined },
): Promise<Answer<readonly ProvenLog[]>> {
  const { filter, from, to } = range
  const place = await reader.place(to)
  const last = place.block.header.number
  if (from > last || last - from >= logBlocksMax)
    throw notProvable(`A range has 1 to ${logBlocksMax} blocks; ${from} to ${last} has ${last - from + 1}.`)
  return reader.readAt(place, 'logs', async (node, block) => {
    const blocks: LogBlock[] = []
    for (let at: TrustedBlock['header'] = block.header, bytes = block.bytes, hash = block.hash; ; ) {
      blocks.push({ header: bytes, receipts: mayHaveLogs(at, filter) ? await node.receipts(hash) : [] })
      if (at.number <= from) break
      hash = at.parentHash
      bytes = await parentOf(node, hash)
      at = held(decodeHeader(bytes))
    }
    return { kind: 'logs', filter, blocks }
  })
}

async function parentOf(node: ProofNode, hash: TrustedBlock['hash']): Promise<Uint8Array> {
  const header = await node.header(hash)
  if (!header) throw liedNode('it does not have a block of the range', { retryable: true })
  return header
}
