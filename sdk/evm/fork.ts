import { accepted, type Decoded, refused, SdkError } from '../errors.ts'
import type { Address } from '../units.ts'
import { type AccessList, accessListOf, authorizationsOf, type Prepared } from './transaction.ts'

/** Rules a chain runs under, by the name of the upgrade that brought them. */
export type Fork = 'cancun' | 'prague' | 'osaka' | 'amsterdam'

/** What a transaction costs under one fork, in gas unless said otherwise. */
export interface GasTable {
  /** `scheduled`: no chain runs it yet and the numbers may still change. */
  readonly status: 'active' | 'scheduled'
  /** Being a transaction at all. */
  readonly transaction: bigint
  /** Calling an account other than the sender, and bringing it value (EIP-2780). */
  readonly recipient: bigint
  readonly value: bigint
  /** Creating a contract, each 32 bytes of its initcode (EIP-3860), and how many bytes that may have. */
  readonly creation: bigint
  readonly initcodeWord: bigint
  readonly initcodeBytesMax: number
  /** Each byte of data (EIP-2028). */
  readonly zeroByte: bigint
  readonly otherByte: bigint
  /** The least a transaction pays for its data (EIP-7623, EIP-7976); `null` before. */
  readonly floor: FloorTable | null
  /** Entries of an access list (EIP-2930, EIP-8038), and each byte of them on top (EIP-7981). */
  readonly listAddress: bigint
  readonly listSlot: bigint
  readonly listByte: bigint
  /** Each authorization, up front (EIP-7702); `null` where there are none. */
  readonly authorization: bigint | null
  /** The highest gas limit (EIP-7825), and the highest intrinsic or floor gas (EIP-8037). */
  readonly gasLimitMax: bigint | null
  readonly intrinsicGasMax: bigint | null
  /** What a touch costs more while the place is cold (EIP-2929, EIP-8038): what a list entry can win back. */
  readonly cold: ColdTable
  /** Precompiled contracts stand at 1 to this number, and at 0x100 where `hasP256` (EIP-7951). Always warm. */
  readonly precompileLast: number
  readonly hasP256: boolean
}

interface FloorTable {
  readonly zeroByte: bigint
  readonly otherByte: bigint
  /** Whether `recipient`, `value` and `creation` are below the floor too (EIP-2780), or `transaction` alone. */
  readonly coversRecipient: boolean
}

interface ColdTable {
  /** BALANCE, EXTCODE*, the CALL family, and following a delegation (EIP-7702). */
  readonly access: bigint
  /** The beneficiary of SELFDESTRUCT. */
  readonly selfdestruct: bigint
  /** SLOAD. */
  readonly read: bigint
  /** SSTORE. */
  readonly write: bigint
}

const cancun: GasTable = {
  status: 'active',
  transaction: 21_000n,
  recipient: 0n,
  value: 0n,
  creation: 32_000n,
  initcodeWord: 2n,
  initcodeBytesMax: 49_152,
  zeroByte: 4n,
  otherByte: 16n,
  floor: null,
  listAddress: 2_400n,
  listSlot: 1_900n,
  listByte: 0n,
  authorization: null,
  gasLimitMax: null,
  intrinsicGasMax: null,
  // An account: 2,600 cold, 100 warm. A slot: SLOAD 2,100 or 100. SSTORE and SELFDESTRUCT pay the cold price on
  // top of the warm one (EIP-2929), so they win back all of it.
  cold: { access: 2_500n, selfdestruct: 2_600n, read: 2_000n, write: 2_100n },
  precompileLast: 0x0a,
  hasP256: false,
}

const prague: GasTable = {
  ...cancun,
  floor: { zeroByte: 10n, otherByte: 40n, coversRecipient: false },
  authorization: 25_000n,
  precompileLast: 0x11,
}

const osaka: GasTable = { ...prague, gasLimitMax: 16_777_216n, hasP256: true }

const amsterdam: GasTable = {
  ...osaka,
  status: 'scheduled',
  transaction: 12_000n,
  recipient: 3_000n,
  value: 6_000n,
  creation: 12_000n,
  initcodeBytesMax: 131_072,
  floor: { zeroByte: 64n, otherByte: 64n, coversRecipient: true },
  listAddress: 2_900n,
  listSlot: 2_000n,
  listByte: 64n,
  authorization: 7_816n,
  gasLimitMax: null,
  intrinsicGasMax: 16_777_216n,
  // An account: 3,000 cold. EIP-8038 charges either the cold or the warm price, for writes too.
  cold: { access: 2_900n, selfdestruct: 2_900n, read: 2_000n, write: 2_000n },
}

/**
 * The one gas table of each fork (EIP-2028, 2929, 2930, 3860, 7623, 7702, 7825, 7951). `amsterdam` follows EIP-2780,
 * 7954, 7976, 7981, 8037 and 8038 as scheduled in EIP-7773 (August 2026): state gas, which depends on what exists,
 * is not in it.
 */
