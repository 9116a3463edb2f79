import { keccak256 } from '../../crypto/hashes.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { readFields } from '../../evm/fields.ts'
import { decodeRlp, isBytes } from '../../rlp.ts'
import { secureKey, verifyTrieProof } from '../../trie/index.ts'
import { type Address, fromHex, type Slot, sameBytes, slot, toHex, type Wei, wei } from '../../units.ts'

/** Most nodes of one proof: a trie of hashed keys has 64 levels at most. */
export const proofNodesMax = 65
/** Largest code that is read: twice what EIP-170 lets a contract have, as later forks may. */
export const codeBytesMax = 65_536

/** What a state holds of an account (Yellow Paper, section 4.1). */
export interface ProvenAccount {
  readonly nonce: bigint
  readonly balance: Wei
  readonly storageRoot: Uint8Array
  /** keccak256 of its code. */
  readonly codeHash: Uint8Array
}

/**
 * What the state with this root holds of an account; `null` when it provably holds none. Never throws.
 *
 * Everything is taken from the proof: what nodes tell beside it (EIP-1186) is not looked at, and differs between them
 * where there is no account.
 */
export function verifyAccount(told: {
  readonly stateRoot: Uint8Array
  readonly address: Address
  readonly proof: readonly Uint8Array[]
}): Decoded<ProvenAccount | null> {
  const { stateRoot, address, proof } = told
  if (proof.length > proofNodesMax) return refused(`the proof has more than ${proofNodesMax} nodes`)
  const held = verifyTrieProof({ root: stateRoot, key: secureKey(fromHex(address)), proof })
  if (!held.ok) return refused(`the proof of the account does not hold: ${held.reason}`)
  if (!held.value) return accepted(null)
  const item = decodeRlp(held.value)
  if (!item.ok || isBytes(item.value)) return refused('the account is not a list')
  const fields = readFields(item.value)
  const account = {
    nonce: fields.scalar('nonce', 8),
    balance: wei(fields.scalar('balance', 32)),
    storageRoot: fields.fixed('storage root', 32),
    codeHash: fields.fixed('code hash', 32),
  }
  const reason = fields.reason()
  return reason === undefined ? accepted(account) : refused(`the account's ${reason}`)
}

/**
 * The 32 bytes in a slot of the storage with this root; zeros when it provably holds none. Never throws.
 *
 * @param storageRoot - Of a {@link ProvenAccount}.
 */
export function verifySlot(told: {
  readonly storageRoot: Uint8Array
  readonly slot: Slot
  readonly proof: readonly Uint8Array[]
}): Decoded<Uint8Array> {
  const { storageRoot, slot, proof } = told
  if (proof.length > proofNodesMax) return refused(`the proof has more than ${proofNodesMax} nodes`)
  const held = verifyTrieProof({ root: storageRoot, key: secureKey(fromHex(slot)), proof })
  if (!held.ok) return refused(`the proof of slot ${slot} does not hold: ${held.reason}`)
  const word = new Uint8Array(32)
  if (!held.value) return accepted(word)
  const item = decodeRlp(held.value)
  if (!item.ok || !isBytes(item.value) || item.value.length > 32 || !item.value[0])
    return refused('the slot holds no number')
  word.set(item.value, 32 - item.value.length)
  return accepted(word)
}

/** That this is the code of an account: it has the hash that the account names. Never throws. */
export function verifyCode({ codeHash }: Pick<ProvenAccount, 'codeHash'>, code: Uint8Array): Decoded<Uint8Array> {
  if (code.length > codeBytesMax) return refused(`the code is longer than ${codeBytesMax} bytes`)
  return sameBytes(keccak256(code), codeHash)
    ? accepted(code)
    : refused('the code is not the one that the account names')
}

/**
 * The slot in which a token keeps a holder's balance, for tokens whose `mapping(address => uint256)` stands at a known
 * position (Solidity's layout of storage; Vyper hashes the other way round).
 *
 * Funds at risk: what a slot means is the contract's affair. A token that keeps balances elsewhere, scales them or pays
 * fees is not read by this: its `balanceOf` is.
 */
export function tokenBalanceSlot(told: {
  readonly owner: Address
  /** Of the mapping in the contract's storage. */
  readonly position: bigint
  readonly layout?: 'solidity' | 'vyper'
}): Slot {
  const { owner, position, layout = 'solidity' } = told
  const bytes = new Uint8Array(64)
  const [ownerAt, positionAt] = layout === 'solidity' ? [0, 32] : [32, 0]
  bytes.set(fromHex(owner), ownerAt + 12)
  bytes.set(wordOf(position), positionAt)
  return slotOf(keccak256(bytes))
}

/** A number below 2^256 as 32 bytes. */
export function wordOf(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}

/** The name of a slot of 32 bytes. */
export function slotOf(bytes: Uint8Array): Slot {
  return slot(toHex(bytes))
}
