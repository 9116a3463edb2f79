import { keccak256 } from '../../crypto/hashes.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { blockHashOf, encodeHeader, type Header } from '../../evm/block.ts'
import { recoverAccount } from '../../evm/sender.ts'
import { toBigInt } from '../../rlp.ts'
import { emptyTrieRoot, orderedTrie } from '../../trie/trie.ts'
import {
  type Address,
  address,
  type BlockHash,
  blockHash,
  fromHex,
  type Slot,
  sameBytes,
  slot,
  toHex,
  wei,
} from '../../units.ts'
import {
  byteList,
  container,
  decodeSsz,
  fixedBytes,
  readUint,
  root,
  type SszValue,
  uint64,
  uint256,
} from '../ethereum/ssz.ts'
import type { BeaconVerdict, SequencedVerdict } from '../verdict.ts'
import type { OpChain } from './chains.ts'

/** Most bytes of a payload: what the gossip of rollup nodes lets through (OP stack specs, "Rollup-node P2P interface"). */
export const unsafePayloadBytesMax = 10 * 1024 * 1024
/** Most transactions in one. */
const transactionsMax = 1 << 20
const [rootSize, offsetSize] = [32, 4]

/** Where a `SystemConfig` keeps the account whose key signs unsafe blocks: keccak256 of "systemconfig.unsafeblocksigner". */
export const unsafeSignerSlot: Slot = /* @__PURE__ */ slot(
  '0x65a7ed542fb37fe237fdfbdd70b31598523fe5b32879e307bae27a0bd9581c08',
)

/** A block that a sequencer tells before it is on the L1, and its signature, as rollup nodes gossip them. */
export interface UnsafeBlock {
  /** The root of the parent's beacon block (32 bytes), and the execution payload in SSZ. Of Ecotone and later. */
  readonly data: Uint8Array
  /** 65 bytes: r, s (low), y parity; on {@link unsafeDigest}. */
  readonly signature: Uint8Array
}

/** What was signed, and that it was: accounts and slots are proven under its state root. */
export interface SignedBlock {
  readonly hash: BlockHash
  readonly header: Header
  /** The header in consensus encoding (RLP), made from the payload. */
  readonly bytes: Uint8Array
  readonly signed: UnsafeBlock
}

/** What the sequencer of an OP stack chain signs: keccak256 of the domain (32 bytes of zero), the chain id in 32, and the hash of the data. */
export function unsafeDigest(chainId: number, data: Uint8Array): Uint8Array {
  const message = new Uint8Array(96)
  new DataView(message.buffer).setBigUint64(56, BigInt(chainId))
  message.set(keccak256(data), 64)
  return keccak256(message)
}

/** The account in the word of {@link unsafeSignerSlot}; refused where it names none. */
export function unsafeSignerOf(word: Uint8Array): Decoded<Address> {
  if (word.length !== 32 || toBigInt(word.subarray(0, 12)) !== 0n) return refused('the slot holds no account')
  return toBigInt(word) === 0n
    ? refused('the chain names no signer of unsafe blocks')
    : accepted(address(toHex(word.subarray(12))))
}

/**
 * That the sequencer of a rollup stands by a block that is not on the L1 yet. Never throws.
 *
 * Funds at risk: it shows who said so, not that the block is valid, nor that it stays. The signature is over every byte of `data`,
 * so it is checked before anything is read from them.
 *
 * Refuses another signer or chain, any encoding but the one, withdrawals, and a payload whose block hash is not that of the header
 * that its own fields and transactions make.
 *
 * @param signer - As proven from the L1 ({@link unsafeSignerSlot}), with the verdict on that proof.
 */
export function verifyUnsafe(told: {
  readonly chain: OpChain
  readonly signer: Address
  readonly l1: BeaconVerdict
  readonly signed: UnsafeBlock
  readonly sources?: readonly string[]
}): Decoded<{ readonly value: SignedBlock; readonly verdict: SequencedVerdict }> {
  const { chain, signer, l1, signed, sources = [] } = told
  const { data, signature } = signed
  if (data.length > unsafePayloadBytesMax) return refused(`the payload is longer than ${unsafePayloadBytesMax} bytes`)
  if (signature.length !== 65) return refused('the signature is not 65 bytes')
  if (recoverAccount(unsafeDigest(chain.chainId, data), signature) !== signer)
    return refused('the sequencer has not signed the block')
  const block = readPayload(data)
  if (!block.ok) return block
  const { hash, header, bytes } = block.value
  return accepted({
    value: { hash, header, bytes, signed },
    verdict: {
      level: 'sequenced',
      anchor: { kind: 'sequencer', chainId: chain.chainId, sequencer: signer },
      signer: { anchor: l1.anchor, l1: { number: l1.block.number, hash: l1.block.hash, level: l1.level } },
      block: { number: header.number, hash, timestamp: Number(header.timestamp) },
      proven: ['sequencer-signature', 'sequencer-key'],
      sources,
    },
  })
}