export const gasTables: Readonly<Record<Fork, GasTable>> = { cancun, prague, osaka, amsterdam }

/** Reads the name of a fork. Throws `evm/unsupported-fork`. */
export function fork(name: string): Fork {
  if (!Object.hasOwn(gasTables, name)) throw new SdkError('evm/unsupported-fork', 'The fork is not a known one.')
  return name as Fork
}

/** The part of a transaction that its intrinsic gas depends on. */
export type Priced = Pick<Prepared, 'from' | 'to' | 'value' | 'data' | 'pricing'>

/**
 * Gas a transaction pays before its first instruction runs. A gas limit below makes it invalid.
 *
 * State plays no part; what amsterdam charges at the start for accounts it finds missing comes on top.
 */
export function intrinsicGas(transaction: Priced, fork: Fork): bigint {
  const table = gasTables[fork]
  const { to, data, pricing } = transaction
  const words = BigInt(Math.ceil(data.length / 32))
  const creation = to === null ? table.creation + table.initcodeWord * words : 0n
  const authorizations = (table.authorization ?? 0n) * BigInt(authorizationsOf(pricing).length)
  const carried = dataGas(data, table) + listGas(accessListOf(pricing), fork) + authorizations
  return table.transaction + recipientGas(transaction, table) + creation + carried
}

/** The least a transaction pays however little it runs (EIP-7623): 0 before prague. A limit below makes it invalid. */
export function floorGas(transaction: Priced, fork: Fork): bigint {
  const table = gasTables[fork]
  if (!table.floor) return 0n
  const { to, data, pricing } = transaction
  const recipient = to === null ? table.creation : recipientGas(transaction, table)
  const covered = table.floor.coversRecipient ? recipient : 0n
  return table.transaction + covered + dataGas(data, table.floor) + listBytesGas(accessListOf(pricing), table)
}

/** What an access list adds to the intrinsic gas. */
export function listGas(list: AccessList, fork: Fork): bigint {
  const entry = entryGas(fork)
  return list.reduce((sum, { slots }) => sum + entry.address + entry.slot * BigInt(slots.length), 0n)
}

/** What one entry of an access list costs up front: the account, and each of its slots. */
export function entryGas(fork: Fork): { readonly address: bigint; readonly slot: bigint } {
  const { listAddress, listSlot, listByte } = gasTables[fork]
  return { address: listAddress + 20n * listByte, slot: listSlot + 32n * listByte }
}

/** True for a precompiled contract of this fork. */
export function isPrecompile(account: Address, fork: Fork): boolean {
  const { precompileLast, hasP256 } = gasTables[fork]
  const number = BigInt(account)
  return (number >= 1n && number <= BigInt(precompileLast)) || (hasP256 && number === 0x100n)
}

/**
 * Judges what a fork says of a transaction without looking at any state: its type, gas limit and size.
 *
 * Refuses authorizations before prague, a limit below intrinsic or floor gas, a limit (osaka) or intrinsic gas
 * (amsterdam) above 2^24, and initcode that is too long.
 */
export function checkUnderFork(
  prepared: Prepared,
  fork: Fork,
): Decoded<{ readonly intrinsic: bigint; readonly floor: bigint }> {
  const table = gasTables[fork]
  const { gas, to, data, pricing } = prepared
  if (pricing.type === 'eip7702' && table.authorization === null)
    return refused(`${fork} has no transactions with authorizations`)
  if (to === null && data.length > table.initcodeBytesMax)
    return refused(`the initcode is longer than ${table.initcodeBytesMax} bytes`)
  const intrinsic = intrinsicGas(prepared, fork)
  const floor = floorGas(prepared, fork)
  let least = intrinsic
  if (floor > least) least = floor
  if (gas < least) return refused(`the gas limit ${gas} is below the ${least} that ${fork} asks before anything runs`)
  if (table.gasLimitMax !== null && gas > table.gasLimitMax)
    return refused(`the gas limit ${gas} is above ${fork}'s ${table.gasLimitMax}`)
  if (table.intrinsicGasMax !== null && least > table.intrinsicGasMax)
    return refused(`the intrinsic gas ${least} is above ${fork}'s ${table.intrinsicGasMax}`)
  return accepted({ intrinsic, floor })
}

function recipientGas({ from, to, value }: Priced, table: GasTable): bigint {
  if (to === null || to === from) return 0n
  return table.recipient + (value > 0n ? table.value : 0n)
}

function dataGas(data: Uint8Array, price: { readonly zeroByte: bigint; readonly otherByte: bigint }): bigint {
  let zeros = 0
  for (const byte of data) if (byte === 0) zeros += 1
  return price.zeroByte * BigInt(zeros) + price.otherByte * BigInt(data.length - zeros)
}

/** What the bytes of a list cost (EIP-7981): an address is 20 of them, a slot 32, whatever their RLP. */
function listBytesGas(list: AccessList, { listByte }: GasTable): bigint {
  return list.reduce((sum, { slots }) => sum + listByte * BigInt(20 + 32 * slots.length), 0n)
}
