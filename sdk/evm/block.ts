import { keccak256 } from '../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { decodeRlp, encodeRlp, isBytes, quantity, type RlpItem } from '../rlp.ts'
import { type Address, address, type BlockHash, blockHash, fromHex, toHex, type Wei, wei } from '../units.ts'
import { type Fields, readFields } from './fields.ts'

/** Largest header that {@link decodeHeader} reads. Mainnet's stay below 1 KiB; proof-of-authority chains list signers. */
export const headerBytesMax = 65_536

/** The fields every header has (Yellow Paper, section 4.3). Gas is in gas, `timestamp` in seconds since 1970. */
interface FrontierFields {
  readonly parentHash: BlockHash
  readonly ommersHash: Uint8Array
  readonly miner: Address
  readonly stateRoot: Uint8Array
  readonly transactionsRoot: Uint8Array
  readonly receiptsRoot: Uint8Array
  readonly logsBloom: Uint8Array
  /** 0 since proof of stake (EIP-3675). */
  readonly difficulty: bigint
  readonly number: number
  readonly gasLimit: bigint
  readonly gasUsed: bigint
  readonly timestamp: bigint
  readonly extraData: Uint8Array
  /** The beacon chain's randomness since proof of stake (EIP-4399). */
  readonly mixHash: Uint8Array
  readonly nonce: Uint8Array
}

interface LondonFields extends FrontierFields {
  /** EIP-1559. */
  readonly baseFeePerGas: Wei
}

interface ShanghaiFields extends LondonFields {
  /** EIP-4895. */
  readonly withdrawalsRoot: Uint8Array
}

interface CancunFields extends ShanghaiFields {
  /** EIP-4844. */
  readonly blobGasUsed: bigint
  readonly excessBlobGas: bigint
  /** EIP-4788. */
  readonly parentBeaconBlockRoot: Uint8Array
}

interface PragueFields extends CancunFields {
  /** EIP-7685. */
  readonly requestsHash: Uint8Array
}

/**
 * A block header. Forks only ever add fields at its end, so `era`, the fork that brought the last one, says which are
 * there: `london` also stands for Paris, `prague` also for Osaka.
 */
export type Header =
  | (FrontierFields & { readonly era: 'frontier' })
  | (LondonFields & { readonly era: 'london' })
  | (ShanghaiFields & { readonly era: 'shanghai' })
  | (CancunFields & { readonly era: 'cancun' })
  | (PragueFields & { readonly era: 'prague' })

/** How many fields the header of each era has. */
const eras: ReadonlyMap<number, Header['era']> = /* @__PURE__ */ new Map([
  [15, 'frontier'],
  [16, 'london'],
  [17, 'shanghai'],
  [20, 'cancun'],
  [21, 'prague'],
])

/**
 * Reads a header in consensus encoding (RLP). Never throws.
 *
 * Refuses any encoding but the one {@link encodeHeader} gives, numbers beyond 64 bits (difficulty and base fee: 256),
 * block numbers beyond 2^53 - 1, and field counts of no era. It judges form only: whether the
 * chain's rules allow this header is another question.
 *
 * @returns Views into `bytes`, not copies.
 */
export function decodeHeader(bytes: Uint8Array): Decoded<Header> {
  if (bytes.length > headerBytesMax) return refused(`the header is longer than ${headerBytesMax} bytes`)
  const decoded = decodeRlp(bytes)
  if (!decoded.ok) return refused(`the header is not canonical RLP: ${decoded.reason}`)
  if (isBytes(decoded.value)) return refused('the header is not a list')
  const era = eras.get(decoded.value.length)
  if (!era) return refused(`no fork's header has ${decoded.value.length} fields`)
  const fields = readFields(decoded.value)
  const header = readHeader(era, fields)
  const reason = fields.reason()
  return reason === undefined ? accepted(header) : refused(`the header's ${reason}`)
}

/** The header in consensus encoding (RLP): what its block hash is the hash of. */
export function encodeHeader(header: Header): Uint8Array {
  const items: RlpItem[] = [
    fromHex(header.parentHash),
    header.ommersHash,
    fromHex(header.miner),
    header.stateRoot,
    header.transactionsRoot,
    header.receiptsRoot,
    header.logsBloom,
    quantity(header.difficulty),
    quantity(header.number),
    quantity(header.gasLimit),
    quantity(header.gasUsed),
    quantity(header.timestamp),
    header.extraData,
    header.mixHash,
    header.nonce,
  ]
  if ('baseFeePerGas' in header) items.push(quantity(header.baseFeePerGas))
  if ('withdrawalsRoot' in header) items.push(header.withdrawalsRoot)
  if ('blobGasUsed' in header)
    items.push(quantity(header.blobGasUsed), quantity(header.excessBlobGas), header.parentBeaconBlockRoot)
  if ('requestsHash' in header) items.push(header.requestsHash)
  return encodeRlp(items)
}

/** Hash of the block with this header: keccak256 of the header's consensus encoding. */
export function blockHashOf(headerBytes: Uint8Array): BlockHash {
  return blockHash(toHex(keccak256(headerBytes)))
}

function readHeader(era: Header['era'], fields: Fields): Header {
  const frontier = readFrontier(fields)
  if (era === 'frontier') return { era, ...frontier }
  const london = { ...frontier, baseFeePerGas: wei(fields.scalar('base fee', 32)) }
  if (era === 'london') return { era, ...london }
  const shanghai = { ...london, withdrawalsRoot: fields.fixed('withdrawals root', 32) }
  if (era === 'shanghai') return { era, ...shanghai }
  const cancun = {
    ...shanghai,
    blobGasUsed: fields.scalar('blob gas used', 8),
    excessBlobGas: fields.scalar('excess blob gas', 8),
    parentBeaconBlockRoot: fields.fixed('parent beacon block root', 32),
  }
  if (era === 'cancun') return { era, ...cancun }
  return { era, ...cancun, requestsHash: fields.fixed('requests hash', 32) }
}

function readFrontier(fields: Fields): FrontierFields {
  return {
    parentHash: blockHash(toHex(fields.fixed('parent hash', 32))),
    ommersHash: fields.fixed('ommers hash', 32),
    miner: address(toHex(fields.fixed('miner', 20))),
    stateRoot: fields.fixed('state root', 32),
    transactionsRoot: fields.fixed('transactions root', 32),
    receiptsRoot: fields.fixed('receipts root', 32),
    logsBloom: fields.fixed('bloom', 256),
    difficulty: fields.scalar('difficulty', 32),
    number: fields.count('number'),
    gasLimit: fields.scalar('gas limit', 8),
    gasUsed: fields.scalar('gas used', 8),
    timestamp: fields.scalar('timestamp', 8),
    extraData: fields.data('extra data'),
    mixHash: fields.fixed('mix hash', 32),
    nonce: fields.fixed('nonce', 8),
  }
}
