import { currentEngine } from '../../../sdk/crypto/engine.ts'
import { authorizationHash } from '../../../sdk/evm/authorization.ts'
import { accountOf } from '../../../sdk/evm/sender.ts'
import { type Address, address, fromHex, type Slot, toHex, type Wei } from '../../../sdk/units.ts'
import type { Transaction } from '../../../sdk/vm/index.ts'
import { type MemoryState, memoryState } from './memoryState.ts'

/** A number from 0 to below 1, the next of a seeded row. */
export type Chance = () => number

/** Mulberry32: the same numbers on every machine. */
export function createChance(seed: number): Chance {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const programSender = address(`0x${'51'.repeat(20)}`)
const contracts = [1, 2, 3, 4].map((at) => address(`0x${`c${at}`.repeat(20)}`))
const strangers = [address(`0x${'ee'.repeat(20)}`), address(`0x${'0'.repeat(37)}bad`)]

/** A state of a few contracts with random code that know each other, and a transaction that calls one or creates another. */
export function drawWorld(
  chance: Chance,
  hasDelegations: boolean,
): { state: MemoryState; transactions: Transaction[] } {
  const state = memoryState()
  state.put(programSender, { nonce: 0n, balance: 10n ** 24n, code: new Uint8Array(0), slots: [] })
  for (const contract of contracts) {
    const slots = [0, 1, 2].flatMap((key) =>
      chance() < 0.4 ? [{ slot: slotOf(key), value: word(BigInt(1 + below(chance, 3))) }] : [],
    )
    const code = hasDelegations && chance() < 0.1 ? delegation(pick(chance, contracts)) : drawProgram(chance)
    state.put(contract, { nonce: 1n, balance: BigInt(below(chance, 3)) * 1_000n, code, slots })
  }
  if (hasDelegations && chance() < 0.5)
    state.put(authority, { nonce: 0n, balance: 5n, code: new Uint8Array(0), slots: [] })
  const transactions = Array.from({ length: 1 + below(chance, 3) }, (_, nonce) =>
    hasDelegations && chance() < 0.25 ? drawDelegation(chance, nonce) : drawTransaction(chance, nonce),
  )
  return { state, transactions }
}

const secretKey = new Uint8Array(32).fill(7)
const authority = accountOf(currentEngine().uncompressed(currentEngine().publicKey(secretKey)))

/** A transaction with authorizations, right and wrong ones, that calls whoever wished for it (EIP-7702). */
function drawDelegation(chance: Chance, nonce: number): Transaction {
  const { pricing, ...rest } = drawTransaction(chance, nonce)
  const authorizations = Array.from({ length: 1 + below(chance, 3) }, (_, at) => {
    const wish = {
      chainId: pick(chance, [0, 1, 1, 1, 5]),
      delegate: pick(chance, [...contracts, authority, address(`0x${'00'.repeat(20)}`), precompile(chance)]),
      nonce: BigInt(pick(chance, [0, 0, at, 1])),
    }
    return { ...wish, signature: currentEngine().sign(authorizationHash(wish), secretKey) }
  })
  if (pricing.type !== 'eip1559') return { ...rest, pricing }
  const to = pick(chance, [authority, authority, ...contracts])
  return { ...rest, to, gas: rest.gas + 75_000n, pricing: { ...pricing, type: 'eip7702', authorizations } }
}

function drawTransaction(chance: Chance, nonce: number): Transaction {
  const creates = chance() < 0.15
  const listed = chance() < 0.3 ? [{ address: pick(chance, contracts), slots: [slotOf(0), slotOf(1)] }] : []
  const maxFeePerGas = 3_000_000_000n as Wei
  const maxPriorityFeePerGas = BigInt(below(chance, 3)) as Wei
  return {
    chainId: 1,
    from: programSender,
    to: creates ? null : pick(chance, [...contracts, ...contracts, ...strangers, precompile(chance)]),
    nonce,
    value: chance() < 0.5 ? 0n : BigInt(below(chance, 2_000)),
    data: creates ? drawProgram(chance) : Uint8Array.from({ length: below(chance, 100) }, () => below(chance, 256)),
    gas: BigInt(pick(chance, [60_000, 100_000, 400_000, 2_000_000])),
    pricing: { type: 'eip1559', maxFeePerGas, maxPriorityFeePerGas, accessList: listed },
  }
}

/** Code in which most of what runs makes sense: operands are there, offsets small, addresses known. */
export function drawProgram(chance: Chance): Uint8Array {
  const code: number[] = []
  const length = 3 + below(chance, 40)
  for (let step = 0; step < length; step++) code.push(...drawStep(chance, code.length))
  return Uint8Array.from(code)
}

const binary = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1a, 0x1b,
]
const pairs = [...binary, 0x1c, 0x1d, 0x0a]
const facts = [
  0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x4a, 0x58,
]
const singles = [0x15, 0x19, 0x35, 0x1e, 0x49]

