import { keccak256, type Signature } from '../crypto/engine.ts'
import { accepted, type Decoded, refused, SdkError } from '../errors.ts'
import { quantity, type RlpItem, toBigInt } from '../rlp.ts'
import { address, chainId, fromHex, slot, type TxHash, toHex, txHash, wei } from '../units.ts'
import { joinSignature, readChain, recoverAccount, recoverSender } from './sender.ts'
import type { AccessList, Authorization, Prepared, Pricing, Signed } from './transaction.ts'
import { malformation } from './validity.ts'
import { bytesOf, enclose, listOf, numberOf, readWire, type TransactionType, type Wire } from './wire.ts'

/** Longest transaction {@link decodeTransaction} takes, in bytes: what nodes let into their pools (128 KiB). */
export const transactionBytesMax = 131_072

const empty = new Uint8Array(0)
const safeMax = BigInt(Number.MAX_SAFE_INTEGER)
const types: Readonly<Record<Pricing['type'], TransactionType>> = { legacy: 0, eip2930: 1, eip1559: 2, eip7702: 4 }

/**
 * The bytes a signer hashes and signs: the transaction without its signature, its chain id within (EIP-155,
 * EIP-2930, EIP-1559, EIP-7702). Throws `evm/malformed-transaction`.
 */
export function signingPayload(prepared: Prepared): Uint8Array {
  const reason = malformation(prepared)
  if (reason) throw new SdkError('evm/malformed-transaction', `The transaction cannot be encoded: ${reason}.`)
  const fields = fieldsOf(prepared)
  if (prepared.pricing.type === 'legacy') return enclose(0, [...fields, quantity(prepared.chainId), empty, empty])
  return enclose(types[prepared.pricing.type], fields)
}

/** The 32 bytes that are signed: keccak256 of {@link signingPayload}. Throws `evm/malformed-transaction`. */
export function signingHash(prepared: Prepared): Uint8Array {
  return keccak256(signingPayload(prepared))
}

/**
 * Joins a transaction and its sender's signature into the bytes a node takes.
 *
 * Funds at risk: whoever holds these bytes can have them executed. Store them before they go anywhere.
 *
 * Throws `signer/wrong-signature` unless the signature is `prepared.from`'s on this very transaction, and
 * `evm/malformed-transaction`.
 */
export function seal(prepared: Prepared, signature: Signature): Signed {
  if (recoverAccount(signingHash(prepared), signature) !== prepared.from)
    throw new SdkError('signer/wrong-signature', `The signature is not one of ${prepared.from} on this transaction.`)
  const { type } = prepared.pricing
  const parity = signature[64] as number
  const v = type === 'legacy' ? 2n * BigInt(prepared.chainId) + 35n + BigInt(parity) : parity
  const bytes = enclose(types[type], [...fieldsOf(prepared), quantity(v), ...scalarsOf(signature)])
  return { stage: 'signed', hash: transactionHash(bytes), bytes, prepared }
}

/** A transaction's identity: keccak256 of its signed bytes, whatever the type. */
export function transactionHash(bytes: Uint8Array): TxHash {
  return txHash(toHex(keccak256(bytes)))
}

/**
 * Reads signed bytes of type 0, 1, 2 or 4 and recovers the sender, once and last. Never throws.
 *
 * Takes exactly the bytes that {@link seal} could have made: one encoding, one signature (low s, EIP-2; parity
 * 0 or 1), one chain. Refuses blobs (type 3), legacy transactions without a chain id (before EIP-155), chain
 * ids and nonces beyond 2^53 - 1, more than {@link transactionBytesMax} bytes, and whatever no chain would take.
 * Gas is judged per fork ({@link checkUnderFork}).
 *
 * @returns Views into `bytes`, which must not change afterwards.
 */
export function decodeTransaction(bytes: Uint8Array): Decoded<Signed> {
  if (bytes.length > transactionBytesMax) return refused(`the transaction is longer than ${transactionBytesMax} bytes`)
  const wire = readWire(bytes)
  if (!wire.ok) return wire
  const unsent = readUnsent(wire.value)
  if (!unsent.ok) return unsent
  const reason = malformation(unsent.value)
  if (reason) return refused(reason)
  const from = recoverSender(wire.value)
  if (!from.ok) return from
  const prepared: Prepared = { ...unsent.value, from: from.value }
  return accepted({ stage: 'signed', hash: transactionHash(bytes), bytes, prepared })
}