/** The OP stack has no withdrawals of the L1's kind: the list is there, and empty. */
const ecotoneFields = {
  parent_hash: root,
  fee_recipient: fixedBytes(20),
  state_root: root,
  receipts_root: root,
  logs_bloom: fixedBytes(256),
  prev_randao: root,
  block_number: uint64,
  gas_limit: uint64,
  gas_used: uint64,
  timestamp: uint64,
  extra_data: byteList(32),
  base_fee_per_gas: uint256,
  block_hash: root,
  transactions: byteList(unsafePayloadBytesMax),
  withdrawals: byteList(0),
  blob_gas_used: uint64,
  excess_blob_gas: uint64,
} as const
const ecotoneType = /* @__PURE__ */ container(ecotoneFields)
const isthmusType = /* @__PURE__ */ container({ ...ecotoneFields, withdrawals_root: root })
/** Where the offset of the first list stands in the payload: it is the size of all that comes before the lists. */
const firstOffsetAt = 436
const [ecotoneSize, isthmusSize] = [528, 560]

/** SHA-256 of nothing: what a block without requests commits to (EIP-7685). */
const noRequests = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

interface ReadBlock {
  readonly hash: BlockHash
  readonly header: Header
  readonly bytes: Uint8Array
}

function readPayload(data: Uint8Array): Decoded<ReadBlock> {
  const beaconRoot = data.subarray(0, rootSize)
  const payload = data.subarray(rootSize)
  if (payload.length < ecotoneSize) return refused('the payload ends early')
  const size = readUint(payload.subarray(firstOffsetAt, firstOffsetAt + offsetSize))
  if (size === isthmusSize) {
    const fields = decodeSsz(isthmusType, payload)
    return fields.ok ? readBlock(beaconRoot, fields.value, fields.value.withdrawals_root) : fields
  }
  if (size !== ecotoneSize) return refused('the payload is of no fork from Ecotone on')
  const fields = decodeSsz(ecotoneType, payload)
  return fields.ok ? readBlock(beaconRoot, fields.value, null) : fields
}

/** @param withdrawalsRoot - Of the message passer's storage, from Isthmus on; `null` before. */
function readBlock(
  parentBeaconBlockRoot: Uint8Array,
  payload: SszValue<typeof ecotoneType>,
  withdrawalsRoot: Uint8Array | null,
): Decoded<ReadBlock> {
  const number = readUint(payload.block_number)
  if (!Number.isSafeInteger(number)) return refused('the number of the block is beyond any')
  const transactions = readList(payload.transactions)
  if (!transactions) return refused('the list of transactions is not in its one encoding')
  const fields = {
    parentHash: blockHash(toHex(payload.parent_hash)),
    ommersHash: keccak256(Uint8Array.of(0xc0)),
    miner: address(toHex(payload.fee_recipient)),
    stateRoot: payload.state_root,
    transactionsRoot: orderedTrie(transactions).root,
    receiptsRoot: payload.receipts_root,
    logsBloom: payload.logs_bloom,
    difficulty: 0n,
    number,
    gasLimit: readLittle(payload.gas_limit),
    gasUsed: readLittle(payload.gas_used),
    timestamp: readLittle(payload.timestamp),
    extraData: payload.extra_data,
    mixHash: payload.prev_randao,
    nonce: new Uint8Array(8),
    baseFeePerGas: wei(readLittle(payload.base_fee_per_gas)),
    withdrawalsRoot: withdrawalsRoot ?? emptyTrieRoot(),
    blobGasUsed: readLittle(payload.blob_gas_used),
    excessBlobGas: readLittle(payload.excess_blob_gas),
    parentBeaconBlockRoot,
  }
  const header: Header = withdrawalsRoot
    ? { era: 'prague', ...fields, requestsHash: fromHex(noRequests) }
    : { era: 'cancun', ...fields }
  const bytes = encodeHeader(header)
  const hash = blockHashOf(bytes)
  return sameBytes(fromHex(hash), payload.block_hash)
    ? accepted({ hash, header, bytes })
    : refused('the block hash is not that of the payload')
}

/** A list of byte lists: an offset each, then the lists without a gap. Nothing for any other encoding. */
function readList(bytes: Uint8Array): readonly Uint8Array[] | null {
  if (bytes.length === 0) return []
  if (bytes.length < offsetSize) return null
  const offsetAt = (index: number) => readUint(bytes.subarray(index * offsetSize, (index + 1) * offsetSize))
  const first = offsetAt(0)
  const count = first / offsetSize
  if (!Number.isInteger(count) || count < 1 || count > transactionsMax || first > bytes.length) return null
  const parts: Uint8Array[] = []
  for (let index = 0, start = first; index < count; index++) {
    const end = index + 1 < count ? offsetAt(index + 1) : bytes.length
    if (end < start || end > bytes.length) return null
    parts.push(bytes.subarray(start, end))
    start = end
  }
  // A trie holds no empty value, and no transaction is one.
  return parts.every(({ length }) => length > 0) ? parts : null
}

function readLittle(bytes: Uint8Array): bigint {
  return toBigInt(bytes.slice().reverse())
}
