import { fromHex, type Hex } from '../../units.ts'

/** The chains that headers can be checked for. */
export type BitcoinNetwork = 'mainnet' | 'testnet3' | 'testnet4' | 'signet' | 'regtest'

/**
 * What the headers of a network must obey beyond the rules all networks share.
 *
 * Funds at risk: a signet block also needs a signature over its challenge (BIP-325), which stands in the coinbase and
 * so is out of reach of a header check. Signet headers show work only, and little of it: signet coins are worthless.
 */
export interface NetworkRules {
  /** The easiest target allowed, in compact form: no header may have a higher one. */
  readonly easiestBits: number
  /**
   * `retarget`: every 2,016 headers from the time the period took. `bip94`: the same, from the first header's bits, with
   * the exception of 20 minutes and the bound on timewarps (BIP-94). `testnet3`: with the exception of 20 minutes, and from
   * the last header's bits, so an exception at the end of a period makes the next one easy. `fixed`: always the easiest target.
   */
  readonly difficulty: 'retarget' | 'testnet3' | 'bip94' | 'fixed'
  /** Heights from which a header's version must be at least 2 (BIP-34), 3 (BIP-66) and 4 (BIP-65). */
  readonly versionHeights: readonly [number, number, number]
  /** Header of block 0. */
  readonly genesis: Hex
}

const networks: Readonly<Record<BitcoinNetwork, NetworkRules>> = {
  mainnet: {
    easiestBits: 0x1d00ffff,
    difficulty: 'retarget',
    versionHeights: [227_931, 363_725, 388_381],
    genesis:
      '0x0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c',
  },
  testnet3: {
    easiestBits: 0x1d00ffff,
    difficulty: 'testnet3',
    versionHeights: [21_111, 330_776, 581_885],
    genesis:
      '0x0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff001d1aa4ae18',
  },
  testnet4: {
    easiestBits: 0x1d00ffff,
    difficulty: 'bip94',
    versionHeights: [1, 1, 1],
    genesis:
      '0x0100000000000000000000000000000000000000000000000000000000000000000000004e7b2b9128fe0291db0693af2ae418b767e657cd407e80cb1434221eaea7a07a046f3566ffff001dbb0c7817',
  },
  signet: {
    easiestBits: 0x1e0377ae,
    difficulty: 'retarget',
    versionHeights: [1, 1, 1],
    genesis:
      '0x0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a008f4d5fae77031e8ad22203',
  },
  regtest: {
    easiestBits: 0x207fffff,
    difficulty: 'fixed',
    versionHeights: [1, 1, 1],
    genesis:
      '0x0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000',
  },
}

/** Every network, in the order that stored chains number them by: append only. */
export const bitcoinNetworks: readonly BitcoinNetwork[] = ['mainnet', 'testnet4', 'signet', 'regtest', 'testnet3']

/** The header rules of a network. */
export function rulesOf(network: BitcoinNetwork): NetworkRules {
  return networks[network]
}

/** The 80 bytes of block 0. */
export function genesisOf(network: BitcoinNetwork): Uint8Array {
  return fromHex(networks[network].genesis)
}
