import { keccak256 } from '../crypto/engine.ts'
import { delegateOf } from '../evm/authorization.ts'
import { type Address, fromHex, type Hex, toHex } from '../units.ts'
import { emptyCodeHash } from './state.ts'
import { createWord, readShort, type Words } from './word.ts'

/** Code, and what is worked out of it once. */
export interface Code {
  /** The code and 33 zeros: whoever runs over its end stops there, and every push finds its bytes. */
  readonly bytes: Uint8Array
  readonly size: number
  readonly hash: Hex
  readonly hashWord: Words
  /** Whose code runs in its stead (EIP-7702). */
  readonly delegate: Address | undefined
  /** 1 at every instruction that can be jumped to; worked out when the code first runs. */
  jumps: Uint8Array | null
}

/** Codes by their hash, as long as they fit. */
export interface CodeCache {
  readonly known: Map<Hex, Code>
  /** Bytes of all that are known. */
  bytes: number
}

/** Bytes of code kept between transactions. A contract has at most 24 KiB, and as many again for its jumps. */
const cachedBytesMax = 16_777_216
const padding = 33
const opJumpdest = 0x5b
const opPush1 = 0x60
const opPush32 = 0x7f

export const noCode: Code = /* @__PURE__ */ enfold(new Uint8Array(0), emptyCodeHash)

export function createCodeCache(): CodeCache {
  return { known: new Map(), bytes: 0 }
}

/** Code of the hash; asks `read` for it when it is not known. */
export function cachedCode(cache: CodeCache, hash: Hex, read: (hash: Hex) => Uint8Array): Code {
  if (hash === emptyCodeHash) return noCode
  const known = cache.known.get(hash)
  if (known) return known
  const code = enfold(read(hash), hash)
  if (cache.bytes + code.size > cachedBytesMax) {
    cache.known.clear()
    cache.bytes = 0
  }
  cache.known.set(hash, code)
  cache.bytes += code.size
  return code
}

/** Code that an account is given. */
export function codeOf(bytes: Uint8Array): Code {
  return bytes.length === 0 ? noCode : enfold(bytes, toHex(keccak256(bytes)))
}

/** Code that runs once, to create a contract. It has no hash that anybody could ask for. */
export function initcodeOf(bytes: Uint8Array): Code {
  return enfold(bytes, emptyCodeHash)
}

/** Where `code` can be jumped to. */
export function jumpsOf(code: Code): Uint8Array {
  code.jumps ??= findJumps(code.bytes, code.size)
  return code.jumps
}

function enfold(bytes: Uint8Array, hash: Hex): Code {
  const padded = new Uint8Array(bytes.length + padding)
  padded.set(bytes)
  const hashWord = createWord()
  readShort(fromHex(hash), hashWord, 0)
  return { bytes: padded, size: bytes.length, hash, hashWord, delegate: delegateOf(bytes), jumps: null }
}

function findJumps(bytes: Uint8Array, size: number): Uint8Array {
  const jumps = new Uint8Array(size)
  for (let at = 0; at < size; at++) {
    const op = bytes[at] as number
    if (op === opJumpdest) jumps[at] = 1
    else if (op >= opPush1 && op <= opPush32) at += op - opPush1 + 1
  }
  return jumps
}