function drawStep(chance: Chance, at: number): number[] {
  const kind = below(chance, 24)
  const operand = () => drawOperand(chance)
  switch (kind) {
    case 0:
    case 1:
    case 2:
      return [...operand(), ...operand(), pick(chance, pairs), ...keep(chance)]
    case 3:
      return [...operand(), ...operand(), ...operand(), pick(chance, [0x08, 0x09]), ...keep(chance)]
    case 4:
      return [pick(chance, [...facts, 0x59, 0x5a]), ...keep(chance)]
    case 5:
      return [...operand(), pick(chance, singles), ...keep(chance)]
    case 6:
    case 7:
      return [...operand(), ...slotKey(chance), pick(chance, [0x55, 0x55, 0x55, 0x5d])]
    case 8:
      return [...slotKey(chance), pick(chance, [0x54, 0x5c]), ...keep(chance)]
    case 9:
      return [...operand(), ...offset(chance), pick(chance, [0x52, 0x52, 0x53])]
    case 10:
      return [...offset(chance), 0x51, ...keep(chance)]
    case 11:
      return [...size(chance), ...offset(chance), 0x20, ...keep(chance)]
    case 12:
      return [
        ...size(chance),
        ...offset(chance),
        ...offset(chance),
        pick(chance, [0x37, 0x39, 0x5e, 0x37, 0x39, 0x5e, 0x3e]),
      ]
    case 13:
      return [...account(chance), pick(chance, [0x31, 0x3b, 0x3f]), ...keep(chance)]
    case 14:
    case 15:
    case 16:
      return drawCall(chance)
    case 17:
      return drawCreation(chance)
    case 18: {
      const topics = below(chance, 5)
      return [...Array.from({ length: topics }, operand).flat(), ...size(chance), ...offset(chance), 0xa0 + topics]
    }
    case 19:
      return [0x5a, ...slotKey(chance), 0x55] // Gas into a slot: whatever it differs by shows in the state.
    case 20:
      return drawJump(chance, at)
    case 21:
      return [pick(chance, [0x5f, 0x5b, 0x80, 0x81, 0x90, 0x5f, 0x5b, 0x8f, 0x93, 0x50])]
    case 22:
      return drawEnd(chance)
    default:
      return [...size(chance), ...offset(chance), ...offset(chance), ...account(chance), 0x3c]
  }
}

/** What becomes of a result: left, dropped, or stored. */
function keep(chance: Chance): number[] {
  const kind = below(chance, 4)
  if (kind === 0) return [0x50]
  if (kind === 1) return [...slotKey(chance), 0x55]
  if (kind === 2) return [...offset(chance), 0x52]
  return []
}

