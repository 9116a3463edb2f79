import { hardened } from '../crypto/hdKey.ts'
import { accepted, type Decoded, invariant, refused } from '../errors.ts'
import { type AccountKey, childKey, type DerivedKey, decodeAccountKey, type KeyOrigin } from './accountKey.ts'
import { descriptorChecksum } from './checksum.ts'
import { multisigSpendWeightMax, spendWeightMax } from './fees.ts'
import { encodeMultisig, multisigKeysMax } from './multisig.ts'
import type { Network } from './network.ts'
import { compareBytes, p2wpkh, p2wsh } from './script.ts'
import { p2tr } from './taproot.ts'

/** Longest descriptor {@link decodeDescriptor} reads: fifteen keys with their origins need half of it. */
export const descriptorCharsMax = 8_000

/** A rule that gives an output script for every index (BIP-380), in the three forms this wallet speaks. */
export type Descriptor =
  /** `wpkh(KEY/*)`: P2WPKH (BIP-382), and `tr(KEY/*)`: P2TR without scripts (BIP-386). */
  | { readonly kind: 'wpkh' | 'tr'; readonly network: Network; readonly key: AccountKey }
  /** `wsh(sortedmulti(k,KEY/*,...))`: P2WSH, spent by `required` of the keys (BIP-383). */
  | {
      readonly kind: 'multisig'
      readonly network: Network
      readonly required: number
      readonly keys: readonly AccountKey[]
    }

/** One output of a descriptor: what a chain is asked for, and what a signer must be told. */
export interface DescribedOutput {
  readonly script: Uint8Array
  /** The script that a P2WSH output hashes; else `null`. */
  readonly witnessScript: Uint8Array | null
  /** In the order of the script. */
  readonly keys: readonly DerivedKey[]
}

/**
 * Reads a descriptor, or the two of a `<0;1>` pair (BIP-389) in their order. Never throws.
 *
 * Takes public extended keys with plain steps and a final `/*`. A missing checksum is let pass, a wrong one is
 * refused; so are repeated keys, other forms, and keys of another network.
 */
export function decodeDescriptor(text: string, network: Network): Decoded<readonly Descriptor[]> {
  if (text.length > descriptorCharsMax) return refused('the descriptor is too long')
  const [body = '', checksum, ...rest] = text.split('#')
  const expected = descriptorChecksum(body)
  if (expected === undefined) return refused('the descriptor has a character outside its set')
  if (rest.length > 0 || (checksum !== undefined && checksum !== expected)) return refused('the checksum is wrong')
  const shape = shapeOf(body)
  if (!shape) return refused('the descriptor is none of wpkh(KEY), tr(KEY), wsh(sortedmulti(k,KEY,...))')

  const expressions: KeyExpression[] = []
  for (const key of shape.keys) {
    const expression = decodeKeyExpression(key)
    if (!expression) return refused('a key is not [origin]xpub/steps/*')
    expressions.push(expression)
  }
  const width = expressions[0]?.branches.length ?? 0
  if (expressions.some(({ branches }) => branches.length !== width)) return refused('the keys differ in their branches')

  const descriptors: Descriptor[] = []
  for (let branch = 0; branch < width; branch++) {
    const descriptor = describe(shape, expressions, branch, network)
    if (!descriptor.ok) return descriptor
    descriptors.push(descriptor.value)
  }
  return accepted(descriptors)
}

/** Writes a descriptor with its checksum; hardened steps of an origin as `h`. */
export function encodeDescriptor(descriptor: Descriptor): string {
  const body =
    descriptor.kind === 'multisig'
      ? `wsh(sortedmulti(${[descriptor.required, ...descriptor.keys.map(encodeKey)].join(',')}))`
      : `${descriptor.kind}(${encodeKey(descriptor.key)})`
  return `${body}#${descriptorChecksum(body)}`
}

/** A multisig descriptor of at least one and at most {@link multisigKeysMax} keys; the rules of {@link decodeDescriptor}. */
export function multisigDescriptor(input: {
  readonly network: Network
  readonly required: number
  readonly keys: readonly AccountKey[]
}): Decoded<Descriptor> {
  const { required, keys } = input
  if (keys.length > multisigKeysMax) return refused(`a multisig has at most ${multisigKeysMax} keys`)
  if (!Number.isInteger(required) || required < 1 || required > keys.length)
    return refused('the number of required signatures does not fit the keys')
  if (new Set(keys.map(({ xpub }) => xpub)).size !== keys.length) return refused('a key is named twice')
  return accepted({ kind: 'multisig', ...input })
}

