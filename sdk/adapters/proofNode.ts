import { type Decoded, SdkError } from '../errors.ts'
import { headerFromJson, receiptFromJson } from '../evm/blockJson.ts'
import type { ProofNode } from '../ports.ts'
import { blockHash, fromHex, type Hex, isHex, slot } from '../units.ts'
import { type Counterpart, fieldsOf, nonsense } from './http.ts'
import { type RpcNodeOptions, rpcNode } from './rpcNode.ts'
import { readAccessList, readBytes, readWord, writeCall, writeQuantity } from './rpcShapes.ts'

/** Most nodes of one proof, and most receipts of one block, that are read. */
const proofNodesMax = 65
const receiptsMax = 65_536

const node: Counterpart = { name: 'node', unreachable: 'node/unreachable', nonsense: 'node/nonsense' }

/**
 * An Ethereum node over JSON-RPC that is asked for proofs (EIP-1186) and whole blocks. Its answers are held to their
 * shapes and turned into the bytes that consensus hashes; proving them is the caller's next step.
 *
 * Throws what {@link rpcNode} throws.
 */
export function proofNode(options: RpcNodeOptions): ProofNode {
  const rpc = rpcNode(options)
  const header = async (which: Hex | number) => {
    const told = await (typeof which === 'number'
      ? rpc.request('eth_getBlockByNumber', [writeQuantity(which), false])
      : rpc.request('eth_getBlockByHash', [which, false]))
    return told === null ? undefined : bytesFrom(headerFromJson(told), 'header')
  }
  return {
    chainId: rpc.chainId,
    header,
    block: rpc.block,
    receipts: async (which) => {
      const told = await rpc.request('eth_getBlockReceipts', [which])
      if (!Array.isArray(told) || told.length > receiptsMax) throw nonsense(node, 'the receipts are not a list')
      return told.map((json) => bytesFrom(receiptFromJson(json), 'receipt'))
    },
    proof: async (account, slots, block) => {
      return readProof(await rpc.request('eth_getProof', [account, slots, writeQuantity(block)]), slots)
    },
    code: async (account, block) => {
      const code = readBytes(await rpc.request('eth_getCode', [account, writeQuantity(block)]))
      if (!code) throw nonsense(node, 'the code is not of its shape')
      return code
    },
    blockOf: async (transaction) => {
      const told = await rpc.request('eth_getTransactionReceipt', [transaction])
      if (told === null) return undefined
      const hash = readWord(fieldsOf(told)?.blockHash)
      if (!hash) throw nonsense(node, 'the receipt names no block')
      return blockHash(hash)
    },
    places: async (call, block) => {
      const told = await hint(() => rpc.request('eth_createAccessList', [writeCall(call), writeQuantity(block)]))
      const list = readAccessList(told)
      return list ? list.entries.map(({ address, slots }) => ({ address, slots: slots.map((one) => slot(one)) })) : []
    },
  }
}

/** What `eth_getProof` tells (EIP-1186). Throws `node/nonsense` for anything else. */
export function readProof(json: unknown, slots: readonly Hex[]): Awaited<ReturnType<ProofNode['proof']>> {
  const told = fieldsOf(json)
  const storage = told?.storageProof
  const nodes = readNodes(told?.accountProof)
  if (!nodes || !Array.isArray(storage) || storage.length !== slots.length)
    throw nonsense(node, 'the proof is not of its shape')
  return { account: nodes, slots: slots.map((name) => slotNodes(storage, name)) }
}

/** A node that refuses a hint costs some rounds; one that cannot be reached is told. */
async function hint(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof SdkError && error.code === 'node/refused') return undefined
    throw error
  }
}

/** The proof of a slot; nodes write its key in 32 bytes or as a number. */
function slotNodes(storage: readonly unknown[], name: Hex): readonly Uint8Array[] {
  const found = storage.find((one) => {
    const key = fieldsOf(one)?.key
    return typeof key === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(key) && BigInt(key) === BigInt(name)
  })
  const nodes = readNodes(fieldsOf(found)?.proof)
  if (!nodes) throw nonsense(node, 'the proof of a slot is not of its shape')
  return nodes
}

function readNodes(json: unknown): readonly Uint8Array[] | undefined {
  if (!Array.isArray(json) || json.length > proofNodesMax) return undefined
  return json.every((one) => isHex(one)) ? json.map((one) => fromHex(one as Hex)) : undefined
}

function bytesFrom(decoded: Decoded<Uint8Array>, what: string): Uint8Array {
  if (!decoded.ok) throw nonsense(node, `a ${what} is malformed (${decoded.reason})`)
  return decoded.value
}
