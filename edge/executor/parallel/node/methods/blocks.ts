import type { BlockRef } from '../params.ts'
import { type Methods, method, told } from '../rpc.ts'
import { blockJson, minedJson, pooledJson, quantityHex, receiptJson, receiptsJson } from '../shapes.ts'
import { blockOf, type NodeWorld } from '../world.ts'

/** Blocks, transactions and receipts. What is not there is `null`. */
export function blockMethods(world: NodeWorld): Methods {
  const { archive, pool } = world
  const found = (ref: BlockRef) => blockOf(world, ref)
  const byIndex = method(
    (params) => ({ ref: params.block(0), index: params.count(1) }),
    ({ ref, index }) => {
      const block = found(ref)
      return told(block && index < block.transactions.length ? minedJson({ block, index }) : null)
    },
  )
  const whole = method(
    (params) => ({ ref: params.block(0), isWhole: params.flag(1) }),
    ({ ref, isWhole }) => {
      const block = found(ref)
      return told(block ? blockJson(block, isWhole) : null)
    },
  )
  const count = method(
    (params) => params.block(0),
    (ref) => {
      const block = found(ref)
      return told(block ? quantityHex(block.transactions.length) : null)
    },
  )
  const noOmmers = method(
    (params) => params.block(0),
    (ref) => told(found(ref) ? '0x0' : null),
  )
  return {
    eth_blockNumber: () => told(quantityHex(archive.head().block.header.number)),
    eth_getBlockByNumber: whole,
    eth_getBlockByHash: whole,
    eth_getBlockTransactionCountByNumber: count,
    eth_getBlockTransactionCountByHash: count,
    eth_getTransactionByBlockNumberAndIndex: byIndex,
    eth_getTransactionByBlockHashAndIndex: byIndex,
    eth_getUncleCountByBlockNumber: noOmmers,
    eth_getUncleCountByBlockHash: noOmmers,
    eth_getBlockReceipts: method(
      (params) => params.block(0),
      (ref) => {
        const block = found(ref)
        return told(block ? receiptsJson(block) : null)
      },
    ),
    eth_getTransactionReceipt: method(
      (params) => params.hash(0),
      (hash) => {
        const position = archive.find(hash)
        return told(position ? receiptJson(position) : null)
      },
    ),
    eth_getTransactionByHash: method(
      (params) => params.hash(0),
      (hash) => {
        const position = archive.find(hash)
        if (position) return told(minedJson(position))
        const signed = pool.get(hash)
        return told(signed ? pooledJson({ hash: signed.hash, from: signed.prepared.from, raw: signed.bytes }) : null)
      },
    ),
  }
}
