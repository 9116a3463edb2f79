import type { KeyVersions } from '../crypto/hdKey.ts'

/** A chain with Bitcoin's rules. */
export type Network = 'mainnet' | 'testnet4' | 'signet' | 'regtest'

/** How a network writes addresses and extended keys, so that those of another are refused. */
export interface NetworkParams {
  /** Human-readable part of segwit addresses (BIP-173). */
  readonly bech32: string
  /** Base58 version byte of P2PKH addresses. */
  readonly pubKeyHash: number
  /** Base58 version byte of P2SH addresses. */
  readonly scriptHash: number
  /** Version bytes of extended keys (BIP-32): `xpub` and `xprv`, or `tpub` and `tprv`. */
  readonly xpub: KeyVersions
  /** Those that some signers print for BIP-84 accounts (SLIP-132): `zpub` and `zprv`, or `vpub` and `vprv`. */
  readonly zpub: KeyVersions
  /** Second, hardened step of account paths (SLIP-44). */
  readonly coinType: 0 | 1
}

const test = {
  pubKeyHash: 0x6f,
  scriptHash: 0xc4,
  xpub: { public: 0x043587cf, private: 0x04358394 },
  zpub: { public: 0x045f1cf6, private: 0x045f18bc },
  coinType: 1,
} as const

/** The test networks differ in the segwit prefix at most: an address of one is valid on its like. */
export const networks: Readonly<Record<Network, NetworkParams>> = {
  mainnet: {
    bech32: 'bc',
    pubKeyHash: 0x00,
    scriptHash: 0x05,
    xpub: { public: 0x0488b21e, private: 0x0488ade4 },
    zpub: { public: 0x04b24746, private: 0x04b2430c },
    coinType: 0,
  },
  testnet4: { bech32: 'tb', ...test },
  signet: { bech32: 'tb', ...test },
  regtest: { bech32: 'bcrt', ...test },
}
