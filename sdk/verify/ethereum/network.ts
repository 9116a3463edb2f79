import type { Fork } from '../../evm/fork.ts'
import type { BeaconFork } from './containers.ts'

/** When a fork began, and what its signatures name it. */
export interface ForkStart {
  readonly fork: BeaconFork
  readonly epoch: number
  /** Four bytes as a number: `0x05000000`. */
  readonly version: number
}

/** How many slots and members the specification's presets have. */
export interface Preset {
  readonly slotsPerEpoch: number
  readonly epochsPerPeriod: number
  readonly committeeSize: number
}

/** A beacon chain: all that a light client has to know of it before it hears a word. */
export interface BeaconNetwork {
  readonly name: string
  /** EVM chain id of its execution layer. */
  readonly chainId: number
  readonly preset: Preset
  /** 32 bytes. Every signature of this chain is bound to it. */
  readonly genesisValidatorsRoot: Uint8Array
  /** In seconds since 1970, of slot 0. */
  readonly genesisTime: number
  readonly secondsPerSlot: number
  /** Ascending, from the chain's first fork on. What comes after the last is read as that. */
  readonly forks: readonly ForkStart[]
  /** From which epochs on blobs have other parameters (EIP-7892). */
  readonly blobSteps: readonly BlobStep[]
}

export interface BlobStep {
  readonly epoch: number
  readonly step: 'bpo1' | 'bpo2'
}

export const mainnetPreset: Preset = { slotsPerEpoch: 32, epochsPerPeriod: 256, committeeSize: 512 }
export const minimalPreset: Preset = { slotsPerEpoch: 8, epochsPerPeriod: 8, committeeSize: 32 }

/** consensus-specs, `configs/mainnet.yaml`. */
export const mainnet: BeaconNetwork = {
  name: 'mainnet',
  chainId: 1,
  preset: mainnetPreset,
  genesisValidatorsRoot: /* @__PURE__ */ root('4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95'),
  genesisTime: 1_606_824_023,
  secondsPerSlot: 12,
  forks: [
    { fork: 'phase0', epoch: 0, version: 0x00000000 },
    { fork: 'altair', epoch: 74_240, version: 0x01000000 },
    { fork: 'bellatrix', epoch: 144_896, version: 0x02000000 },
    { fork: 'capella', epoch: 194_048, version: 0x03000000 },
    { fork: 'deneb', epoch: 269_568, version: 0x04000000 },
    { fork: 'electra', epoch: 364_032, version: 0x05000000 },
    { fork: 'fulu', epoch: 411_392, version: 0x06000000 },
  ],
  blobSteps: [
    { epoch: 412_672, step: 'bpo1' },
    { epoch: 419_072, step: 'bpo2' },
  ],
}

/** eth-clients/sepolia, `metadata/config.yaml`. */
export const sepolia: BeaconNetwork = {
  name: 'sepolia',
  chainId: 11_155_111,
  preset: mainnetPreset,
  genesisValidatorsRoot: /* @__PURE__ */ root('d8ea171f3c94aea21ebc42a1ed61052acf3f9209c00e4efbaaddac09ed9b8078'),
  genesisTime: 1_655_733_600,
  secondsPerSlot: 12,
  forks: [
    { fork: 'phase0', epoch: 0, version: 0x90000069 },
    { fork: 'altair', epoch: 50, version: 0x90000070 },
    { fork: 'bellatrix', epoch: 100, version: 0x90000071 },
    { fork: 'capella', epoch: 56_832, version: 0x90000072 },
    { fork: 'deneb', epoch: 132_608, version: 0x90000073 },
    { fork: 'electra', epoch: 222_464, version: 0x90000074 },
    { fork: 'fulu', epoch: 272_640, version: 0x90000075 },
  ],
  blobSteps: [
    { epoch: 274_176, step: 'bpo1' },
    { epoch: 275_712, step: 'bpo2' },
  ],
}

/** eth-clients/hoodi, `metadata/config.yaml`; it began with Deneb. */
export const hoodi: BeaconNetwork = {
  name: 'hoodi',
  chainId: 560_048,
  preset: mainnetPreset,
  genesisValidatorsRoot: /* @__PURE__ */ root('212f13fc4df078b6cb7db228f1c8307566dcecf900867401a92023d7ba99cb5f'),
  genesisTime: 1_742_213_400,
  secondsPerSlot: 12,
  forks: [
    { fork: 'deneb', epoch: 0, version: 0x50000910 },
    { fork: 'electra', epoch: 2_048, version: 0x60000910 },
    { fork: 'fulu', epoch: 50_688, version: 0x70000910 },
  ],
  blobSteps: [
    { epoch: 52_480, step: 'bpo1' },
    { epoch: 54_016, step: 'bpo2' },
  ],
}

/** The fork that is on at a slot. */
export function forkAt({ forks, preset }: BeaconNetwork, slot: number): ForkStart {
  const epoch = Math.floor(slot / preset.slotsPerEpoch)
  const [first] = forks
  return (forks.filter((one) => one.epoch <= epoch).at(-1) ?? first) as ForkStart
}

/** By which rules a block of this time runs; nothing where they are older than what the machine knows. */
export function evmRulesAt(
  network: BeaconNetwork,
  timestamp: number,
): { readonly fork: Fork; readonly blobs: Fork | BlobStep['step'] } | null {
  const slot = slotAt(network, timestamp)
  const fork = evmForks[forkAt(network, slot).fork]
  if (!fork) return null
  const epoch = Math.floor(slot / network.preset.slotsPerEpoch)
  return { fork, blobs: network.blobSteps.filter((one) => one.epoch <= epoch).at(-1)?.step ?? fork }
}

const evmForks: Readonly<Partial<Record<BeaconFork, Fork>>> = { deneb: 'cancun', electra: 'prague', fulu: 'osaka' }

/** The number of the sync committee that signs in a slot. */
export function periodAt({ preset }: BeaconNetwork, slot: number): number {
  return Math.floor(slot / (preset.slotsPerEpoch * preset.epochsPerPeriod))
}

/** The slot of a time in seconds since 1970; before genesis, none. */
export function slotAt({ genesisTime, secondsPerSlot }: BeaconNetwork, seconds: number): number {
  return Math.max(0, Math.floor((seconds - genesisTime) / secondsPerSlot))
}

/** When a slot begins, in seconds since 1970. */
export function timeOf({ genesisTime, secondsPerSlot }: BeaconNetwork, slot: number): number {
  return genesisTime + slot * secondsPerSlot
}

function root(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16))
}
