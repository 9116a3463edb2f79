import { invariant, SdkError } from '../../errors.ts'
import type { Receipt } from '../../evm/index.ts'
import type { BeaconNode, Clock, ProofNode, Store } from '../../ports.ts'
import type { Address, Hex, Slot, TxHash, Wei } from '../../units.ts'
import {
  type BeaconNetwork,
  type LogFilter,
  mainnet,
  type ProvenAccount,
  type ProvenCall,
  type ProvenLog,
  tokenBalanceSlot,
  type VerifiedBlock,
} from '../../verify/ethereum/index.ts'
import { createPanel, type NodeFault } from '../panel.ts'
import { platformClock } from '../platform.ts'
import { blockOn, type MinedIn, minedOn, paymentOn } from './blocks.ts'
import { callOn, type Machines } from './calls.ts'
import type { CheckpointQuorum } from './checkpoint.ts'
import type { Conflict } from './conflict.ts'
import { createLightBook, type Followed } from './lightBook.ts'
import { type LogRange, logsOn } from './logs.ts'
import { type Answer, type BlockChoice, createReader } from './reader.ts'

/** What a client of Ethereum is made of. */
export interface EthereumClientParts {
  /** Mainnet without one. */
  readonly network?: BeaconNetwork
  /**
   * Where trust begins: the root of a finalized beacon block, or several sources that must name the same. What is
   * stored goes before it, as long as it is young.
   *
   * Funds at risk: it is believed.
   */
  readonly checkpoint?: Hex | CheckpointQuorum
  /** Asked side by side, and none of them believed. */
  readonly beacons: readonly BeaconNode[]
  /** Asked for proofs, one after the other until one proves; none of them believed. */
  readonly nodes: readonly ProofNode[]
  /** Keeps the chain from one start to the next. */
  readonly store?: Store
  readonly clock?: Pick<Clock, 'now'>
  /** Oldest checkpoint that is begun at, in seconds: 14 days without one. */
  readonly ageSecondsMax?: number
  /** Hands out a machine for calls, with its precompiled contracts; without it, calls are refused. */
  readonly machines?: Machines
}

/** A call that nobody signs. */
export interface EthereumCall {
  readonly from?: Address
  readonly to: Address
  readonly data: Uint8Array
  readonly value?: bigint
  readonly gas?: bigint
}

/** A transaction that a block holds, and what it came to. */
export interface ProvenPayment {
  readonly index: number
  readonly hash: TxHash
  readonly transaction: Uint8Array
  readonly receipt: Receipt
}

/**
 * Ethereum, as committees sign it and proofs show it. `at` is `finalized` without a choice; `optimistic` can still be
 * reorganised; a number is an ancestor of the final block, at most 8,191 blocks back; `{ under, block }` names a block by
 * number or hash under either head.
 *
 * Every call throws `node/unreachable` when nobody could be asked, `node/nonsense` when all that answered lied, and what
 * {@link createEthereumClient} lists; it never answers with what is not proven.
 */
export interface EthereumClient {
  readonly network: BeaconNetwork
  readonly sync: () => Promise<Pick<Followed, 'chain' | 'anchor'>>
  /** The account, or `null` when it provably does not exist. */
  readonly account: (address: Address, at?: BlockChoice) => Promise<Answer<ProvenAccount | null>>
  /** In wei; 0 for an account that provably does not exist. */
  readonly balance: (address: Address, at?: BlockChoice) => Promise<Answer<Wei | bigint>>
  /** 32 bytes a slot. */
  readonly storage: (
    address: Address,
    slots: readonly Slot[],
    at?: BlockChoice,
  ) => Promise<Answer<readonly Uint8Array[]>>
  readonly code: (address: Address, at?: BlockChoice) => Promise<Answer<Uint8Array>>
  /**
   * A transaction and its receipt, in the final block or one of its ancestors; nothing when no node proves it.
   *
   * Funds at risk: nothing is no proof of absence.
   */
  readonly payment: (hash: TxHash, at?: 'finalized' | 'optimistic') => Promise<Answer<ProvenPayment> | null>
  /** {@link payment} with the whole block, from which follows all that a node tells of a receipt. */
  readonly mined: (hash: TxHash, at?: 'finalized' | 'optimistic') => Promise<Answer<MinedIn> | null>
  /** A whole block: its header, and all transactions and receipts. */
  readonly block: (at?: BlockChoice) => Promise<Answer<VerifiedBlock>>
  /** All logs of some blocks, none left out. */
  readonly logs: (filter: LogFilter, range: LogRange) => Promise<Answer<readonly ProvenLog[]>>
  /** What `eth_call` would answer, run here on proven state. */
  readonly call: (call: EthereumCall, at?: BlockChoice) => Promise<Answer<ProvenCall>>
  /**
   * A token's balance of a holder, read from the slot of its mapping: no code is run.
   *
   * Funds at risk: the position is the caller's word; see {@link tokenBalanceSlot}.
   */
  readonly tokenBalance: (
    told: {
      readonly token: Address
      readonly owner: Address
      readonly position: bigint
      readonly layout?: 'solidity' | 'vyper'
    },
    at?: BlockChoice,
  ) => Promise<Answer<bigint>>
  /** Signed histories that exclude each other: from the first on, every call throws `client/conflict`. */
  readonly conflicts: () => readonly Conflict[]
  /** The last thing that each beacon node, and each node, did wrong. */
  readonly faults: () => { readonly beacons: readonly NodeFault[]; readonly nodes: readonly NodeFault[] }
}

