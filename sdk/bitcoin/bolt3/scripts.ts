import { currentEngine } from '../../crypto/engine.ts'
import { ripemd160 } from '../../crypto/ripemd160.ts'
import { type Height, joinBytes } from '../../units.ts'
import { encodeMultisig } from '../multisig.ts'
import { compareBytes, op } from '../script.ts'
import { numberPush } from '../segwit.ts'
import type { BalanceKeys, HtlcKeys } from './keys.ts'

/**
 * Which transactions a channel has (BOLT-3): `anchors` gives each side an output to add fees by, delays all others by a
 * block and takes no fee from HTLC transactions (`option_anchors_zero_fee_htlc_tx`). `plain` has neither. Both have a
 * static key for the side that does not broadcast.
 */
export type CommitmentFormat = 'plain' | 'anchors'

/** Fixed value of an anchor, in satoshi. */
export const anchorValue = 330n

/** Script of the funding output: both keys, the lesser first. */
export function fundingScriptOf(key: Uint8Array, other: Uint8Array): Uint8Array {
  return encodeMultisig({ required: 2, publicKeys: [key, other].sort(compareBytes) })
}

/** What the holder has of a commitment or an HTLC transaction: its own after `delay` blocks, the other side's once it is revoked. */
export function delayedScript({ revocation, delayed }: BalanceKeys, delay: number): Uint8Array {
  return joinBytes(
    [op.if],
    push(revocation),
    [op.else],
    numberPush(delay),
    [op.checkSequenceVerify, op.drop],
    push(delayed),
    [op.endIf, op.checkSig],
  )
}

/** What the other side has of a commitment with anchors: its own a block later. */
export function toOtherScript(paymentKey: Uint8Array): Uint8Array {
  return joinBytes(push(paymentKey), [op.checkSigVerify, op.one, op.checkSequenceVerify])
}

/** An anchor: its owner's at once, anybody's after 16 blocks. */
export function anchorScript(fundingKey: Uint8Array): Uint8Array {
  return joinBytes(push(fundingKey), [op.checkSig, op.ifDup, op.notIf, op.sixteen, op.checkSequenceVerify, op.endIf])
}

/** What an HTLC's script is made of. */
export interface HtlcScriptTerms {
  readonly format: CommitmentFormat
  /** Key that takes it once the commitment is revoked. */
  readonly revocation: Uint8Array
  readonly keys: HtlcKeys
  /** 32 bytes: SHA-256 of the preimage. */
  readonly paymentHash: Uint8Array
}

/** An HTLC that the holder offered: the other side's with the preimage, the holder's by its timeout transaction. */
export function offeredHtlcScript(terms: HtlcScriptTerms): Uint8Array {
  const { keys, paymentHash } = terms
  return joinBytes(
    htlcHead(terms),
    [op.notIf, op.drop, two, op.swap],
    push(keys.holder),
    [two, op.checkMultisig, op.else, op.hash160],
    push(ripemd160(paymentHash)),
    [op.equalVerify, op.checkSig, op.endIf],
    htlcTail(terms),
  )
}

/** An HTLC that the holder received: the holder's by its success transaction, the other side's from `expiry` on. */
export function receivedHtlcScript(terms: HtlcScriptTerms, expiry: Height): Uint8Array {
  const { keys, paymentHash } = terms
  return joinBytes(
    htlcHead(terms),
    [op.if, op.hash160],
    push(ripemd160(paymentHash)),
    [op.equalVerify, two, op.swap],
    push(keys.holder),
    [two, op.checkMultisig, op.else, op.drop],
    numberPush(expiry),
    [op.checkLockTimeVerify, op.drop, op.checkSig, op.endIf],
    htlcTail(terms),
  )
}

const two = op.one + 1

/** The revocation key's branch, and the question whether 32 bytes came with the other side's signature. */
function htlcHead({ revocation, keys }: HtlcScriptTerms): Uint8Array {
  return joinBytes(
    [op.dup, op.hash160],
    push(currentEngine().hash160(revocation)),
    [op.equal, op.if, op.checkSig, op.else],
    push(keys.other),
    [op.swap, op.size, 1, 32, op.equal],
  )
}

/** With anchors, no output but an anchor can be spent in the block of the commitment. */
function htlcTail({ format }: HtlcScriptTerms): Uint8Array {
  return Uint8Array.from(format === 'anchors' ? [op.one, op.checkSequenceVerify, op.drop, op.endIf] : [op.endIf])
}

function push(bytes: Uint8Array): Uint8Array {
  return joinBytes([bytes.length], bytes)
}
