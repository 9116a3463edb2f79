import { currentEngine, keccak256 } from '../crypto/engine.ts'
import { depthMax, hardened, isPlain } from '../crypto/hdKey.ts'
import { accepted, type Decoded, refused, SdkError } from '../errors.ts'
import { type Address, address, toHex } from '../units.ts'

declare const checked: unique symbol

/** Child numbers from a node downwards (BIP-32); hardened ones have 2^31 added. Made by {@link parsePath}. */
export type Path = readonly number[] & { readonly [checked]: 'Path' }

/** Deepest path: a node's depth is one byte (BIP-32 "Serialization format"). */
export const pathDepthMax = depthMax
const pathTextMax = 4_096

/** Reads `m/44'/60'/0'/0/0`; `'`, `h` and `H` mark hardened steps. Never throws. */
export function parsePath(text: string): Decoded<Path> {
  if (text.length > pathTextMax) return refused('the path is too long')
  const [root, ...steps] = text.split('/')
  if (root !== 'm') return refused('a path starts with m')
  if (steps.length > pathDepthMax) return refused(`a path has at most ${pathDepthMax} steps`)
  const numbers: number[] = []
  for (const [at, step] of steps.entries()) {
    const parts = /^(0|[1-9]\d{0,9})(['hH]?)$/.exec(step)
    const number = Number(parts?.[1])
    if (!parts || number >= hardened) return refused(`step ${at + 1} is not a number from 0 to 2^31 - 1`)
    numbers.push(parts[2] ? number + hardened : number)
  }
  return accepted(pathOf(numbers))
}

/** The parent of all EVM accounts, `m/44'/60'/0'/0` (BIP-44, coin type 60 of SLIP-44). */
export function evmAccountsPath(): Path {
  return pathOf([44 + hardened, 60 + hardened, hardened, 0])
}

/** The one step from that parent to account `index`. Throws `units/out-of-range` outside 0..2^31 - 1. */
export function accountStep(index: number): Path {
  return pathOf([plainStep(index)])
}

/**
 * The first Bitcoin account of a kind: `m/84'/c'/0'` for P2WPKH (BIP-84), `m/86'/c'/0'` for P2TR (BIP-86),
 * `m/48'/c'/0'/2'` for a share in P2WSH multisig (BIP-48), `c` being the coin type (SLIP-44): 0, or 1 for test networks.
 */
export function bitcoinAccountPath(kind: BitcoinAccountKind, coinType: 0 | 1): Path {
  const { purpose, script } = bitcoinAccounts[kind]
  return pathOf([purpose, coinType, 0, ...script].map((step) => step + hardened))
}

/** What a Bitcoin account pays to. */
export type BitcoinAccountKind = 'wpkh' | 'tr' | 'multisig'

const bitcoinAccounts: Readonly<Record<BitcoinAccountKind, { readonly purpose: number; readonly script: number[] }>> = {
  wpkh: { purpose: 84, script: [] },
  tr: { purpose: 86, script: [] },
  multisig: { purpose: 48, script: [2] },
}

/**
 * The parent of all channel keys, `m/7113'/c'/0'`. No BIP has that number, so that no wallet's accounts meet it
 * (BIP-43), and every step is hardened: a channel key that leaks tells nothing of another key.
 */
export function channelsPath(coinType: 0 | 1): Path {
  return pathOf([7113, coinType, 0].map((step) => step + hardened))
}

/** The hardened step from that parent to the key of channel `index`. Throws `units/out-of-range` outside 0..2^31 - 1. */
export function channelStep(index: number): Path {
  return pathOf([plainStep(index) + hardened])
}

/** What is left of `path` below `parent`, or nothing when it does not lead there by plain steps alone. */
export function plainStepsBelow(parent: Path, path: readonly number[]): Path | undefined {
  const rest = path.slice(parent.length)
  const isBelow = parent.every((step, at) => path[at] === step) && rest.length > 0
  return isBelow && rest.every(isPlain) ? pathOf(rest) : undefined
}

/** The EVM account of a public key of 33 or 65 bytes: the last 20 bytes of its keccak256. Throws `crypto/malformed-key`. */
export function addressOfKey(publicKey: Uint8Array): Address {
  const point = currentEngine().uncompressed(publicKey).subarray(1)
  return address(toHex(keccak256(point).subarray(12)))
}

function plainStep(index: number): number {
  if (!isPlain(index)) throw new SdkError('units/out-of-range', `${index} is not an index of a key (0 to 2^31 - 1).`)
  return index
}

function pathOf(numbers: readonly number[]): Path {
  return numbers as Path
}
