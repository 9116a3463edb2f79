import { keccak256 } from '../../crypto/engine.ts'
import { invariant } from '../../errors.ts'
import { type Address, fromHex, type Hex, joinBytes, toHex } from '../../units.ts'

/** Tokens under a hash, as HashLock.sol holds them. Its identity is the hash of all of this. */
export interface TokenLock {
  readonly token: Address
  /** Who locks, and has them back from `endSeconds` on. */
  readonly owner: Address
  /** Whom they are paid to when the preimage is shown. */
  readonly taker: Address
  /** In the token's smallest unit. */
  readonly amount: bigint
  /** 32 bytes: SHA-256 of the preimage. */
  readonly hash: Uint8Array
  /** Seconds since 1970, as blocks tell them: the first moment at which it can no longer be taken. */
  readonly endSeconds: number
}

const lockType = '(address,address,address,uint256,bytes32,uint256)'

/** The name of a lock in its contract: `state(id)` is 0 for none, 1 for one that is held, 2 for one that is over. */
export function lockId(lock: TokenLock): Hex {
  return toHex(keccak256(wordsOf(lock)))
}

/** Calldata that makes a lock. The owner sends it, after it has approved the amount at the token. */
export function lockCall(lock: TokenLock): Hex {
  return callOf(`lock(${lockType})`, wordsOf(lock))
}

/**
 * Calldata that takes a lock for its taker. Anybody may send it.
 *
 * Funds at risk: it tells the preimage to everybody as soon as it leaves, mined or not.
 */
export function takeCall(lock: TokenLock, preimage: Uint8Array): Hex {
  invariant(preimage.length === 32, 'a preimage has 32 bytes')
  return callOf(`take(${lockType},bytes32)`, wordsOf(lock), preimage)
}

/** Calldata that gives a lock back to its owner, from its end on. Anybody may send it. */
export function giveBackCall(lock: TokenLock): Hex {
  return callOf(`giveBack(${lockType})`, wordsOf(lock))
}

/** Calldata that asks for a lock's state. */
export function stateCall(lock: TokenLock): Hex {
  return callOf('state(bytes32)', fromHex(lockId(lock)))
}

/** Topics of the log that tells a lock's preimage; its data is the preimage. */
export function takenTopics(lock: TokenLock): readonly [event: Hex, id: Hex] {
  return [toHex(keccak256(new TextEncoder().encode('Taken(bytes32,bytes32)'))), lockId(lock)]
}

function wordsOf({ token, owner, taker, amount, hash, endSeconds }: TokenLock): Uint8Array {
  invariant(hash.length === 32, 'a hash has 32 bytes')
  return joinBytes(
    ...[token, owner, taker].map((one) => padded(fromHex(one))),
    numberWord(amount),
    hash,
    numberWord(BigInt(endSeconds)),
  )
}

function callOf(signature: string, ...words: readonly Uint8Array[]): Hex {
  return toHex(joinBytes(keccak256(new TextEncoder().encode(signature)).subarray(0, 4), ...words))
}

function numberWord(value: bigint): Uint8Array {
  invariant(value >= 0n && value < 1n << 256n, 'a word holds 256 bits')
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}

function padded(bytes: Uint8Array): Uint8Array {
  return joinBytes(new Uint8Array(32 - bytes.length), bytes)
}