/** Gas of a call that names none: what a block of mainnet may hold today, or less. */
const callGasDefault = 16_777_216n

/**
 * Follows Ethereum by its sync committees, and proves what nodes answer.
 *
 * Its calls throw `client/stale-checkpoint` when trust would begin too long ago, `client/wrong-network`,
 * `client/wrong-clock`, `client/conflict` when two histories are signed, and `client/not-provable` for blocks out of
 * reach. Each says what to do; none falls back to what is not proven.
 */
export function createEthereumClient(parts: EthereumClientParts): EthereumClient {
  const { network = mainnet, beacons, nodes, clock = platformClock, machines } = parts
  invariant(beacons.length > 0 && nodes.length > 0, 'a client has a beacon node and a node to ask')
  const [beaconPanel, nodePanel] = [createPanel(beacons, clock, 'beacon'), createPanel(nodes, clock, 'Ethereum')]
  const book = createLightBook({
    network,
    panel: beaconPanel,
    checkpoint: parts.checkpoint ?? null,
    store: parts.store ?? null,
    clock,
    ...(parts.ageSecondsMax === undefined ? {} : { ageSecondsMax: parts.ageSecondsMax }),
  })
  const reader = createReader({ network, book, nodes, panel: nodePanel })
  const account: EthereumClient['account'] = (address, at) =>
    reader.read(at, 'account', async (node, block) => {
      const { account } = await node.proof(address, [], block.header.number)
      return { kind: 'account', address, proof: account }
    })
  const storage: EthereumClient['storage'] = async (address, slots, at) => {
    const { value, verdict } = await reader.read(at, 'storage', async (node, block) => {
      const proof = await node.proof(address, slots, block.header.number)
      const shown = slots.map((slot, index) => ({ slot, proof: proof.slots[index] ?? [] }))
      return { kind: 'storage', address, proof: proof.account, slots: shown }
    })
    return { value: value.map(({ word }) => word), verdict }
  }
  return {
    network,
    sync: () => book.sync(),
    account,
    balance: async (address, at) => {
      const { value, verdict } = await account(address, at)
      return { value: value?.balance ?? 0n, verdict }
    },
    storage,
    code: (address, at) =>
      reader.read(at, 'code', async (node, block) => {
        const { number } = block.header
        const [{ account }, code] = await Promise.all([node.proof(address, [], number), node.code(address, number)])
        return { kind: 'code', address, proof: account, code }
      }),
    block: (at) => blockOn(reader, at),
    payment: (hash, at = 'finalized') => paymentOn(reader, hash, at),
    mined: (hash, at = 'finalized') => minedOn(reader, hash, at),
    logs: (filter, range) => logsOn(reader, filter, range),
    call: async ({ from = zeroAddress, to, data, value = 0n, gas = callGasDefault }, at) => {
      if (machines) return callOn({ reader, network, machines, message: { from, to, data, value, gas }, at })
      throw new SdkError('client/not-provable', 'A call is run by a machine, and this client has none.', {
        notes: ['Hand in `machines`, as `lanekit/vm` makes them.'],
      })
    },
    tokenBalance: async (told, at) => {
      const { value, verdict } = await storage(told.token, [tokenBalanceSlot(told)], at)
      return { value: (value[0] as Uint8Array).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n), verdict }
    },
    conflicts: book.conflicts,
    faults: () => ({ beacons: beaconPanel.faults(), nodes: nodePanel.faults() }),
  }
}

const zeroAddress = `0x${'00'.repeat(20)}` as Address
