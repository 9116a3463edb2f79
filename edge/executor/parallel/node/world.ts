import type { Fork, Prepared, Signed } from '../../../../sdk/evm/index.ts'
import { delegateOf } from '../../../../sdk/evm/index.ts'
import type { Address, ChainId } from '../../../../sdk/units.ts'
import { emptyCodeHash, type Machine, type State } from '../../../../sdk/vm/index.ts'
import type { Engine } from '../engine.ts'
import type { Standing } from './admission.ts'
import type { Archive, ArchivedBlock } from './archive.ts'
import type { BlockRef } from './params.ts'
import type { Pool } from './pool.ts'
import type { Producer } from './producer.ts'
import { codes, no, type RpcError } from './rpc.ts'
import type { Stage } from './simulate.ts'

/** What the methods of a node answer from. */
export interface NodeWorld {
  readonly chainId: ChainId
  readonly fork: Fork
  readonly engine: Engine
  readonly archive: Archive
  readonly pool: Pool
  readonly producer: Producer
  /** Runs calls; transactions are run by the engine's own. */
  readonly machine: Machine
  readonly now: () => number
  /** Accounts the node signs for: on a chain of its own, never with keys of worth. */
  readonly unlocked: ReadonlyMap<Address, (prepared: Prepared) => Signed>
  /** Signs digests of blocks with the operator's key; nothing where no block is signed. */
  readonly sequencer: ((digest: Uint8Array) => Uint8Array) | null
}

/** The block that is meant; nothing when there is none. `pending` is the newest: no block is told before it is stored. */
export function blockOf({ archive }: NodeWorld, ref: BlockRef): ArchivedBlock | undefined {
  switch (ref.kind) {
    case 'number':
      return archive.at(ref.number)
    case 'hash':
      return archive.byHash(ref.hash)
    case 'tag':
      return ref.tag === 'earliest' ? archive.at(archive.oldest()) : archive.head()
  }
}

/** The state after a block, and the block as calls on it see it; or why there is none. */
export function stageAt(world: NodeWorld, ref: BlockRef): Stage | { readonly error: RpcError } {
  const { engine, machine } = world
  const block = blockOf(world, ref)
  if (!block) return no(codes.server, 'header not found')
  const { number } = block.block.header
  const [state, context] = [engine.state(number), engine.context(number)]
  if (!state || !context)
    return no(codes.server, `state of block ${number} is not kept, the oldest is ${engine.oldest()}`)
  if (ref.kind !== 'tag' || ref.tag !== 'pending') return { machine, state, block: context }
  const { timestamp, baseFeePerGas } = world.producer.environment()
  return { machine, state, block: { ...context, number: context.number + 1n, timestamp, baseFeePerGas } }
}

/** The newest state that is told. */
export function headState({ engine, archive }: NodeWorld): State {
  return engine.state(archive.head().block.header.number) as State
}

/** What judges a transaction of `sender`. */
export function standingOf(world: NodeWorld, sender: Address): Standing {
  const state = headState(world)
  const account = state.account(sender)
  const code = account && account.codeHash !== emptyCodeHash ? state.code(account.codeHash) : undefined
  const { baseFeePerGas, gasLimit } = world.producer.environment()
  return {
    account,
    isDelegated: code !== undefined && delegateOf(code) !== undefined,
    baseFee: baseFeePerGas,
    gasLimit,
  }
}
