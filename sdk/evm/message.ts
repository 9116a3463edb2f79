import { hashTypedData } from 'viem/utils'
import { keccak256 } from '../crypto/engine.ts'
import { fromHex } from '../units.ts'
import type { TypedData } from './typedData.ts'

const utf8 = /* @__PURE__ */ new TextEncoder()

/** The bytes of a personal message: text as UTF-8, bytes as they are. */
export function messagePayload(message: string | Uint8Array): Uint8Array {
  return typeof message === 'string' ? utf8.encode(message) : message
}

/**
 * The 32 bytes that are signed for a personal message (ERC-191, version 0x45): no transaction can be meant by them.
 *
 * Funds at risk: contracts take such signatures too. What an application asks to have signed must be shown whole.
 */
export function messageHash(payload: Uint8Array): Uint8Array {
  const prefix = utf8.encode(`\x19Ethereum Signed Message:\n${payload.length}`)
  const bytes = new Uint8Array(prefix.length + payload.length)
  bytes.set(prefix)
  bytes.set(payload, prefix.length)
  return keccak256(bytes)
}

/**
 * Typed data as canonical JSON in UTF-8, for a screen: equal data is equal bytes, and everything in it is signed.
 * Integers stand as decimal text. {@link decodeTypedData} reads it back.
 */
export function typedDataPayload({ types, primaryType, domain, message }: TypedData): Uint8Array {
  const canonical = { types, primaryType, domain, message }
  return utf8.encode(JSON.stringify(canonical, (_, value) => (typeof value === 'bigint' ? value.toString() : value)))
}

/**
 * The 32 bytes that are signed for typed data (EIP-712).
 *
 * Funds at risk: permits and orders are typed data; a signature alone can move tokens. Show the domain, its chain
 * and its contract before anything is signed.
 */
export function typedDataHash({ types, primaryType, domain, message }: TypedData): Uint8Array {
  return fromHex(hashTypedData({ types, primaryType, domain, message }))
}
