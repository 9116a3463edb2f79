import { accepted, type Decoded, refused, SdkError } from '../sdk/errors.ts'
import { type Fork, gasTables } from '../sdk/evm/fork.ts'
import { type ChainId, chainId } from '../sdk/units.ts'
import { bitcoinSourcesMax } from './limits.ts'

/** When a block counts as final: by the executor's own `finalized` tag, or this many blocks below the head. */
export type Finality = 'tag' | number

/** One chain this edge serves. */
export interface ChainConfig {
  readonly id: ChainId
  readonly fork: Fork
  /** JSON-RPC addresses in the order of preference: each stands in for those before it. From configuration only. */
  readonly executors: readonly string[]
  /** Beacon APIs that light clients are served from, in the order of preference; none: they are not. From configuration only. */
  readonly beacons: readonly string[]
  readonly finality: Finality
  /** Pause between two looks at the head, while anything is under way. */
  readonly pollMs: number
  /** How long one sending may take before its outcome is looked up instead. */
  readonly leaseMs: number
  /** New transactions are refused; what is here goes on. */
  readonly isDraining: boolean
}

export type Chains = ReadonlyMap<ChainId, ChainConfig>

const chainsMax = 64
const executorsMax = 8

/**
 * Reads the `CHAINS` variable: JSON, from chain id to `{ fork, executors, beacons?, finality?, pollMs?, leaseMs?, draining? }`.
 * Never throws.
 *
 * Refuses unknown fields, so that a misspelt one is not a default in disguise.
 */
export function decodeChains(text: string | null | undefined): Decoded<Chains> {
  return chainsOf(text ?? '')
}

const chainsOf = remembered((text: string): Decoded<Chains> => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return refused('CHAINS is not JSON')
  }
  if (!isRecord(json)) return refused('CHAINS is not an object')
  const entries = Object.entries(json)
  if (entries.length > chainsMax) return refused(`CHAINS names more than ${chainsMax} chains`)
  const chains = new Map<ChainId, ChainConfig>()
  for (const [key, value] of entries) {
    const id = readChainId(key)
    if (id === undefined) return refused(`"${key}" is not a chain id`)
    const chain = decodeChain(id, value)
    if (!chain.ok) return refused(`chain ${key}: ${chain.reason}`)
    chains.set(id, chain.value)
  }
  return accepted(chains)
})

/**
 * The configuration of one chain, for an object that has rows of it.
 * Throws `node/unreachable` when the operator has taken the chain away: its rows stay, and wait.
 */
export function chainConfig(text: string, id: ChainId): ChainConfig {
  const chains = decodeChains(text)
  const chain = chains.ok ? chains.value.get(id) : undefined
  if (!chain) throw new SdkError('node/unreachable', `Chain ${id} is not configured.`, { retryable: true })
  return chain
}

/** Reads a chain id from a path or a key: decimal digits, no leading zero. */
export function readChainId(text: string): ChainId | undefined {
  if (!/^[1-9][0-9]{0,15}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? chainId(value) : undefined
}

const fields = ['fork', 'executors', 'beacons', 'finality', 'pollMs', 'leaseMs', 'draining']

function decodeChain(id: ChainId, value: unknown): Decoded<ChainConfig> {
  if (!isRecord(value)) return refused('not an object')
  const stray = Object.keys(value).find((key) => !fields.includes(key))
  if (stray !== undefined) return refused(`unknown field "${stray}"`)
  const { fork, executors, beacons = [], finality = 'tag', pollMs = 500, leaseMs = 5_000, draining = false } = value
  if (typeof fork !== 'string' || !Object.hasOwn(gasTables, fork)) return refused('the fork is not a known one')
  if (!Array.isArray(executors) || executors.length === 0 || executors.length > executorsMax)
    return refused(`executors are not a list of 1 to ${executorsMax} addresses`)
  if (!executors.every(isHttpUrl)) return refused('an executor is not an http or https address')
  if (!Array.isArray(beacons) || beacons.length > executorsMax || !beacons.every(isHttpUrl))
    return refused(`beacons are not a list of at most ${executorsMax} http or https addresses`)
  if (finality !== 'tag' && !isWithin(finality, 1, 10_000)) return refused('finality is not "tag" or 1 to 10000 blocks')
  if (!isWithin(pollMs, 50, 60_000)) return refused('pollMs is not within 50 to 60000')
  if (!isWithin(leaseMs, 3_000, 60_000)) return refused('leaseMs is not within 3000 to 60000')
  if (typeof draining !== 'boolean') return refused('draining is not true or false')
  return accepted({ id, fork: fork as Fork, executors, beacons, finality, pollMs, leaseMs, isDraining: draining })
}

/** The Bitcoin network whose channels this edge closes in time. */
export interface BitcoinConfig {
  readonly network: BitcoinNetwork
  /** Addresses of Esplora servers, all of them asked and told. From configuration only, never from a request. */
  readonly esplora: readonly string[]
  /** Pause between two looks at a chain whose next block counts. */
  readonly pollMs: number
}

const networks = ['mainnet', 'testnet4', 'signet', 'regtest'] as const
type BitcoinNetwork = (typeof networks)[number]

export const bitcoinPollMs = 30_000

/**
 * Reads the `BITCOIN` variable: JSON, `{ network, esplora, pollMs? }`, or nothing when the edge watches no network: empty,
 * or `null`, which is what workerd makes of a variable that its environment does not set. Never throws.
 *
 * Refuses unknown fields, so that a misspelt one is not a default in disguise.
 */
export function decodeBitcoin(text: string | null | undefined): Decoded<BitcoinConfig | null> {
  return bitcoinFrom(text ?? '')
}

const bitcoinFrom = remembered((text: string): Decoded<BitcoinConfig | null> => {
  if (text === '') return accepted(null)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return refused('BITCOIN is not JSON')
  }
  if (!isRecord(json)) return refused('BITCOIN is not an object')
  const stray = Object.keys(json).find((key) => !['network', 'esplora', 'pollMs'].includes(key))
  if (stray !== undefined) return refused(`BITCOIN has an unknown field "${stray}"`)
  const { network, esplora, pollMs = bitcoinPollMs } = json
  const known = networks.find((name) => name === network)
  if (!known) return refused('the network is not a known one')
  if (!Array.isArray(esplora) || esplora.length === 0 || esplora.length > bitcoinSourcesMax)
    return refused(`esplora is not a list of 1 to ${bitcoinSourcesMax} addresses`)
  if (!esplora.every(isHttpUrl)) return refused('an esplora server is not an http or https address')
  if (!isWithin(pollMs, 50, 600_000)) return refused('pollMs is not within 50 to 600000')
  return accepted({ network: known, esplora, pollMs })
})

/** The network that an object works with; none where none is configured, and none where it cannot be read. */
export function bitcoinOf(text: string | null | undefined): BitcoinConfig | null {
  const decoded = decodeBitcoin(text)
  return decoded.ok ? decoded.value : null
}

/** Reads the same text once: a variable does not change while a worker lives, and objects ask for it at every event. */
function remembered<value>(read: (text: string) => value): (text: string) => value {
  let last: { readonly text: string; readonly value: value } | undefined
  return (text) => {
    if (last?.text !== text) last = { text, value: read(text) }
    return last.value
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isHttpUrl(value: unknown): value is string {
  if (typeof value !== 'string') return false
  try {
    return ['http:', 'https:'].includes(new URL(value).protocol)
  } catch {
    return false
  }
}

function isWithin(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
}
