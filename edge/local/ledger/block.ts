import { createHash } from 'node:crypto'
import { invariant } from '../../../sdk/errors.ts'
import { fromHex } from '../../../sdk/units.ts'
import type { LedgerTransaction, Output } from './transaction.ts'

/** Heaviest block (BIP-141). */
export const blockWeightMax = 4_000_000

/** Target of every regtest block: half of all hashes meet it. */
const regtestBits = 0x207fffff
const regtestTarget = 0x7fffffn << 232n
const blockVersion = 0x20000000

/** The first block of regtest, whole. Its output can never be spent. */
export const genesisBlock = fromHex(
  `0x0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000${[
    '01',
    '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a',
    '616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a',
    '01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a',
    '4c702b6bf11d5fac00000000',
  ].join('')}`,
)

/** SHA-256 twice. */
export function hash256(bytes: Uint8Array): Uint8Array {
  const once = createHash('sha256').update(bytes).digest()
  return Uint8Array.from(createHash('sha256').update(once).digest())
}

/** New coins of a block: 50, halved every 150 blocks on regtest. */
export function subsidy(height: number): bigint {
  return 5_000_000_000n >> BigInt(Math.floor(height / 150))
}

/** Header whose hash meets the target: the nonce is searched for. */
export function mineHeader(fields: {
  readonly previous: Uint8Array
  readonly merkleRoot: Uint8Array
  readonly time: number
}): Uint8Array {
  const header = new Uint8Array(80)
  const view = new DataView(header.buffer)
  view.setUint32(0, blockVersion, true)
  header.set(fields.previous, 4)
  header.set(fields.merkleRoot, 36)
  view.setUint32(68, fields.time, true)
  view.setUint32(72, regtestBits, true)
  for (let nonce = 0; nonce <= 0xffffffff; nonce++) {
    view.setUint32(76, nonce, true)
    if (numberOf(hash256(header)) <= regtestTarget) return header
  }
  invariant(false, 'half of all nonces meet the target of regtest')
}

/** Fields of a header, of which anybody may be wrong. */
export function headerFields(header: Uint8Array) {
  const view = new DataView(header.buffer, header.byteOffset, header.length)
  return {
    version: view.getInt32(0, true),
    previous: header.slice(4, 36),
    merkleRoot: header.slice(36, 68),
    time: view.getUint32(68, true),
    bits: view.getUint32(72, true),
    nonce: view.getUint32(76, true),
  }
}

/**
 * Bytes of a block's first transaction: new coins and fees to `payee`, the height (BIP-34), and the commitment to all
 * witnesses (BIP-141).
 *
 * @param mark - Makes coinbases of equal height differ, so that branches never share a txid.
 */
export function coinbase(block: {
  readonly height: number
  readonly mark: number
  readonly payee: Uint8Array
  readonly value: bigint
  readonly transactions: readonly LedgerTransaction[]
}): Uint8Array {
  const reserved = new Uint8Array(32)
  const witnessRoot = merkleRoot([new Uint8Array(32), ...block.transactions.map(({ wtxid }) => wtxid)])
  const commitment = hash256(Uint8Array.of(...witnessRoot, ...reserved))
  const scriptSig = Uint8Array.of(...pushNumber(block.height), 4, ...littleEndian(BigInt(block.mark), 4))
  const outputs = [
    { value: block.value, script: block.payee },
    { value: 0n, script: Uint8Array.of(0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed, ...commitment) },
  ]
  return Uint8Array.of(
    ...littleEndian(2n, 4),
    ...[0, 1, 1, ...new Uint8Array(32), 0xff, 0xff, 0xff, 0xff],
    ...[scriptSig.length, ...scriptSig, 0xff, 0xff, 0xff, 0xff],
    ...[outputs.length, ...outputs.flatMap((output) => [...outputBytes(output)])],
    ...[1, reserved.length, ...reserved],
    ...littleEndian(0n, 4),
  )
}

export function outputBytes({ value, script }: Pick<Output, 'script'> & { readonly value: bigint }): Uint8Array {
  return Uint8Array.of(...littleEndian(value, 8), ...compactSize(script.length), ...script)
}

/** Root over leaves in wire order; the last of an odd row stands for its missing neighbour too. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const root = merkleRows(leaves).at(-1)?.[0]
  invariant(root, 'a block has a transaction')
  return root
}

/** Siblings from a leaf up to the root. */
export function merklePath(leaves: readonly Uint8Array[], index: number): readonly Uint8Array[] {
  const rows = merkleRows(leaves).slice(0, -1)
  return rows.map((row, level) => {
    const at = index >> level
    return row[at ^ 1] ?? (row[at] as Uint8Array)
  })
}

/** A `merkleblock` message (BIP-37) that shows one leaf: what bitcoind's `gettxoutproof` gives. */
export function merkleBlock(header: Uint8Array, leaves: readonly Uint8Array[], index: number): Uint8Array {
  const rows = merkleRows(leaves)
  const hashes: Uint8Array[] = []
  const flags: number[] = []
  const walk = (level: number, at: number) => {
    const isParent = index >> level === at
    flags.push(isParent ? 1 : 0)
    if (!isParent || level === 0) {
      hashes.push(rows[level]?.[at] as Uint8Array)
      return
    }
    walk(level - 1, 2 * at)
    if (2 * at + 1 < (rows[level - 1]?.length ?? 0)) walk(level - 1, 2 * at + 1)
  }
  walk(rows.length - 1, 0)
  const flagBytes = new Uint8Array(Math.ceil(flags.length / 8))
  flags.forEach((flag, at) => {
    flagBytes[at >> 3] = (flagBytes[at >> 3] ?? 0) | (flag << (at & 7))
  })
  return Uint8Array.of(
    ...[...header, ...littleEndian(BigInt(leaves.length), 4)],
    ...[...compactSize(hashes.length), ...hashes.flatMap((hash) => [...hash])],
    ...[...compactSize(flagBytes.length), ...flagBytes],
  )
}

/** Whole block on the wire. */
export function blockBytes(header: Uint8Array, raws: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat([header, compactSize(raws.length), ...raws]))
}

/** Compact size: the length that stands before lists and scripts. */
export function compactSize(value: number): Uint8Array {
  if (value < 0xfd) return Uint8Array.of(value)
  return value <= 0xffff
    ? Uint8Array.of(0xfd, ...littleEndian(BigInt(value), 2))
    : Uint8Array.of(0xfe, ...littleEndian(BigInt(value), 4))
}

function merkleRows(leaves: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const rows = [leaves]
  for (let row = leaves; row.length > 1; rows.push(row)) {
    const above: Uint8Array[] = []
    for (let at = 0; at < row.length; at += 2) {
      const left = row[at] as Uint8Array
      above.push(hash256(Uint8Array.of(...left, ...(row[at + 1] ?? left))))
    }
    row = above
  }
  return rows
}

/** Script that pushes a number in its shortest form (BIP-34). */
function pushNumber(value: number): Uint8Array {
  if (value === 0) return Uint8Array.of(0)
  if (value <= 16) return Uint8Array.of(0x50 + value)
  const bytes: number[] = []
  for (let rest = value; rest > 0; rest >>= 8) bytes.push(rest & 0xff)
  // The top bit is the sign.
  if ((bytes.at(-1) ?? 0) & 0x80) bytes.push(0)
  return Uint8Array.of(bytes.length, ...bytes)
}

export function littleEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn))
}

/** A hash as a number: wire order is lowest byte first. */
function numberOf(hash: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(hash).reverse().toString('hex')}`)
}
