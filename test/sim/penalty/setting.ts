import { p2wpkh } from '../../../sdk/bitcoin/index.ts'
import type {
  Draft,
  decodeChannel,
  penaltyStep,
  pursueCommitment,
  resolve,
  Side,
  Terms,
} from '../../../sdk/channel/penalty/index.ts'
import { type ChannelSecrets, channelSecrets, sideKeysOf } from '../../../sdk/channel/penalty/index.ts'
import { currentEngine } from '../../../sdk/crypto/index.ts'
import { inMsats, msats, sats } from '../../../sdk/units.ts'
import type { Random } from '../random.ts'
import type { Faults } from '../world.ts'

/** A defect put in on purpose, in one side or both, to see whether the simulation notices. */
export interface Mutant {
  readonly name: string
  readonly step?: (right: typeof penaltyStep) => typeof penaltyStep
  readonly decode?: typeof decodeChannel
  /** Takes what the other side gives back for the newest, or whatever that is. [TW51] */
  readonly peerCopy?: 'newest' | 'any'
  readonly resolve?: (right: typeof resolve) => typeof resolve
  readonly lift?: (right: typeof pursueCommitment) => typeof pursueCommitment
  /** Faults without which it does no harm: they are there in each of its worlds. */
  readonly faults?: Partial<Faults>
}

/** How likely each fault is where a world has it at all. About half of them are absent from each world. */
const ratesMax: Faults = {
  drop: 0.15,
  lostAnswer: 0,
  double: 0.15,
  delay: 0.3,
  partition: 0.02,
  crash: 0.03,
  diskFull: 0.02,
  unknownEnd: 0.04,
  noise: 0.3,
  reorg: 0.15,
  hostile: 0.4,
  restore: 0.6,
  tillLost: 0,
  feeSpike: 0.08,
}

/** Faults that come once in a life, and so are drawn for few worlds. */
const rare: readonly (keyof Faults)[] = ['restore', 'hostile']
const rareShare = 0.3

export function drawFaults(random: Random): Faults {
  const names = Object.keys(ratesMax) as (keyof Faults)[]
  const rates = names.map((name) => {
    const isThere = random.chance(rare.includes(name) ? rareShare : 0.5)
    return [name, isThere ? ratesMax[name] * random.pick([0.3, 1]) : 0]
  })
  return Object.fromEntries(rates) as Faults
}

/** Blocks until what a side broadcast is its own, and before an HTLC's expiry at which it goes to the chain. */
export const delayBlocks = 12
export const marginBlocks = 5

/** Two sides' secrets, and the draft of one of them. */
export function drawChannel(random: Random) {
  const { publicKey } = currentEngine()
  const nodeSecret = random.bytes(32)
  const secrets: Record<Side, ChannelSecrets> = {
    opener: channelSecrets(random.bytes(32)),
    accepter: channelSecrets(random.bytes(32)),
  }
  const terms: Terms = {
    network: 'regtest',
    nodeKey: publicKey(nodeSecret),
    feeratePerKw: random.from(253, 2_000),
    delayBlocks,
    confirmationsMin: random.from(1, 3),
    capacityMin: sats(20_000n),
    capacityMax: sats(1_000_000n),
    amountMin: msats(BigInt(random.from(1, 1_000))),
    inFlightMax: inMsats(sats(BigInt(random.from(20_000, 200_000)))),
    htlcsMax: random.from(1, 8),
    marginBlocks,
  }
  const capacity = sats(BigInt(random.from(60_000, 400_000)))
  const scripts: Record<Side, Uint8Array> = { opener: p2wpkh(random.bytes(33)), accepter: p2wpkh(random.bytes(33)) }
  const draft: Draft = {
    terms,
    capacity,
    pushed: msats(random.chance(0.4) ? 0n : (inMsats(capacity) * BigInt(random.from(1, 60))) / 100n),
    keys: sideKeysOf(secrets.opener, scripts.opener),
  }
  return { secrets, draft, scripts, accepterKeys: sideKeysOf(secrets.accepter, scripts.accepter), nodeSecret }
}
