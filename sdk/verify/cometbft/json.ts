import { accepted, type Decoded, refused } from '../../errors.ts'
import { toHex } from '../../units.ts'
import {
  type BlockId,
  type CometHeader,
  type Commit,
  type CommitVote,
  type LightBlock,
  type Moment,
  type Validator,
  validatorAddress,
  validatorsMax,
} from './block.ts'

/**
 * Reads a light block as nodes write it in JSON (`signed_header`, `validator_set`, `next_validator_set`). Never throws.
 * Keys other than ed25519 are refused: no other signature is judged here.
 */
export function lightBlockFromJson(json: unknown): Decoded<LightBlock> {
  const { signed_header: signed, validator_set: now, next_validator_set: next } = fieldsOf(json)
  const { header, commit } = fieldsOf(signed)
  return reading(() => ({
    header: readHeader(header),
    commit: readCommit(commit),
    validators: readValidators(now),
    nextValidators: readValidators(next),
  }))
}

/** Reads an RFC 3339 time of UTC. Never throws. */
export function momentFromText(text: unknown): Decoded<Moment> {
  return reading(() => readMoment(text))
}

/** Leaves a reader early; never leaves this file. */
class Malformed extends Error {}

function reading<value>(read: () => value): Decoded<value> {
  try {
    return accepted(read())
  } catch (error) {
    if (error instanceof Malformed) return refused(error.message)
    throw error
  }
}

function fail(what: string): never {
  throw new Malformed(`${what} is missing or malformed`)
}

function readHeader(json: unknown): CometHeader {
  const header = fieldsOf(json)
  const version = fieldsOf(header.version)
  const { chain_id: chainId } = header
  if (typeof chainId !== 'string' || chainId.length > 50) fail('the chain id')
  return {
    version: { block: readNumber(version.block), app: readNumber(version.app) },
    chainId,
    height: readNumber(header.height),
    time: readMoment(header.time),
    lastBlockId: readBlockId(header.last_block_id),
    lastCommitHash: readHex(header.last_commit_hash),
    dataHash: readHex(header.data_hash),
    validatorsHash: readHex(header.validators_hash),
    nextValidatorsHash: readHex(header.next_validators_hash),
    consensusHash: readHex(header.consensus_hash),
    appHash: readHex(header.app_hash),
    lastResultsHash: readHex(header.last_results_hash),
    evidenceHash: readHex(header.evidence_hash),
    proposer: readHex(header.proposer_address),
  }
}

function readCommit(json: unknown): Commit {
  const { height, round, block_id: blockId, signatures } = fieldsOf(json)
  if (!Array.isArray(signatures) || signatures.length > validatorsMax) fail('the list of votes')
  return {
    height: readNumber(height),
    round: readNumber(round),
    blockId: readBlockId(blockId),
    votes: signatures.map(readVote),
  }
}

function readVote(json: unknown): CommitVote {
  const { block_id_flag: flag, validator_address: validator, timestamp, signature } = fieldsOf(json)
  if (flag === 1) return { kind: 'absent' }
  const kind = flag === 2 ? 'commit' : flag === 3 ? 'nil' : fail('the kind of a vote')
  return { kind, validator: readHex(validator, 20), time: readMoment(timestamp), signature: readBase64(signature, 64) }
}

function readBlockId(json: unknown): BlockId {
  if (json == null) return { hash: new Uint8Array(0), parts: { total: 0, hash: new Uint8Array(0) } }
  const { hash, part_set_header, parts } = fieldsOf(json)
  const { total, hash: partsHash } = fieldsOf(part_set_header ?? parts)
  const count = Number(total)
  if (!Number.isInteger(count) || count < 0 || count > 0xffff_ffff) fail('the number of parts')
  return { hash: readHex(hash), parts: { total: count, hash: readHex(partsHash) } }
}

function readValidators(json: unknown): readonly Validator[] {
  const { validators } = fieldsOf(json)
  if (!Array.isArray(validators) || validators.length === 0 || validators.length > validatorsMax) fail('the validators')
  const read = validators.map((one) => {
    const { pub_key: key, voting_power: power } = fieldsOf(one)
    const { type, value } = fieldsOf(key)
    if (type !== 'tendermint/PubKeyEd25519') fail('the key of a validator')
    const validator = { publicKey: readBase64(value, 32), power: readNumber(power) }
    return { validator, address: toHex(validatorAddress(validator)) }
  })
  // A set has one order, whatever order it is told in: by power, and then by address.
  read.sort((one, other) => {
    const [first, second] = [one.validator.power, other.validator.power]
    if (first !== second) return first > second ? -1 : 1
    return one.address < other.address ? -1 : 1
  })
  return read.map(({ validator }) => validator)
}

function readNumber(json: unknown): bigint {
  const text = typeof json === 'number' && Number.isSafeInteger(json) ? String(json) : json
  if (typeof text !== 'string' || !/^(?:0|[1-9][0-9]{0,18})$/.test(text)) fail('a number')
  const value = BigInt(text)
  return value < 1n << 63n ? value : fail('a number')
}

function readHex(json: unknown, size?: number): Uint8Array {
  if (typeof json !== 'string' || !/^(?:[0-9a-fA-F]{2}){0,64}$/.test(json)) fail('a hash')
  if (size !== undefined && json.length !== 2 * size) fail('an address')
  return Uint8Array.from(json.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16))
}

function readBase64(json: unknown, size: number): Uint8Array {
  if (typeof json !== 'string' || !/^[A-Za-z0-9+/]{0,120}={0,2}$/.test(json) || json.length % 4)
    fail('a key or signature')
  const bytes = Uint8Array.from(atob(json), (char) => char.charCodeAt(0))
  return bytes.length === size ? bytes : fail('a key or signature')
}

function readMoment(json: unknown): Moment {
  const parts = typeof json === 'string' ? /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(json) : null
  const ms = parts ? Date.parse(`${parts[1]}Z`) : Number.NaN
  if (!parts || Number.isNaN(ms)) fail('a time')
  return { seconds: BigInt(ms / 1_000), nanos: Number((parts[2] ?? '').padEnd(9, '0')) }
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : {}
}
