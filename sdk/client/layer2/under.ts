import type { Header } from '../../evm/index.ts'
import type { ProofNode } from '../../ports.ts'
import type { Address, Slot } from '../../units.ts'
import { type ProvenAccount, verifyAccount, verifySlot } from '../../verify/ethereum/index.ts'
import type { Claim } from '../../verify/index.ts'
import { held } from '../panel.ts'

/** A value of the state after a block, and what was proven of it. Whether the block counts is the caller's to know. */
interface Held<value> {
  readonly value: value
  readonly proven: readonly Claim[]
}

export async function accountUnder(
  node: ProofNode,
  { stateRoot, number }: Header,
  address: Address,
): Promise<Held<ProvenAccount | null>> {
  const { account } = await node.proof(address, [], number)
  const value = held(verifyAccount({ stateRoot, address, proof: account }))
  return { value, proven: [value ? 'account' : 'account-absence'] }
}

export async function storageUnder(
  node: ProofNode,
  { stateRoot, number }: Header,
  { address, slots }: { readonly address: Address; readonly slots: readonly Slot[] },
): Promise<Held<readonly Uint8Array[]>> {
  const proof = await node.proof(address, slots, number)
  const account = held(verifyAccount({ stateRoot, address, proof: proof.account }))
  // An account that is not there holds nothing.
  if (!account) return { value: slots.map(() => new Uint8Array(32)), proven: ['account-absence', 'storage'] }
  const { storageRoot } = account
  const value = slots.map((slot, at) => held(verifySlot({ storageRoot, slot, proof: proof.slots[at] ?? [] })))
  return { value, proven: ['storage'] }
}
