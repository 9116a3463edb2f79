import type { BitcoinNode } from 'lanekit'
import { esplora } from 'lanekit/adapters'
import { gapLimitMax, type Network, networks } from 'lanekit/bitcoin'
import type { BitcoinCheckpoint } from 'lanekit/verify'
import { type Asked, usage } from './command.ts'
import type { Terminal } from './terminal.ts'

/** Where a command meets the Bitcoin chain. */
export interface BitcoinPlace {
  readonly network: Network
  readonly nodes: readonly BitcoinNode[]
  /** Left out: the network's first block. */
  readonly anchor?: BitcoinCheckpoint
}

/** The same, for a wallet. */
export interface BitcoinWalletPlace extends BitcoinPlace {
  readonly gapLimit?: number
}

const nodesMax = 8
const checkpointBytesMax = 4_096

/** The Bitcoin network that was asked for, mainnet when none was, or nothing when there is none of that name. */
export function networkOf(asked: Asked): Network | undefined {
  const name = asked.text('network') ?? 'mainnet'
  return Object.hasOwn(networks, name) ? (name as Network) : undefined
}

/** Reads where to ask, or says what is wrong with it. */
export function bitcoinPlace(asked: Asked, terminal: Terminal): BitcoinPlace | ReturnType<typeof usage> {
  const network = networkOf(asked)
  if (!network) return usage(`Bitcoin has no network '${asked.text('network')}' here`)
  const urls = (asked.text('esplora') ?? terminal.env.LANEKIT_ESPLORA)?.split(',')
  if (!urls) return usage('no node is named: give --esplora URL, or set LANEKIT_ESPLORA')
  if (urls.length > nodesMax || !urls.every((url) => URL.canParse(url)))
    return usage(`--esplora wants 1 to ${nodesMax} URLs, with commas between them`)
  const nodes = urls.map((url) => esplora({ url, network }))
  const path = asked.text('checkpoint')
  if (path === undefined) return { network, nodes }
  const bytes = terminal.read(path, checkpointBytesMax)
  if ('fault' in bytes) return usage(bytes.fault)
  const anchor = readCheckpoint(new TextDecoder().decode(bytes))
  return anchor ? { network, nodes, anchor } : usage(`'${path}' is no checkpoint`)
}

/** Reads where a wallet is to ask, and how far it looks, or says what is wrong with it. */
export function bitcoinWalletPlace(asked: Asked, terminal: Terminal): BitcoinWalletPlace | ReturnType<typeof usage> {
  const place = bitcoinPlace(asked, terminal)
  const gap = asked.text('gap-limit')
  if ('end' in place || gap === undefined) return place
  if (!/^\d{1,4}$/.test(gap) || Number(gap) < 1 || Number(gap) > gapLimitMax)
    return usage(`--gap-limit wants a number from 1 to ${gapLimitMax}`)
  return { ...place, gapLimit: Number(gap) }
}

/** Reads a checkpoint; what it claims is checked where the chain begins. */
function readCheckpoint(text: string): BitcoinCheckpoint | undefined {
  try {
    const { height, header, work, period, times } = JSON.parse(text)
    const bytes = Uint8Array.from(Buffer.from(String(header), 'hex'))
    const isShaped =
      [height, period.time, period.bits, ...times].every(Number.isSafeInteger) && /^\d{1,80}$/.test(String(work))
    if (!isShaped || bytes.length !== 80) return undefined
    return { height, header: bytes, work: BigInt(work), period: { time: period.time, bits: period.bits }, times }
  } catch {
    return undefined
  }
}