/** The signed fields in the order of their type. */
function fieldsOf({ chainId: chain, to, nonce, gas, value, data, pricing }: Prepared): RlpItem[] {
  const call = [quantity(gas), to === null ? empty : fromHex(to), quantity(value), data]
  if (pricing.type === 'legacy') return [quantity(nonce), quantity(pricing.gasPrice), ...call]
  const head = [quantity(chain), quantity(nonce)]
  const list = pricing.accessList.map((entry) => [fromHex(entry.address), entry.slots.map((key) => fromHex(key))])
  if (pricing.type === 'eip2930') return [...head, quantity(pricing.gasPrice), ...call, list]
  const market = [...head, quantity(pricing.maxPriorityFeePerGas), quantity(pricing.maxFeePerGas), ...call, list]
  return pricing.type === 'eip1559' ? market : [...market, pricing.authorizations.map(authorizationItem)]
}

function authorizationItem({ chainId: chain, delegate, nonce, signature }: Authorization): RlpItem {
  const parity = quantity(signature[64] as number)
  return [quantity(chain), fromHex(delegate), quantity(nonce), parity, ...scalarsOf(signature)]
}

/** r and s as the numbers they are on the wire. */
function scalarsOf(signature: Signature): readonly [Uint8Array, Uint8Array] {
  return [quantity(toBigInt(signature.subarray(0, 32))), quantity(toBigInt(signature.subarray(32, 64)))]
}

function readUnsent(wire: Wire): Decoded<Omit<Prepared, 'from'>> {
  const chain = readChain(wire)
  if (!chain.ok) return chain
  if (chain.value === null) return refused('the transaction names no chain (EIP-155), so it could be replayed on any')
  if (chain.value < 1n || chain.value > safeMax) return refused('the chain id is not within 1 to 2^53 - 1')
  const nonce = numberOf(wire, 'nonce')
  if (nonce > safeMax) return refused('the nonce is beyond 2^53 - 1')
  const pricing = readPricing(wire)
  if (!pricing.ok) return pricing
  const to = bytesOf(wire, 'to')
  return accepted({
    stage: 'prepared',
    chainId: chainId(Number(chain.value)),
    to: to.length === 0 ? null : address(toHex(to)),
    value: wei(numberOf(wire, 'value')),
    data: bytesOf(wire, 'input'),
    nonce: Number(nonce),
    gas: numberOf(wire, 'gas'),
    pricing: pricing.value,
  })
}

function readPricing(wire: Wire): Decoded<Pricing> {
  const price = (name: 'gasPrice' | 'maxFeePerGas' | 'maxPriorityFeePerGas') => wei(numberOf(wire, name))
  if (wire.type === 0) return accepted({ type: 'legacy', gasPrice: price('gasPrice') })
  const accessList = readAccessList(listOf(wire, 'accessList'))
  if (wire.type === 1) return accepted({ type: 'eip2930', gasPrice: price('gasPrice'), accessList })
  const market = {
    maxFeePerGas: price('maxFeePerGas'),
    maxPriorityFeePerGas: price('maxPriorityFeePerGas'),
    accessList,
  }
  if (wire.type === 2) return accepted({ type: 'eip1559', ...market })
  if (wire.type === 3) return refused('blob transactions (type 3) are not carried here')
  const authorizations = readAuthorizations(listOf(wire, 'authorizationList'))
  return authorizations.ok
    ? accepted({ type: 'eip7702', ...market, authorizations: authorizations.value })
    : authorizations
}

function readAccessList(items: readonly RlpItem[]): AccessList {
  return items.map((item) => {
    const [account, keys] = item as readonly [Uint8Array, readonly Uint8Array[]]
    return { address: address(toHex(account)), slots: keys.map((key) => slot(toHex(key))) }
  })
}

type AuthorizationItem = readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]

function readAuthorizations(items: readonly RlpItem[]): Decoded<readonly Authorization[]> {
  const authorizations: Authorization[] = []
  for (const item of items) {
    const [chain, delegate, nonce, parity, r, s] = item as AuthorizationItem
    const id = toBigInt(chain)
    if (id > safeMax) return refused("an authorization's chain id is beyond 2^53 - 1")
    authorizations.push({
      chainId: Number(id),
      delegate: address(toHex(delegate)),
      nonce: toBigInt(nonce),
      signature: joinSignature(r, s, parity[0] ?? 0), // Any byte: a tuple that is nobody's is skipped, not fatal.
    })
  }
  return accepted(authorizations)
}
