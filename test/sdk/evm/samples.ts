import fc from 'fast-check'
import type { TransactionSerializable, Signature as ViemSignature } from 'viem'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import { type AuthorizationWish, authorizationHash } from '../../../sdk/evm/authorization.ts'
import { accountOf } from '../../../sdk/evm/sender.ts'
import type { Authorization, Prepared, Pricing } from '../../../sdk/evm/transaction.ts'
import { type Address, address, chainId, slot, toHex, wei } from '../../../sdk/units.ts'

/** A key to sign with in tests, and its account. */
export interface Person {
  readonly secretKey: Uint8Array
  readonly account: Address
}

export function person(number: number): Person {
  const secretKey = new Uint8Array(32).fill(number)
  return { secretKey, account: accountOf(currentEngine().uncompressed(currentEngine().publicKey(secretKey))) }
}

export const alice = person(0x0a)
export const bob = person(0x0b)

export function sign(digest: Uint8Array, by: Person): Uint8Array {
  return currentEngine().sign(digest, by.secretKey)
}

export function authorize(by: Person, wish: AuthorizationWish): Authorization {
  return { ...wish, signature: sign(authorizationHash(wish), by) }
}

/** A plain transfer by alice, with whatever else a test wants of it. */
export function preparedWith(changes: Partial<Prepared> = {}): Prepared {
  return {
    stage: 'prepared',
    chainId: chainId(1),
    from: alice.account,
    to: bob.account,
    value: wei(1n),
    data: new Uint8Array(0),
    nonce: 7,
    gas: 21_000n,
    pricing: { type: 'eip1559', maxFeePerGas: wei(30n), maxPriorityFeePerGas: wei(2n), accessList: [] },
    ...changes,
  }
}

const bytesOf = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })

/** Numbers of every width, small and huge alike: codecs break at the borders. */
function upTo(bits: number): fc.Arbitrary<bigint> {
  const max = (1n << BigInt(bits)) - 1n
  return fc.tuple(fc.bigInt(0n, max), fc.nat(bits)).map(([number, shift]) => number >> BigInt(shift))
}

export const addresses = bytesOf(20).map((bytes) => address(toHex(bytes)))
const slots = bytesOf(32).map((bytes) => slot(toHex(bytes)))
const accessLists = fc.array(fc.record({ address: addresses, slots: fc.array(slots, { maxLength: 3 }) }), {
  maxLength: 3,
})
const prices = upTo(160).map(wei)
const markets = fc.tuple(prices, fc.nat(160), accessLists).map(([maxFeePerGas, shift, accessList]) => ({
  maxFeePerGas,
  maxPriorityFeePerGas: wei(maxFeePerGas >> BigInt(shift)),
  accessList,
}))
const authorizations: fc.Arbitrary<Authorization> = fc.record({
  chainId: fc.oneof(fc.constant(0), fc.maxSafeNat()),
  delegate: addresses,
  nonce: upTo(53), // viem reads no larger ones; codec.test.ts has one.
  // Nobody's, as good as always: that makes no transaction invalid.
  signature: bytesOf(65),
})

const pricings: Record<Pricing['type'], fc.Arbitrary<Pricing>> = {
  legacy: prices.map((gasPrice) => ({ type: 'legacy', gasPrice })),
  eip2930: fc.tuple(prices, accessLists).map(([gasPrice, accessList]) => ({ type: 'eip2930', gasPrice, accessList })),
  eip1559: markets.map((market) => ({ type: 'eip1559', ...market })),
  eip7702: fc
    .tuple(markets, fc.array(authorizations, { minLength: 1, maxLength: 3 }))
    .map(([market, list]) => ({ type: 'eip7702', ...market, authorizations: list })),
}

/** Any transaction of a type that alice can seal. */
export function preparedOf(type: Pricing['type']): fc.Arbitrary<Prepared> {
  return fc.record({
    stage: fc.constant('prepared' as const),
    chainId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(chainId),
    from: fc.constant(alice.account),
    to: type === 'eip7702' ? addresses : fc.option(addresses, { nil: null }),
    value: upTo(256).map(wei),
    data: fc.uint8Array({ maxLength: 70 }),
    nonce: fc.maxSafeNat(),
    gas: upTo(64),
    pricing: pricings[type],
  })
}

/** The same transaction in the words of viem. */
export function asViem({ pricing, data, ...call }: Prepared): TransactionSerializable {
  const common = { to: call.to, value: call.value, data: toHex(data), nonce: call.nonce, gas: call.gas }
  const chain = { chainId: Number(call.chainId) }
  if (pricing.type === 'legacy') return { type: 'legacy', ...chain, ...common, gasPrice: pricing.gasPrice }
  const accessList = pricing.accessList.map((entry) => ({ address: entry.address, storageKeys: entry.slots }))
  if (pricing.type === 'eip2930')
    return { type: 'eip2930', ...chain, ...common, gasPrice: pricing.gasPrice, accessList }
  const { maxFeePerGas, maxPriorityFeePerGas } = pricing
  const market = { ...chain, ...common, maxFeePerGas, maxPriorityFeePerGas, accessList }
  if (pricing.type === 'eip1559') return { type: 'eip1559', ...market }
  const authorizationList = pricing.authorizations.map(({ chainId, delegate, nonce, signature }) => {
    return { chainId, address: delegate, nonce: nonce as unknown as number, ...viemSignature(signature) }
  })
  return { type: 'eip7702', ...market, authorizationList }
}

/** A signature in the words of viem. */
export function viemSignature(signature: Uint8Array): ViemSignature & { readonly yParity: number } {
  const yParity = signature[64] as number
  return { r: toHex(signature.subarray(0, 32)), s: toHex(signature.subarray(32, 64)), v: BigInt(27 + yParity), yParity }
}
