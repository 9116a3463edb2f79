import { SdkError } from '../errors.ts'
import {
  type Authorization,
  type AuthorizationWish,
  authorizationHash,
  authorizationPayload,
  messageHash,
  messagePayload,
  type Prepared,
  recoverAccount,
  type Signed,
  seal,
  signingHash,
  signingPayload,
  type TypedData,
  typedDataHash,
  typedDataPayload,
} from '../evm/index.ts'
import type { Signer, SignRequest } from '../ports.ts'
import { type Address, type Hex, toHex } from '../units.ts'

/**
 * Signs a transaction, and nothing more: it is neither stored nor sent.
 *
 * Funds at risk: whoever gets the bytes can have them executed. The outbox knows nothing of them; hand them to
 * `sendSigned`, or to nobody.
 *
 * Throws what the signer throws, `signer/wrong-signature` and `evm/malformed-transaction`.
 */
export async function signTransaction(keys: Signer, prepared: Prepared): Promise<Signed> {
  const request: SignRequest = {
    kind: 'transaction',
    account: prepared.from,
    digest: signingHash(prepared),
    payload: signingPayload(prepared),
  }
  return seal(prepared, await keys.sign(request))
}

/**
 * Signs a personal message (ERC-191, version 0x45).
 *
 * @returns r, s and v (27 or 28), as contracts and other wallets expect it. Throws what the signer throws.
 */
export function signMessage(keys: Signer, account: Address, message: string | Uint8Array): Promise<Hex> {
  const payload = messagePayload(message)
  return signText(keys, { kind: 'message', account, digest: messageHash(payload), payload })
}

/**
 * Signs typed data (EIP-712).
 *
 * Funds at risk: permits and orders are typed data; a signature alone can move tokens.
 *
 * @returns r, s and v (27 or 28). Throws what the signer throws.
 */
export function signTypedData(keys: Signer, account: Address, data: TypedData): Promise<Hex> {
  return signText(keys, { kind: 'typed-data', account, digest: typedDataHash(data), payload: typedDataPayload(data) })
}

/**
 * Signs the wish to run another account's code (EIP-7702).
 *
 * Funds at risk: once on chain, the delegate's code decides over everything the account owns.
 */
export async function signAuthorization(
  keys: Signer,
  account: Address,
  wish: AuthorizationWish,
): Promise<Authorization> {
  const signature = await signed(keys, {
    kind: 'authorization',
    account,
    digest: authorizationHash(wish),
    payload: authorizationPayload(wish),
  })
  return { ...wish, signature }
}

async function signText(keys: Signer, request: SignRequest): Promise<Hex> {
  const signature = Uint8Array.from(await signed(keys, request))
  signature[64] = 27 + (signature[64] as number)
  return toHex(signature)
}

/** A signer is a port like any other: what it answers is checked. */
async function signed(keys: Signer, request: SignRequest): Promise<Uint8Array> {
  const signature = await keys.sign(request)
  if (recoverAccount(request.digest, signature) === request.account) return signature
  throw new SdkError('signer/wrong-signature', `The signature is not one of ${request.account}.`)
}
