import { sha256 } from '../crypto/hashes.ts'
import { fromHex, type Height, height, isHex, type Sats, sats, type Txid, toHex, txid } from '../units.ts'

/**
 * The shapes that Bitcoin's programs speak in, read without believing any of it. Hashes are printed with their bytes
 * reversed, and hexadecimal has no prefix. Every reader returns nothing when the JSON is not of its shape.
 */

/** The networks that an adapter can tell apart. */
export type BitcoinNetworkName = 'mainnet' | 'testnet3' | 'testnet4' | 'signet' | 'regtest'

/** Bytes of a header. */
export const headerSize = 80
/** Most headers of one call. */
export const headersMax = 2_016
/** Most bytes of a block: its weight, where every byte is witness. */
export const blockBytesMax = 4_000_000
/** Most transactions, and most coins, that are read of one script. */
export const scriptEntriesMax = 10_000

/** Hash of each network's first block, as it is printed. */
export const genesisHashes: Readonly<Record<BitcoinNetworkName, string>> = {
  mainnet: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
  testnet3: '000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943',
  testnet4: '00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043',
  signet: '00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6',
  regtest: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
}

/** A whole number from 0 to `max`. */
export function readWhole(json: unknown, max = Number.MAX_SAFE_INTEGER): number | undefined {
  return typeof json === 'number' && Number.isSafeInteger(json) && json >= 0 && json <= max ? json : undefined
}

export function readHeight(json: unknown): Height | undefined {
  const value = readWhole(json, 499_999_999)
  return value === undefined ? undefined : height(value)
}

export function readSats(json: unknown): Sats | undefined {
  const value = readWhole(json, 2_100_000_000_000_000)
  return value === undefined ? undefined : sats(BigInt(value))
}

/** An amount that bitcoind writes in bitcoin: eight decimals, which a double holds exactly. */
export function readBitcoins(json: unknown): Sats | undefined {
  return typeof json === 'number' ? readSats(Math.round(json * 1e8)) : undefined
}

export function readTxid(json: unknown): Txid | undefined {
  return isDigits(json, 32) ? txid(json) : undefined
}

/** A printed hash, as 32 bytes in wire order. */
export function readHash(json: unknown): Uint8Array | undefined {
  return isDigits(json, 32) ? fromHex(`0x${json}`).reverse() : undefined
}

/** Hexadecimal of at most so many bytes, and at least one. */
export function readRaw(json: unknown, bytesMax: number): Uint8Array | undefined {
  return isDigits(json) && json.length > 0 && json.length <= 2 * bytesMax ? fromHex(`0x${json}`) : undefined
}

/** Hexadecimal without a prefix. */
export function writeRaw(bytes: Uint8Array): string {
  return toHex(bytes).slice(2)
}

/** A hash in wire order, as it is printed. */
export function writeHash(hash: Uint8Array): string {
  return writeRaw(hash.slice().reverse())
}

/** SHA-256 twice. */
export function hash256(bytes: Uint8Array): Uint8Array {
  return sha256(sha256(bytes))
}

function isDigits(json: unknown, size?: number): json is string {
  return typeof json === 'string' && isHex(`0x${json}`, size)
}
