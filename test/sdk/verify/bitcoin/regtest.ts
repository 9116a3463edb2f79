import { joinBytes } from '../../../../sdk/units.ts'
import { hash256 } from '../../../../sdk/verify/bitcoin/hash.ts'
import {
  type BitcoinTransaction,
  decodeHeader,
  decodeTransaction,
  type Extension,
  extendChain,
  genesisCheckpoint,
  type HeaderChain,
  meetsOwnTarget,
  startChain,
} from '../../../../sdk/verify/bitcoin/index.ts'
import { merkleRoot } from '../../../../sdk/verify/bitcoin/merkle.ts'
import { bytesOf, held } from '../../../conformance/bitcoin.ts'

/** A clock that is ahead of every stamp made here. */
export const nowSeconds = 1_800_000_000
const genesisTime = 1_296_688_602

/** Fields of a header to be mined; what is left out is ordinary. */
export interface Plan {
  readonly previous: Uint8Array
  readonly time: number
  readonly version?: number
  readonly bits?: number
  readonly merkleRoot?: Uint8Array
}

/** A header with proof of work, or the first without when `proof` is `missing`. */
export function mine(plan: Plan, proof: 'present' | 'missing' = 'present'): Uint8Array {
  const { previous, time, version = 0x2000_0000, bits = 0x207f_ffff, merkleRoot = hash256(previous) } = plan
  const header = new Uint8Array(80)
  const view = new DataView(header.buffer)
  view.setInt32(0, version, true)
  header.set(previous, 4)
  header.set(merkleRoot, 36)
  view.setUint32(68, time, true)
  view.setUint32(72, bits, true)
  for (let nonce = 0; nonce < 10_000; nonce++) {
    view.setUint32(76, nonce, true)
    const decoded = held(decodeHeader(header))
    if (bits !== 0x207f_ffff || meetsOwnTarget(decoded) === (proof === 'present')) return header
  }
  throw new Error('No nonce was found.')
}

/** `count` headers above the one whose hash is `previous`, ten minutes apart. `salt` makes branches differ. */
export function mineOn(previous: Uint8Array, height: number, count: number, salt = 0): Uint8Array {
  const headers: Uint8Array[] = []
  for (let parent = previous, index = 1; index <= count; index++) {
    const root = hash256(Uint8Array.of(salt, index & 255, index >> 8))
    const header = mine({ previous: parent, time: genesisTime + 600 * (height + index), merkleRoot: root })
    headers.push(header)
    parent = hash256(header)
  }
  return joinBytes(...headers)
}

/** Hash of the n-th of several headers, counted from 0; the last one's without `index`. */
export function hashAt(headers: Uint8Array, index = headers.length / 80 - 1): Uint8Array {
  return hash256(headers.subarray(80 * index, 80 * index + 80))
}

/** A chain at block 0 of regtest. */
export function regtestChain(headersMax = 1_000): HeaderChain {
  return held(startChain('regtest', genesisCheckpoint('regtest'), headersMax))
}

/** What headers come to that the chain must take. */
export function extend(chain: HeaderChain, headers: Uint8Array): Extension {
  return held(extendChain(chain, headers, { nowSeconds }))
}

/** Why headers are refused that must be. */
export function refusal(chain: HeaderChain, headers: Uint8Array, now = nowSeconds): string {
  const answer = extendChain(chain, headers, { nowSeconds: now })
  if (answer.ok) throw new Error('The headers were taken.')
  return answer.reason
}

/** A coinbase without witness; `seed` makes it unlike others. */
export function coinbaseBytes(seed: number): Uint8Array {
  return bytesOf(
    `0100000001${'00'.repeat(32)}ffffffff0503${hexOf(seed, 4)}ffffffff01${hexOf(5_000_000_000n, 8)}015100000000`,
  )
}

/** A transaction that pays each output's value to its script. */
export function paymentBytes(
  seed: number,
  outputs: readonly { readonly value: bigint; readonly script: Uint8Array }[],
): Uint8Array {
  const spent = `0200000001${hexOf(seed, 4).padEnd(64, 'a')}0000000000fdffffff`
  const pay = outputs.flatMap(({ value, script }) => [number(value, 8), count(script.length), script])
  return joinBytes(bytesOf(spent), count(outputs.length), ...pay, number(0, 4))
}

/** A transaction written out again, field by field. */
export function encodeTransaction(transaction: BitcoinTransaction): Uint8Array {
  const { version, inputs, outputs, witness, locktime } = transaction
  return joinBytes(
    number(version, 4),
    witness.length > 0 ? Uint8Array.of(0, 1) : new Uint8Array(0),
    count(inputs.length),
    ...inputs.flatMap(({ txid, vout, script, sequence }) => [
      txid,
      number(vout, 4),
      count(script.length),
      script,
      number(sequence, 4),
    ]),
    count(outputs.length),
    ...outputs.flatMap(({ value, script }) => [number(value, 8), count(script.length), script]),
    witness,
    number(locktime, 4),
  )
}

/** A length in Bitcoin's compact form. */
export function count(value: number): Uint8Array {
  if (value < 0xfd) return Uint8Array.of(value)
  return value < 0x1_0000
    ? joinBytes(Uint8Array.of(0xfd), number(value, 2))
    : joinBytes(Uint8Array.of(0xfe), number(value, 4))
}

/** Lowest byte first. */
export function number(value: number | bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => Number((BigInt(value) >> BigInt(8 * at)) & 0xffn))
}

/** A block's transactions: a coinbase and `count - 1` payments, with their txids and a mined header over them. */
export function mineBlock(count: number, previous = hash256(genesisCheckpoint('regtest').header), height = 1) {
  const script = bytesOf('0014751e76e8199196d454941c45d1b3a323f1433bd6')
  const transactions = Array.from({ length: count }, (_, at) =>
    at === 0 ? coinbaseBytes(count) : paymentBytes(at, [{ value: BigInt(1_000 * at), script }]),
  )
  const txids = transactions.map((bytes) => held(decodeTransaction(bytes)).txid)
  const time = genesisTime + 600 * height
  return { header: mine({ previous, time, merkleRoot: held(merkleRoot(txids)) }), transactions, txids, script }
}

function hexOf(value: number | bigint, size: number): string {
  return Buffer.from(number(value, size)).toString('hex')
}
