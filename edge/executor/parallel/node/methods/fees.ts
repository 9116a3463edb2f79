import { baseFeeOf, tipOf } from '../../../../../sdk/evm/minedJson.ts'
import type { ArchivedBlock } from '../archive.ts'
import { receiptOf } from '../archive.ts'
import { nextBaseFee } from '../fees.ts'
import { feeBlocksMax, percentilesMax } from '../limits.ts'
import { codes, type Methods, method, no, told } from '../rpc.ts'
import { quantityHex } from '../shapes.ts'
import { blockOf, type NodeWorld } from '../world.ts'

/** What is suggested as a tip, in wei. Nobody has to pay it here: blocks are seldom full. */
const suggestedTip = 1_000_000_000n
/** Nothing carries blobs here, so a unit of blob gas stays at its least, in wei (EIP-4844). */
const blobFee = '0x1'

export function feeMethods(world: NodeWorld): Methods {
  const { archive } = world
  return {
    eth_gasPrice: () => told(quantityHex(nextBaseFee(archive.head().block.header) + suggestedTip)),
    eth_maxPriorityFeePerGas: () => told(quantityHex(suggestedTip)),
    eth_blobBaseFee: () => told(blobFee),
    eth_feeHistory: method(
      (params) => ({
        count: params.count(0),
        ref: params.block(1),
        percentiles: params.percentiles(2, percentilesMax),
      }),
      ({ count, ref, percentiles }) => {
        if (count < 1 || count > feeBlocksMax)
          return no(codes.params, `Invalid parameters: 1 to ${feeBlocksMax} blocks are told of`)
        const newest = blockOf(world, ref)
        return newest ? told(feeHistory(world, { newest, count, percentiles })) : no(codes.server, 'header not found')
      },
    ),
  }
}

interface Wish {
  readonly newest: ArchivedBlock
  readonly count: number
  readonly percentiles: readonly number[]
}

function feeHistory({ archive }: NodeWorld, { newest, count, percentiles }: Wish) {
  const last = newest.block.header.number
  const first = Math.max(archive.oldest(), last - count + 1)
  const numbers = Array.from({ length: last - first + 1 }, (_, at) => first + at)
  const blocks = numbers.flatMap((number) => archive.at(number) ?? [])
  const headers = blocks.map(({ block }) => block.header)
  const rewards = percentiles.length > 0 ? { reward: blocks.map((block) => tipsOf(block, percentiles)) } : {}
  return {
    oldestBlock: quantityHex(first),
    baseFeePerGas: [...headers.map(baseFeeOf), nextBaseFee(newest.block.header)].map(quantityHex),
    gasUsedRatio: headers.map(({ gasUsed, gasLimit }) => Number(gasUsed) / Number(gasLimit)),
    baseFeePerBlobGas: [...headers.map(() => blobFee), blobFee],
    blobGasUsedRatio: headers.map(() => 0),
    ...rewards,
  }
}

/** The tips at these percentiles of the block's gas, in wei. */
function tipsOf(block: ArchivedBlock, percentiles: readonly number[]): readonly string[] {
  let before = 0n
  const paid = block.transactions.map((transaction) => {
    const { cumulativeGasUsed } = receiptOf(transaction)
    const gas = cumulativeGasUsed - before
    before = cumulativeGasUsed
    return { tip: tipOf(transaction.raw, block.block.header), gas }
  })
  paid.sort((one, other) => (one.tip < other.tip ? -1 : Number(one.tip > other.tip)))
  return percentiles.map((percentile) => {
    const threshold = (Number(before) * percentile) / 100
    let sum = 0
    for (const { tip, gas } of paid) {
      sum += Number(gas)
      if (sum >= threshold) return quantityHex(tip)
    }
    return '0x0'
  })
}
