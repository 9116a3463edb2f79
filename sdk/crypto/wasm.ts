import { secp256k1 } from '@noble/curves/secp256k1.js'
import { invariant, SdkError } from '../errors.ts'
import type { CryptoEngine } from './engine.ts'
import { nobleEngine, rotate, sumsBy } from './noble.ts'
import { plus } from './publicMultiples.ts'
import { compressed, recoveredSums } from './recoveredSums.ts'

/** The modules that {@link wasmEngine} runs on: `lanekit/crypto/secp256k1.wasm` and `lanekit/crypto/hashes.wasm`. */
export interface WasmModules {
  /** libsecp256k1 of Bitcoin Core, as the package `ox` builds it. */
  readonly secp256k1: WebAssembly.Module
  /** Keccak-256, SHA-256, RIPEMD-160 and HMAC-SHA-256, by the same hand. */
  readonly hashes: WebAssembly.Module
}

/**
 * An engine whose hashes and ECDSA are WebAssembly, three to ten times as fast as noble's; Schnorr stays noble's.
 *
 * It takes modules, not bytes, since workerd compiles none at run time: there, `import module from
 * 'lanekit/crypto/secp256k1.wasm'` is one. Elsewhere `WebAssembly.compile` makes one of the file.
 *
 * @param blinding - 32 random bytes: multiplications by secrets then take other steps in every program (libsecp256k1,
 *   `secp256k1_context_randomize`). Signatures stay the same.
 *
 * Throws what `WebAssembly.Instance` throws for a module that is another one.
 */
export function wasmEngine(modules: WasmModules, blinding?: Uint8Array): CryptoEngine {
  const hashes = hashesOf(modules.hashes)
  return { ...nobleEngine, ...hashes, ...curveOf(modules.secp256k1, hashes.sha256, blinding), name: 'wasm' }
}

type Hashes = Pick<CryptoEngine, 'keccak256' | 'sha256' | 'hmacSha256' | 'hash160'>

function hashesOf(module: WebAssembly.Module): Hashes {
  const machine = machineOf(module)
  const { hmac_sha256: hmac } = machine.functions
  invariant(hmac, 'the module has its functions')
  const hashBy = (name: string, size: number) => {
    const hash = machine.functions[name]
    invariant(hash, 'the module has its functions')
    return (bytes: Uint8Array) => {
      const [at = 0, out = 0] = machine.put([bytes], size)
      hash(at, bytes.length, out)
      return machine.take(out, size)
    }
  }
  const sha256 = hashBy('sha256', 32)
  const ripemd160 = hashBy('ripemd160', 20)
  return {
    keccak256: hashBy('keccak256', 32),
    sha256,
    hash160: (bytes) => ripemd160(sha256(bytes)),
    hmacSha256: (key, bytes) => {
      const [keyAt = 0, at = 0, out = 0] = machine.put([key, bytes], 32 + hmacScratch)
      hmac(keyAt, key.length, at, bytes.length, out, out + 32)
      const tag = machine.take(out, 32)
      machine.wipe()
      return tag
    },
  }
}

/** Bytes that an HMAC works in, with room to spare. */
const hmacScratch = 512

type Curve = Pick<
  CryptoEngine,
  'publicKey' | 'sign' | 'verify' | 'recover' | 'sharedSecret' | 'tweakPublicKey' | 'tweakXOnlyKey' | 'sumOfMultiples'
>

