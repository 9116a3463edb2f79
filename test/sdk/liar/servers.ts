import type { Fetch } from '../../../sdk/adapters/index.ts'
import type { Header } from '../../../sdk/evm/block.ts'
import { decodeWithdrawal, senderOf, transactionHash } from '../../../sdk/evm/index.ts'
import { minedTransactionJson } from '../../../sdk/evm/minedJson.ts'
import { bloomOf, decodeReceipt } from '../../../sdk/evm/receipt.ts'
import { type Address, type Hex, type Slot, type TxHash, toHex } from '../../../sdk/units.ts'
import { beaconNode, proofNodeOf, world } from '../client/ethereum/setting.ts'
import { must } from '../verify/ethereum/beacon.ts'
import type { WorldBlock } from '../verify/ethereum/world.ts'

/** The world's node and its beacon node, as honest servers answer over HTTP. */
export const honestFetch: Fetch = async (url, init) => {
  const path = /\/eth\/v1\/beacon\/(.+)$/.exec(url)?.[1]
  if (path !== undefined) return new Response(JSON.stringify(await beaconAnswer(path)))
  const { id, method, params } = JSON.parse(String(init.body))
  return new Response(JSON.stringify({ jsonrpc: '2.0', id, result: await rpcAnswer(method, params) }))
}

const beacon = beaconNode()
const node = proofNodeOf()

async function beaconAnswer(path: string): Promise<unknown> {
  if (path === 'genesis') return { data: { genesis_validators_root: await beacon.genesis() } }
  if (path === 'headers/finalized') return { data: { root: await beacon.finalizedRoot() } }
  if (path.startsWith('light_client/bootstrap/')) return { data: await beacon.bootstrap(path.slice(23) as Hex) }
  if (path === 'light_client/finality_update') return { data: await beacon.finalityUpdate() }
  if (path === 'light_client/optimistic_update') return { data: await beacon.optimisticUpdate() }
  const [, period, count] = /start_period=(\d+)&count=(\d+)/.exec(path) ?? []
  return (await beacon.updates(Number(period), Number(count))).map((data) => ({ data }))
}

async function rpcAnswer(method: string, params: readonly unknown[]): Promise<unknown> {
  switch (method) {
    case 'eth_getBlockByHash':
    case 'eth_getBlockByNumber': {
      const block = find(params[0] as Hex)
      return block ? blockJson(block, params[1] === true) : null
    }
    case 'eth_getBlockReceipts':
      return (find(params[0] as Hex)?.receipts ?? []).map(receiptJson)
    case 'eth_getProof': {
      const [account, slots, block] = params as [Address, Slot[], Hex]
      const proof = await node.proof(account, slots, Number(block))
      const storageProof = slots.map((key, at) => ({ key, value: '0x0', proof: proof.slots[at]?.map(toHex) }))
      return { address: account, accountProof: proof.account.map(toHex), storageProof }
    }
    case 'eth_getTransactionReceipt': {
      const hash = await node.blockOf(params[0] as TxHash)
      return hash ? { transactionHash: params[0], blockHash: hash } : null
    }
    case 'eth_getCode':
      return toHex(await node.code(params[0] as Address, Number(params[1])))
    default:
      return null
  }
}

function find(which: Hex): WorldBlock | undefined {
  return world.find(({ hash, header }) => hash === which || (which.length < 20 && header.number === Number(which)))
}

function blockJson(block: WorldBlock, isWhole: boolean) {
  const { header, hash } = block
  const fields = Object.entries(header as unknown as Record<string, unknown>).map(([name, value]) => {
    if (value instanceof Uint8Array) return [name, toHex(value)]
    return typeof value === 'bigint' || typeof value === 'number' ? [name, `0x${value.toString(16)}`] : [name, value]
  })
  const { era: _, ommersHash, ...rest } = Object.fromEntries(fields) as Record<keyof Header | 'ommersHash', unknown>
  const transactions = block.transactions.map((raw, index) => {
    const transaction = { raw, hash: transactionHash(raw), from: must(senderOf(raw)) }
    return isWhole ? minedTransactionJson(transaction, { hash, header, index }) : transaction.hash
  })
  const withdrawals = block.withdrawals.map((bytes) => {
    const { index, validatorIndex, address, amount } = must(decodeWithdrawal(bytes))
    const [first, second, third] = [index, validatorIndex, amount].map((number) => `0x${number.toString(16)}`)
    return { index: first, validatorIndex: second, address, amount: third }
  })
  return { ...rest, sha3Uncles: ommersHash, hash, transactions, withdrawals }
}

function receiptJson(bytes: Uint8Array) {
  const { type, outcome, cumulativeGasUsed, logs } = must(decodeReceipt(bytes))
  return {
    type: type === 'legacy' ? '0x0' : '0x2',
    status: outcome === 'succeeded' ? '0x1' : '0x0',
    cumulativeGasUsed: `0x${cumulativeGasUsed.toString(16)}`,
    logsBloom: toHex(bloomOf(logs)),
    logs: logs.map(({ address, topics, data }) => ({ address, topics: topics.map(toHex), data: toHex(data) })),
  }
}
