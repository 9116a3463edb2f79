import type { Header } from '../../evm/index.ts'
import type { ProofNode } from '../../ports.ts'
import type { Address, Slot } from '../../units.ts'
import { type ProvenAccount, verifyAccount, verifySlot } from '../../verify/ethereum/index.ts'
import type { Claim } from '../../verify/index.ts'
import { liedNode } from '../panel.ts'

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
  const held = verifyAccount({ stateRoot, address, proof: account })
  if (!held.ok) throw liedNode(held.reason)
  return { value: held.value, proven: [held.value ? 'account' : 'account-absence'] }
}

export async function storageUnder(
  node: ProofNode,
  { stateRoot, number }: Header,
  { address, slots }: { readonly address: Address; readonly slots: readonly Slot[] },
): Promise<Held<readonly Uint8Array[]>> {
  const proof = await node.proof(address, slots, number)
  const account = verifyAccount({ stateRoot, address, proof: proof.account })
  if (!account.ok) throw liedNode(account.reason)
  const { value } = account
  // An account that is not there holds nothing.
  if (!value) return { value: slots.map(() => new Uint8Array(32)), proven: ['account-absence', 'storage'] }
  const words = slots.map((slot, at) => {
    const word = verifySlot({ storageRoot: value.storageRoot, slot, proof: proof.slots[at] ?? [] })
    if (!word.ok) throw liedNode(word.reason)
    return word.value
  })
  return { value: words, proven: ['storage'] }
}
