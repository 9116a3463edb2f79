import { keccak256 } from '../crypto/engine.ts'
import { SdkError } from '../errors.ts'
import { encodeRlp, quantity } from '../rlp.ts'
import { type Address, address, fromHex, toHex } from '../units.ts'
import { recoverAccount } from './sender.ts'
import type { Authorization } from './transaction.ts'
import { malformedWish } from './validity.ts'

/** What an account wishes for by signing: to run `delegate`'s code, on one chain or (0) on every chain. */
export type AuthorizationWish = Omit<Authorization, 'signature'>

const magic = 0x05
/** No account can have this nonce (EIP-2681). */
const noncesEnd = (1n << 64n) - 1n
const indicator: readonly number[] = [0xef, 0x01, 0x00]

/**
 * The bytes an account signs to have another account's code run as its own (EIP-7702).
 *
 * Funds at risk: whoever holds the signature can put it on chain, and then `delegate`'s code decides over the
 * account and everything it owns. `chainId` 0 gives that away on every chain at once.
 *
 * `nonce` is the account's at the time the authorization is processed: one more than the transaction's when the
 * account sends it itself, since its nonce has risen by then.
 *
 * Throws `evm/malformed-transaction`.
 */
export function authorizationPayload(wish: AuthorizationWish): Uint8Array {
  const reason = malformedWish(wish)
  if (reason) throw new SdkError('evm/malformed-transaction', `The authorization cannot be encoded: ${reason}.`)
  const { chainId, delegate, nonce } = wish
  const fields = encodeRlp([quantity(chainId), fromHex(delegate), quantity(nonce)])
  const payload = new Uint8Array(1 + fields.length)
  payload[0] = magic
  payload.set(fields, 1)
  return payload
}

/** The 32 bytes that are signed: keccak256 of {@link authorizationPayload}. Throws `evm/malformed-transaction`. */
export function authorizationHash(wish: AuthorizationWish): Uint8Array {
  return keccak256(authorizationPayload(wish))
}

/**
 * The account an authorization speaks for, or nothing when every chain skips it: a nonce that no account can have,
 * or a signature that is nobody's (EIP-7702, behaviour 2 and 3).
 *
 * Whether the chain, the account's nonce and its code fit is state, and not judged here.
 */
export function authorityOf(authorization: Authorization): Address | undefined {
  if (malformedWish(authorization) || authorization.nonce === noncesEnd) return undefined
  return recoverAccount(authorizationHash(authorization), authorization.signature)
}

/** The code an account has after it delegated: 0xef0100 and the delegate's address. */
export function delegationCode(delegate: Address): Uint8Array {
  return Uint8Array.from([...indicator, ...fromHex(delegate)])
}

/** The account whose code runs when one with this code is called, or nothing when it runs its own. */
export function delegateOf(code: Uint8Array): Address | undefined {
  const delegates = code.length === 23 && indicator.every((byte, at) => code[at] === byte)
  return delegates ? address(toHex(code.subarray(3))) : undefined
}
