import { type Msats, msats, satsMax } from '../../units.ts'
import type { Network } from '../network.ts'

/** What an invoice's prefix says: the network, and how much is asked for. */
export interface Prefix {
  readonly network: Network
  /** `null` where the payer chooses. */
  readonly amount: Msats | null
}

/** Invoices do not tell test networks of one prefix apart. */
const prefixes: Readonly<Record<string, Network>> = { bc: 'mainnet', tb: 'testnet4', tbs: 'signet', bcrt: 'regtest' }

/** Thousandths of a millisatoshi, so that every multiplier is a whole number: a bitcoin has 10^11 millisatoshi. */
const multipliers: readonly (readonly [letter: string, perUnit: bigint])[] = [
  ['', 10n ** 12n],
  ['m', 10n ** 9n],
  ['u', 10n ** 6n],
  ['n', 10n ** 3n],
  ['p', 1n],
]

/** Pico-bitcoin in a millisatoshi. */
const picoPerMsat = 10n
/** Digits of all the bitcoin there can be, in pico-bitcoin. */
const digitsMax = 20

/** Reads `ln<network><amount>` (BOLT-11, "Human-Readable Part"); nothing when it is none, or the amount is not whole. */
export function decodePrefix(text: string): Prefix | undefined {
  const [, currency = '', digits, letter = ''] = /^ln(bcrt|tbs|bc|tb)(?:([1-9]\d*)([munp])?)?$/.exec(text) ?? []
  const network = prefixes[currency]
  if (!network) return undefined
  if (digits === undefined) return { network, amount: null }
  const perUnit = multipliers.find(([name]) => name === letter)?.[1]
  if (digits.length > digitsMax || perUnit === undefined) return undefined
  const pico = BigInt(digits) * perUnit
  const amount = pico / picoPerMsat
  if (pico % picoPerMsat !== 0n || amount > 1_000n * satsMax) return undefined
  return { network, amount: msats(amount) }
}

/** Writes the shortest prefix of an amount. */
export function encodePrefix({ network, amount }: Prefix): string {
  const currency = Object.keys(prefixes).find((name) => prefixes[name] === network) as string
  if (amount === null) return `ln${currency}`
  const pico = amount * picoPerMsat
  const [letter, perUnit] = multipliers.find(([, perUnit]) => pico % perUnit === 0n) as (typeof multipliers)[number]
  return `ln${currency}${pico / perUnit}${letter}`
}