/** The output at `index`, from 0 to 2^31 - 1. */
export function outputAt(descriptor: Descriptor, index: number): DescribedOutput {
  if (descriptor.kind === 'multisig') {
    const keys = descriptor.keys
      .map((key) => childKey(key, index))
      .sort((a, b) => compareBytes(a.publicKey, b.publicKey))
    const publicKeys = keys.map(({ publicKey }) => publicKey)
    const witnessScript = encodeMultisig({ required: descriptor.required, publicKeys })
    return { script: p2wsh(witnessScript), witnessScript, keys }
  }
  const key = childKey(descriptor.key, index)
  const script = descriptor.kind === 'tr' ? p2tr(key.publicKey.subarray(1)) : p2wpkh(key.publicKey)
  invariant(script, 'a derived key is a point, and so is its tweaked key')
  return { script, witnessScript: null, keys: [key] }
}

/** Weight of an input that spends from a descriptor, with signatures at their longest. */
export function inputWeightMax(descriptor: Descriptor): number {
  if (descriptor.kind !== 'multisig') return spendWeightMax[descriptor.kind]
  return multisigSpendWeightMax(descriptor.required, descriptor.keys.length)
}

interface Shape {
  readonly kind: Descriptor['kind']
  readonly required: number
  readonly keys: readonly string[]
}

interface KeyExpression {
  readonly origin: KeyOrigin | undefined
  readonly xpub: string
  /** The steps of each descriptor that the expression stands for. */
  readonly branches: readonly (readonly number[])[]
}

function shapeOf(body: string): Shape | undefined {
  const single = /^(wpkh|tr)\(([^(),]+)\)$/.exec(body)
  if (single) return { kind: single[1] as 'wpkh' | 'tr', required: 1, keys: [single[2] as string] }
  const multisig = /^wsh\(sortedmulti\((\d{1,2}),([^()]+)\)\)$/.exec(body)
  if (multisig) return { kind: 'multisig', required: Number(multisig[1]), keys: (multisig[2] as string).split(',') }
  return undefined
}

function describe(
  { kind, required }: Shape,
  expressions: readonly KeyExpression[],
  branch: number,
  network: Network,
): Decoded<Descriptor> {
  const keys: AccountKey[] = []
  for (const { origin, xpub, branches } of expressions) {
    const key = decodeAccountKey({ xpub, network, steps: branches[branch] ?? [], ...(origin && { origin }) })
    if (!key.ok) return key
    keys.push(key.value)
  }
  if (kind === 'multisig') return multisigDescriptor({ network, required, keys })
  return accepted({ kind, network, key: keys[0] as AccountKey })
}

function decodeKeyExpression(text: string): KeyExpression | undefined {
  const match =
    /^(?:\[([0-9a-fA-F]{8})((?:\/\d+[h']?)*)\])?([1-9A-HJ-NP-Za-km-z]+)((?:\/\d+)*)(?:\/<(\d+);(\d+)>)?\/\*$/.exec(text)
  if (!match) return undefined
  const [, fingerprint, originPath = '', xpub = '', plainPath = '', first, second] = match
  const path = decodePath(originPath)
  const steps = decodePath(plainPath)
  const pair = first === undefined ? [] : decodePath(`/${first}/${second}`)
  if (!path || !steps || !pair || (pair.length === 2 && pair[0] === pair[1])) return undefined
  return {
    origin: fingerprint === undefined ? undefined : { fingerprint: fingerprint.toLowerCase(), path },
    xpub,
    branches: pair.length === 0 ? [steps] : pair.map((step) => [...steps, step]),
  }
}

function decodePath(text: string): number[] | undefined {
  const steps = text
    .split('/')
    .slice(1)
    .map((step) => {
      const index = Number.parseInt(step, 10)
      return index >= hardened ? Number.NaN : /[h']$/.test(step) ? index + hardened : index
    })
  return steps.some(Number.isNaN) ? undefined : steps
}

function encodeKey({ origin, xpub, steps }: AccountKey): string {
  const path = origin.path.map((step) => (step >= hardened ? `/${step - hardened}h` : `/${step}`)).join('')
  return `[${origin.fingerprint}${path}]${xpub}${steps.map((step) => `/${step}`).join('')}/*`
}