function curveOf(module: WebAssembly.Module, sha256: CryptoEngine['sha256'], blinding?: Uint8Array): Curve {
  const machine = machineOf(module)
  const { secp256k1_init: init, secp256k1_get_public_key: publicKeyOf, secp256k1_sign: sign } = machine.functions
  const { secp256k1_verify: verify, secp256k1_recover_public_key: recover } = machine.functions
  const { secp256k1_get_shared_secret: multiply, secp256k1_randomize: randomize } = machine.functions
  invariant(init && publicKeyOf && sign && verify && recover && multiply && randomize, 'the module has its functions')
  invariant(init() === 1, 'the curve has its tables')
  if (blinding) {
    invariant(blinding.length === 32, 'the blinding has 32 bytes')
    const [at = 0] = machine.put([blinding], 0)
    invariant(randomize(at) === 1, 'the curve takes the blinding')
    machine.wipe()
  }
  /** Runs on a secret, leaves none of it behind, and throws where it is no key. */
  const withSecret = (inputs: readonly Uint8Array[], size: number, run: (...at: number[]) => number) => {
    const places = machine.put(inputs, size)
    const isDone = run(...places) === 1
    const out = machine.take(places.at(-1) ?? 0, size)
    machine.wipe()
    if (!isDone) throw malformed()
    return out
  }
  const timesBase = (factor: Uint8Array) => {
    if (factor.length !== 32) throw malformed()
    return withSecret([factor], 65, (key = 0, out = 0) => publicKeyOf(key, out))
  }
  const signer = (signature: Uint8Array, digest: Uint8Array, parity: 0 | 1) => {
    // The module reads the parity first.
    const [at = 0, message = 0, out = 0] = machine.put([Uint8Array.of(parity, ...signature), digest], 65)
    const key = recover(at, message, 32, out) === 1 ? machine.take(out, 65) : undefined
    machine.wipe()
    return key
  }
  const sums = sumsBy((sum, factor) => plus(sum, secp256k1.Point.fromBytes(timesBase(factor))))
  return {
    ...recoveredSums(signer, sums),
    publicKey: (secretKey) => compressed(timesBase(secretKey)),
    sign: (digest, secretKey) => {
      if (digest.length !== 32 || secretKey.length !== 32) throw malformed()
      const signed = withSecret([digest, secretKey], 65, (at = 0, key = 0, out = 0) => sign(at, 32, key, 0, 0, 0, out))
      return rotate(signed, 1) // The module writes the parity first.
    },
    verify: (signature, digest, publicKey) => {
      if (signature.length < 64 || digest.length !== 32 || !isPoint(publicKey)) return false
      const [at = 0, message = 0, key = 0] = machine.put([signature.subarray(0, 64), digest, publicKey], 0)
      return verify(at, message, 32, key, publicKey.length, 0) === 1
    },
    recover: (signature, digest) => {
      const parity = signature[64]
      if (signature.length !== 65 || digest.length !== 32 || (parity !== 0 && parity !== 1)) return undefined
      if (hasHighS(signature)) return undefined
      return signer(signature.subarray(0, 64), digest, parity)
    },
    sharedSecret: (secretKey, publicKey) => {
      if (secretKey.length !== 32 || publicKey.length !== 33) throw malformed()
      return sha256(
        withSecret([secretKey, publicKey], 33, (key = 0, at = 0, out = 0) => multiply(key, at, publicKey.length, out)),
      )
    },
  }
}

/** One instance with its memory: what is put there stays until the next call. */
interface Machine {
  readonly functions: Readonly<Record<string, ((...numbers: number[]) => number) | undefined>>
  /** Puts inputs one after the other, and says where each is and, last, where `room` bytes behind them begin. */
  readonly put: (inputs: readonly Uint8Array[], room: number) => number[]
  /** A copy of what is there. */
  readonly take: (at: number, size: number) => Uint8Array
  /** Zeroes all that was put, and the room. */
  readonly wipe: () => void
}

const pageBytes = 65_536

function machineOf(module: WebAssembly.Module): Machine {
  const { exports } = new WebAssembly.Instance(module, {})
  const { memory, heap_base: heapBase, ...functions } = exports
  invariant(memory instanceof WebAssembly.Memory && typeof heapBase === 'function', 'the module is one of these two')
  const base: number = heapBase()
  let view = new Uint8Array(memory.buffer)
  let end = base
  return {
    functions: functions as Machine['functions'],
    put: (inputs, room) => {
      const places: number[] = []
      let at = base
      for (const { length } of inputs) {
        places.push(at)
        at += length
      }
      at += -at & 7 // What works in the room may want whole words.
      end = at + room
      if (end > view.length) memory.grow(Math.ceil((end - view.length) / pageBytes))
      if (view.buffer !== memory.buffer) view = new Uint8Array(memory.buffer)
      for (const [index, input] of inputs.entries()) view.set(input, places[index])
      places.push(at)
      return places
    },
    take: (at, size) => view.slice(at, at + size),
    wipe: () => {
      view.fill(0, base, end)
    },
  }
}

function isPoint({ length }: Uint8Array): boolean {
  return length === 33 || length === 65
}

/** Half of the order of the curve: a signature's s is no more. */
const highestS = /* @__PURE__ */ secp256k1.Point.Fn.toBytes(secp256k1.Point.Fn.ORDER >> 1n)

function hasHighS(signature: Uint8Array): boolean {
  for (let at = 0; at < 32; at++) {
    const difference = (signature[32 + at] as number) - (highestS[at] as number)
    if (difference !== 0) return difference > 0
  }
  return false
}

function malformed(): SdkError {
  return new SdkError('crypto/malformed-key', 'The key or digest is not one that secp256k1 takes.')
}