function drawOperand(chance: Chance): number[] {
  const kind = below(chance, 8)
  if (kind < 3) return [0x60, below(chance, 4)]
  if (kind === 3) return [0x60, below(chance, 256)]
  if (kind === 4) return [0x7f, ...Array.from({ length: 32 }, () => pick(chance, [0, 0xff, below(chance, 256)]))]
  if (kind === 5) return [0x7f, ...new Array(32).fill(0xff)]
  const length = 1 + below(chance, 32)
  return [0x5f + length, ...Array.from({ length }, () => below(chance, 256))]
}

function slotKey(chance: Chance): number[] {
  return [0x60, below(chance, 3)]
}

function offset(chance: Chance): number[] {
  return chance() < 0.03 ? [0x61, 1 + below(chance, 40), 0] : [0x60, below(chance, 128)]
}

function size(chance: Chance): number[] {
  return [0x60, below(chance, 100)]
}

function account(chance: Chance): number[] {
  const kind = below(chance, 11)
  if (kind === 10) return [0x73, ...fromHex(authority)]
  if (kind === 0) return [0x60, 1 + below(chance, 9)]
  if (kind === 1) return [0x30]
  return [0x73, ...fromHex(pick(chance, [...contracts, ...contracts, ...strangers, programSender]))]
}

function drawCall(chance: Chance): number[] {
  const op = pick(chance, [0xf1, 0xf1, 0xf1, 0xf2, 0xf4, 0xfa])
  const regions = [...size(chance), ...offset(chance), ...size(chance), ...offset(chance)]
  const value = op === 0xf1 || op === 0xf2 ? (chance() < 0.6 ? [0x5f] : [0x60, below(chance, 30)]) : []
  const gas = chance() < 0.7 ? [0x5a] : [0x61, below(chance, 256), below(chance, 256)]
  return [...regions, ...value, ...account(chance), ...gas, op, ...keep(chance)]
}

/** The initcode is short, or what happens to stand in memory. */
function drawCreation(chance: Chance): number[] {
  const op = pick(chance, [0xf0, 0xf5])
  const salt = op === 0xf5 ? [0x60, below(chance, 2)] : []
  const ends = [[0x33, 0xff], [0x60, 1, 0x60, 0, 0xf3], [0x60, 4, 0x60, 0, 0xfd], [0x60, 1, 0x5f, 0x55], [0xfe]]
  const initcode = pick(chance, ends)
  const store = [0x5f + initcode.length, ...initcode, 0x5f, 0x52]
  const region = [0x60, initcode.length, 0x60, 32 - initcode.length]
  return [...store, ...salt, ...region, 0x60, below(chance, 3), op, ...keep(chance)]
}

/** Over a few bytes, if so. */
function drawJump(chance: Chance, at: number): number[] {
  const skipped = [...drawOperand(chance), 0x50]
  const target = at + 6 + skipped.length + (chance() < 0.1 ? 1 : 0)
  return [0x60, below(chance, 2), 0x61, target >> 8, target & 0xff, 0x57, ...skipped, 0x5b]
}

function drawEnd(chance: Chance): number[] {
  if (chance() < 0.7) return []
  const kind = below(chance, 6)
  if (kind === 0) return [0x00]
  if (kind === 1) return [...size(chance), ...offset(chance), 0xfd]
  if (kind === 2) return [...account(chance), 0xff]
  if (kind === 3) return [0xfe]
  if (kind === 4) return Array.from({ length: 5 }, () => below(chance, 256))
  return [...size(chance), ...offset(chance), 0xf3]
}

function precompile(chance: Chance): Address {
  return address(`0x${(1 + below(chance, 9)).toString(16).padStart(40, '0')}`)
}

function delegation(delegate: Address): Uint8Array {
  return Uint8Array.from([0xef, 0x01, 0x00, ...fromHex(delegate)])
}

function below(chance: Chance, end: number): number {
  return Math.floor(chance() * end)
}

function pick<item>(chance: Chance, list: readonly item[]): item {
  return list[below(chance, list.length)] as item
}

function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}

function slotOf(key: number): Slot {
  return toHex(word(BigInt(key))) as Slot
}
