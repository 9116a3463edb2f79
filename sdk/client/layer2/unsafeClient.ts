import { invariant, SdkError } from '../../errors.ts'
import type { Clock, ProofNode, UnsafeHeads } from '../../ports.ts'
import type { Address, Slot } from '../../units.ts'
import type { BeaconVerdict, ProvenAccount } from '../../verify/ethereum/index.ts'
import type { Verified } from '../../verify/index.ts'
import {
  type OpChain,
  type SequencedVerdict,
  type SignedBlock,
  type UnsafeBlock,
  unsafeSignerOf,
  unsafeSignerSlot,
  verifyUnsafe,
} from '../../verify/opstack/index.ts'
import type { EthereumClient } from '../ethereum/index.ts'
import { held, liedNode } from '../panel.ts'
import { platformClock } from '../platform.ts'
import { type Equivocation, firstOf, followHeads } from './signedHeads.ts'
import { accountUnder, storageUnder } from './under.ts'

/** Oldest head that is answered from without a choice, and how far ahead of the clock one may be, in seconds: as rollup nodes hold it. */
export const unsafeAgeSecondsMax = 60
export const unsafeAheadSecondsMax = 5

export interface UnsafeClientParts {
  readonly chain: OpChain
  /** Of the L1 that the rollup posts to: it names the signer. */
  readonly l1: Pick<EthereumClient, 'network' | 'sync' | 'storage'>
  /** Asked for the newest block one after the other; none of them believed without the signature. */
  readonly heads: readonly UnsafeHeads[]
  /** Of the rollup. Not believed. */
  readonly node: ProofNode
  readonly clock?: Pick<Clock, 'now'>
  readonly ageSecondsMax?: number
}

/**
 * A rollup of the OP stack by the word of its sequencer, seconds after a block was made: every answer is proven under a block that
 * was signed by the key which the chain's `SystemConfig` on its L1 names (`sequenced`). That key is read by proof from the final
 * block of the L1, again whenever that block has changed: there is no constant to go stale, and no way to leave it out.
 *
 * Funds at risk: the sequencer can leave a block out, or sign two. The client never goes back behind a block it has seen, and stops
 * with `client/conflict` at the second one, keeping both. A key that was replaced is still taken until the L1 has made that final.
 *
 * Calls throw what the L1 client throws; `client/not-provable` when the L1 names no signer; `node/unreachable`, `node/refused` or
 * `node/nonsense` when nobody shows a head that holds, one that is too old among them.
 */
export interface UnsafeClient {
  readonly head: () => Promise<Verified<SignedBlock, SequencedVerdict>>
  /** The account, or `null` when it provably does not exist. */
  readonly account: (address: Address) => Promise<Verified<ProvenAccount | null, SequencedVerdict>>
  /** 32 bytes a slot. */
  readonly storage: (
    address: Address,
    slots: readonly Slot[],
  ) => Promise<Verified<readonly Uint8Array[], SequencedVerdict>>
  readonly equivocations: () => readonly Equivocation<UnsafeBlock>[]
}

interface Signer {
  readonly account: Address
  readonly l1: BeaconVerdict
}

export function createUnsafeClient(parts: UnsafeClientParts): UnsafeClient {
  const { chain, l1, heads, node, clock = platformClock, ageSecondsMax = unsafeAgeSecondsMax } = parts
  invariant(heads.length > 0, 'a client has somebody to ask for heads')
  if (l1.network.chainId !== chain.l1ChainId)
    throw new SdkError(
      'client/wrong-network',
      `${chain.name} posts to chain ${chain.l1ChainId}, not ${l1.network.chainId}.`,
    )
  const followed = followHeads<SignedBlock>()
  let known: Signer | null = null

  const signerNow = async (): Promise<Signer> => {
    const { chain: beacons } = await l1.sync()
    const final = beacons.finalized.execution?.hash
    if (known && known.l1.block.hash === final) return known
    const { value, verdict } = await l1.storage(chain.systemConfig, [unsafeSignerSlot], 'finalized')
    const account = unsafeSignerOf(value[0] as Uint8Array)
    if (!account.ok)
      throw new SdkError('client/not-provable', `Nobody is known to sign blocks of ${chain.name}: ${account.reason}.`)
    known = { account: account.value, l1: verdict }
    return known
  }
  const headOf = async (source: UnsafeHeads, index: number, { account, l1: at }: Signer) => {
    const signed = await source.latest()
    const sources = [...at.sources, `head ${index}`]
    const { value, verdict } = held(verifyUnsafe({ chain, signer: account, l1: at, signed, sources }))
    const age = Math.floor(clock.now() / 1_000) - verdict.block.timestamp
    if (age > ageSecondsMax || age < -unsafeAheadSecondsMax)
      throw liedNode(`its head is ${Math.abs(age)} seconds ${age > 0 ? 'old' : 'ahead'}, or the clock is wrong`, {
        retryable: true,
      })
    return followed.take({ value, verdict })
  }
  const head = async () => {
    const signer = await signerNow()
    return firstOf(heads, (source, index) => headOf(source, index, signer))
  }
  return {
    head,
    account: async (address) => {
      const { value: block, verdict } = await head()
      const { value, proven } = await accountUnder(node, block.header, address)
      return { value, verdict: { ...verdict, proven: [...proven, ...verdict.proven] } }
    },
    storage: async (address, slots) => {
      const { value: block, verdict } = await head()
      const { value, proven } = await storageUnder(node, block.header, { address, slots })
      return { value, verdict: { ...verdict, proven: [...proven, ...verdict.proven] } }
    },
    equivocations: followed.equivocations,
  }
}
