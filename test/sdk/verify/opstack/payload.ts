import { createHash } from 'node:crypto'
import { nobleEngine } from '../../../../sdk/crypto/index.ts'
import { blockHashOf, encodeHeader, type Header } from '../../../../sdk/evm/block.ts'
import { emptyTrieRoot, orderedTrie } from '../../../../sdk/trie/index.ts'
import { type Address, address, blockHash, fromHex, toHex, wei } from '../../../../sdk/units.ts'
import { type UnsafeBlock, unsafeDigest } from '../../../../sdk/verify/opstack/index.ts'
import { rollup, rollupSecret, rollupState } from '../ethereum/rollup.ts'

/** What a payload is made of here; what is left out is ordinary. */
export interface PayloadPlan {
  readonly fork?: 'ecotone' | 'isthmus'
  readonly number?: number
  readonly timestamp?: number
  readonly transactions?: readonly Uint8Array[]
  readonly extraData?: Uint8Array
}

const rootOf = (fill: number) => new Uint8Array(32).fill(fill)

/**
 * An execution payload as a rollup's sequencer gossips it, put together field by field (ethereum-optimism/specs, "Rollup-node P2P
 * interface"). Made here: no recorded message of a real sequencer is at hand.
 */
export function payloadOf(plan: PayloadPlan = {}): { readonly data: Uint8Array; readonly header: Header } {
  const { fork = 'isthmus', number = 77, timestamp = 1_700_000_500 } = plan
  const { transactions = [Uint8Array.of(0x7e, 1, 2), Uint8Array.of(2, 3)], extraData = Uint8Array.of(0, 1) } = plan
  const beaconRoot = rootOf(4)
  const cancun = {
    parentHash: blockHash(toHex(rootOf(1))),
    ommersHash: fromHex('0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347'),
    miner: address(`0x${'42'.repeat(20)}`) as Address,
    stateRoot: rollupState.root,
    transactionsRoot: orderedTrie(transactions).root,
    receiptsRoot: rootOf(2),
    logsBloom: new Uint8Array(256).fill(8),
    difficulty: 0n,
    number,
    gasLimit: 60_000_000n,
    gasUsed: 1_234_567n,
    timestamp: BigInt(timestamp),
    extraData,
    mixHash: rootOf(3),
    nonce: new Uint8Array(8),
    baseFeePerGas: wei(0x0102_0304n),
    withdrawalsRoot: fork === 'isthmus' ? rootOf(5) : emptyTrieRoot(),
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: beaconRoot,
  }
  const requestsHash = new Uint8Array(createHash('sha256').digest())
  const header: Header = fork === 'isthmus' ? { era: 'prague', ...cancun, requestsHash } : { era: 'cancun', ...cancun }
  const size = fork === 'isthmus' ? 560 : 528
  const list = listOf(transactions)
  const [atTransactions, atWithdrawals] = [size + extraData.length, size + extraData.length + list.length]
  const parts = [
    ...[beaconRoot, fromHex(cancun.parentHash), fromHex(cancun.miner), cancun.stateRoot, cancun.receiptsRoot],
    ...[cancun.logsBloom, cancun.mixHash, little(number, 8), little(cancun.gasLimit, 8), little(cancun.gasUsed, 8)],
    ...[little(timestamp, 8), little(size, 4), little(cancun.baseFeePerGas, 32)],
    ...[fromHex(blockHashOf(encodeHeader(header))), little(atTransactions, 4), little(atWithdrawals, 4)],
    ...[little(0, 8), little(0, 8), ...(fork === 'isthmus' ? [cancun.withdrawalsRoot] : []), extraData, list],
  ]
  return { data: Uint8Array.from(parts.flatMap((part) => [...part])), header }
}

function listOf(items: readonly Uint8Array[]): Uint8Array {
  let end = 4 * items.length
  const offsets = items.map(({ length }) => {
    end += length
    return little(end - length, 4)
  })
  return Uint8Array.from([...offsets, ...items].flatMap((part) => [...part]))
}

export function little(value: number | bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => Number((BigInt(value) >> BigInt(8 * at)) & 0xffn))
}

export function signUnsafe(data: Uint8Array, secret = rollupSecret, chainId = rollup.chainId): UnsafeBlock {
  return { data, signature: nobleEngine.sign(unsafeDigest(chainId, data), secret) }
}
