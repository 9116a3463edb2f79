import { toHex } from '../../../../../sdk/units.ts'
import { emptyCodeHash } from '../../../../../sdk/vm/index.ts'
import { proofSlotsMax } from '../limits.ts'
import { codes, type Methods, method, no, told } from '../rpc.ts'
import { quantityHex } from '../shapes.ts'
import { blockOf, type NodeWorld, stageAt } from '../world.ts'

/** Accounts, storage, and their proofs. */
export function stateMethods(world: NodeWorld): Methods {
  return {
    eth_getBalance: method(
      (params) => ({ account: params.address(0), ref: params.block(1) }),
      ({ account, ref }) => {
        const stage = stageAt(world, ref)
        return 'error' in stage ? stage : told(quantityHex(stage.state.account(account)?.balance ?? 0n))
      },
    ),
    eth_getTransactionCount: method(
      (params) => ({ account: params.address(0), ref: params.block(1) }),
      ({ account, ref }) => {
        const stage = stageAt(world, ref)
        if ('error' in stage) return stage
        const nonce = stage.state.account(account)?.nonce ?? 0n
        const isPending = ref.kind === 'tag' && ref.tag === 'pending'
        return told(quantityHex(isPending ? world.pool.nextNonce(account, nonce) : nonce))
      },
    ),
    eth_getCode: method(
      (params) => ({ account: params.address(0), ref: params.block(1) }),
      ({ account, ref }) => {
        const stage = stageAt(world, ref)
        if ('error' in stage) return stage
        const code = stage.state.account(account)?.codeHash ?? emptyCodeHash
        return told(code === emptyCodeHash ? '0x' : toHex(stage.state.code(code)))
      },
    ),
    eth_getStorageAt: method(
      (params) => ({ account: params.address(0), slot: params.slot(1), ref: params.block(2) }),
      ({ account, slot, ref }) => {
        const stage = stageAt(world, ref)
        if ('error' in stage) return stage
        return told(toHex(stage.state.storage(account, slot) ?? new Uint8Array(32)))
      },
    ),
    eth_getProof: method(
      (params) => ({ account: params.address(0), slots: params.slots(1, proofSlotsMax), ref: params.block(2) }),
      ({ account, slots, ref }) => {
        const block = blockOf(world, ref)
        if (!block) return no(codes.server, 'header not found')
        const { number } = block.block.header
        const proof = world.engine.prove(number, account, slots)
        if (!proof)
          return no(codes.server, `state of block ${number} is not kept, the oldest is ${world.engine.oldest()}`)
        return told({
          address: account,
          accountProof: proof.nodes.map(toHex),
          balance: quantityHex(proof.balance),
          codeHash: proof.codeHash,
          nonce: quantityHex(proof.nonce),
          storageHash: toHex(proof.storageRoot),
          storageProof: proof.slots.map(({ slot, value, nodes }) => ({
            key: slot,
            value: quantityHex(BigInt(toHex(value))),
            proof: nodes.map(toHex),
          })),
        })
      },
    ),
  }
}
