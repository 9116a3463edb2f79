import { bloomOf, type Log } from '../../../../sdk/evm/index.ts'
import { fromHex, toHex } from '../../../../sdk/units.ts'
import { type ArchivedBlock, receiptOf } from './archive.ts'
import { logsBlocksMax, logsMax } from './limits.ts'
import type { LogsWish } from './params.ts'
import { codes, no, type RpcError } from './rpc.ts'
import { type Json, logJson } from './shapes.ts'
import { blockOf, type NodeWorld } from './world.ts'

type Pattern = Pick<LogsWish, 'addresses' | 'topics'>

/** Logs that are asked for, oldest first; or why that is too much. */
export function logsFor(world: NodeWorld, wish: LogsWish): readonly Json[] | { readonly error: RpcError } {
  if (wish.blockHash !== undefined) {
    const block = world.archive.byHash(wish.blockHash)
    return block ? logsWithin([block], wish) : no(codes.server, 'unknown block')
  }
  const [from, to] = [wish.from, wish.to].map((ref) =>
    ref.kind === 'number' ? ref.number : blockOf(world, ref)?.block.header.number,
  )
  if (from === undefined || to === undefined) return no(codes.server, 'unknown block')
  return logsBetween(world, wish, { from, to })
}

/** Logs of the blocks with these numbers, both included. */
export function logsBetween(
  { archive }: NodeWorld,
  pattern: Pattern,
  { from, to }: { readonly from: number; readonly to: number },
): readonly Json[] | { readonly error: RpcError } {
  if (to < from) return no(codes.params, 'Invalid parameters: the range of blocks ends before it begins')
  if (to - from >= logsBlocksMax) return no(codes.limit, `logs are told of at most ${logsBlocksMax} blocks at once`)
  const last = Math.min(to, archive.head().block.header.number)
  const blocks: ArchivedBlock[] = []
  for (let number = Math.max(from, archive.oldest()); number <= last; number++) {
    const block = archive.at(number)
    if (block) blocks.push(block)
  }
  return logsWithin(blocks, pattern)
}

function logsWithin(
  blocks: readonly ArchivedBlock[],
  pattern: Pattern,
): readonly Json[] | { readonly error: RpcError } {
  const needles = needlesOf(pattern)
  const found: Json[] = []
  for (const block of blocks) {
    // The filter has false positives and no false negatives.
    if (!needles.every((alternatives) => alternatives.some((bloom) => covers(block.block.header.logsBloom, bloom))))
      continue
    let logIndex = 0
    for (const [index, transaction] of block.transactions.entries())
      for (const log of receiptOf(transaction).logs) {
        if (fits(log, pattern)) found.push(logJson(log, { block, index }, logIndex))
        if (found.length > logsMax) return no(codes.limit, `query returned more than ${logsMax} results`)
        logIndex += 1
      }
  }
  return found
}

/** Of each position, the filters of its alternatives: a block's must cover one of them. */
function needlesOf({ addresses, topics }: Pattern): readonly (readonly Uint8Array[])[] {
  const ofAddresses = addresses.map((address) => bloomOf([{ address, topics: [], data: new Uint8Array(0) }]))
  const ofTopics = topics.map((alternatives) =>
    alternatives.map((topic) => topicBloom(fromHex(topic as `0x${string}`))),
  )
  return [ofAddresses, ...ofTopics].filter((alternatives) => alternatives.length > 0)
}

const someAddress = `0x${'00'.repeat(20)}` as Log['address']
const someBloom = /* @__PURE__ */ bloomOf([{ address: someAddress, topics: [], data: new Uint8Array(0) }])

/** The bits of a topic, without those of the address beside it; where they meet, nothing is asked for. */
function topicBloom(topic: Uint8Array): Uint8Array {
  const both = bloomOf([{ address: someAddress, topics: [topic], data: new Uint8Array(0) }])
  return both.map((byte, at) => byte & ~(someBloom[at] as number))
}

function covers(bloom: Uint8Array, needle: Uint8Array): boolean {
  return needle.every((byte, at) => ((bloom[at] as number) & byte) === byte)
}

function fits({ address, topics }: Log, pattern: Pattern): boolean {
  if (pattern.addresses.length > 0 && !pattern.addresses.includes(address)) return false
  return pattern.topics.every((alternatives, at) => {
    const topic = topics[at]
    return topic ? alternatives.length === 0 || alternatives.includes(toHex(topic)) : false
  })
}
