import { accepted, type Decoded, refused } from '../errors.ts'
import { decodeRlp, encodeRlp, isBytes, quantity } from '../rlp.ts'
import { type Address, address, fromHex, isHex, toHex } from '../units.ts'
import { readFields } from './fields.ts'

/** What left the beacon chain for an account (EIP-4895). `amount` is in gwei. */
export interface Withdrawal {
  readonly index: bigint
  readonly validatorIndex: bigint
  readonly address: Address
  readonly amount: bigint
}

/** Reads a withdrawal in consensus encoding (RLP). Never throws. */
export function decodeWithdrawal(bytes: Uint8Array): Decoded<Withdrawal> {
  const decoded = decodeRlp(bytes)
  if (!decoded.ok || isBytes(decoded.value)) return refused('the withdrawal is no list in canonical RLP')
  const fields = readFields(decoded.value)
  const withdrawal = {
    index: fields.scalar('index', 8),
    validatorIndex: fields.scalar('validator index', 8),
    address: address(toHex(fields.fixed('address', 20))),
    amount: fields.scalar('amount', 8),
  }
  const reason = fields.reason()
  return reason === undefined ? accepted(withdrawal) : refused(`the withdrawal's ${reason}`)
}

/** The bytes that {@link decodeWithdrawal} reads, of a withdrawal as JSON-RPC tells it. Never throws. */
export function withdrawalFromJson(json: unknown): Decoded<Uint8Array> {
  const fields = (typeof json === 'object' && json !== null ? json : {}) as Readonly<Record<string, unknown>>
  const names = ['index', 'validatorIndex', 'amount'] as const
  const [index, validator, amount] = names.map((name) => numberOf(fields[name]))
  if (!index || !validator || !amount || !isHex(fields.address, 20)) return refused('a withdrawal is malformed')
  return accepted(encodeRlp([index, validator, fromHex(fields.address), amount]))
}

function numberOf(json: unknown): Uint8Array | undefined {
  return typeof json === 'string' && /^0x[0-9a-fA-F]{1,16}$/.test(json) ? quantity(BigInt(json)) : undefined
}
