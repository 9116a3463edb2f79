import { invariant } from '../errors.ts'
import * as arithmetic from './arithmetic.ts'
import * as calls from './calls.ts'
import * as creations from './creations.ts'
import { selfdestruct } from './destruction.ts'
import * as environment from './environment.ts'
import * as flow from './flow.ts'
import { type Frame, stackLimbsMax } from './frame.ts'
import { log } from './logs.ts'
import * as memory from './memory.ts'
import type { Rules } from './rules.ts'
import * as storage from './storage.ts'
import { wordLimbs } from './word.ts'

export type Handler = (frame: Frame) => void

/** All instructions of one fork, by their byte. */
export interface InstructionTable {
  readonly handlers: readonly Handler[]
  /** Below {@link gasMask} what is paid before the handler runs, above it the limbs it takes from the stack. */
  readonly starts: Int32Array
  /** The most limbs a frame may have on its stack before. */
  readonly most: Int32Array
}

export const gasMask = 0xffff
export const startShift = 16

/** Byte, handler, gas, words taken from the stack, words put on it. */
type Row = readonly [op: number, handler: Handler, gas: number, takes: number, gives: number]

const veryLow = 3
const low = 5
const base = 2

/** The jump table of a fork. */
export function instructions(rules: Rules): InstructionTable {
  const handlers: Handler[] = new Array(256).fill(flow.invalid)
  const starts = new Int32Array(256)
  const most = new Int32Array(256).fill(stackLimbsMax)
  for (const [op, handler, price, takes, gives] of rowsOf(rules)) {
    handlers[op] = handler
    invariant(price <= gasMask, 'the price of an instruction fits beside what it takes')
    starts[op] = price | ((takes * wordLimbs) << startShift)
    most[op] = stackLimbsMax - (gives - takes) * wordLimbs
  }
  return { handlers, starts, most }
}

function rowsOf(rules: Rules): Row[] {
  return [
    ...arithmeticRows(rules),
    ...environmentRows(),
    ...blockRows(),
    ...placeRows(),
    ...stackRows(),
    ...callRows(rules),
  ]
}

function arithmeticRows({ hasClz }: Rules): Row[] {
  const rows: Row[] = [
    [0x00, flow.stop, 0, 0, 0],
    [0x01, flow.inLoop, veryLow, 2, 1],
    [0x02, arithmetic.mul, low, 2, 1],
    [0x03, flow.inLoop, veryLow, 2, 1],
    [0x04, arithmetic.div, low, 2, 1],
    [0x05, arithmetic.sdiv, low, 2, 1],
    [0x06, arithmetic.mod, low, 2, 1],
    [0x07, arithmetic.smod, low, 2, 1],
    [0x08, arithmetic.addmod, 8, 3, 1],
    [0x09, arithmetic.mulmod, 8, 3, 1],
    [0x0a, arithmetic.exp, 10, 2, 1],
    [0x0b, arithmetic.signextend, low, 2, 1],
    [0x10, flow.inLoop, veryLow, 2, 1],
    [0x11, flow.inLoop, veryLow, 2, 1],
    [0x12, arithmetic.slt, veryLow, 2, 1],
    [0x13, arithmetic.sgt, veryLow, 2, 1],
    [0x14, flow.inLoop, veryLow, 2, 1],
    [0x15, flow.inLoop, veryLow, 1, 1],
    [0x16, flow.inLoop, veryLow, 2, 1],
    [0x17, arithmetic.or, veryLow, 2, 1],
    [0x18, arithmetic.xor, veryLow, 2, 1],
    [0x19, arithmetic.not, veryLow, 1, 1],
    [0x1a, arithmetic.byte, veryLow, 2, 1],
    [0x1b, arithmetic.shl, veryLow, 2, 1],
    [0x1c, arithmetic.shr, veryLow, 2, 1],
    [0x1d, arithmetic.sar, veryLow, 2, 1],
    [0x20, memory.keccak, 30, 2, 1],
  ]
  return hasClz ? [...rows, [0x1e, arithmetic.clz, low, 1, 1]] : rows
}

/** Where an account is touched, its price depends on whether it is cold, and the handler charges it. */
function environmentRows(): Row[] {
  return [
    [0x30, environment.address, base, 0, 1],
    [0x31, environment.balance, 0, 1, 1],
    [0x32, environment.origin, base, 0, 1],
    [0x33, environment.caller, base, 0, 1],
    [0x34, environment.callvalue, base, 0, 1],
    [0x35, memory.calldataload, veryLow, 1, 1],
    [0x36, memory.calldatasize, base, 0, 1],
    [0x37, memory.calldatacopy, veryLow, 3, 0],
    [0x38, memory.codesize, base, 0, 1],
    [0x39, memory.codecopy, veryLow, 3, 0],
    [0x3a, environment.gasprice, base, 0, 1],
    [0x3b, environment.extcodesize, 0, 1, 1],
    [0x3c, environment.extcodecopy, 0, 4, 0],
    [0x3d, memory.returndatasize, base, 0, 1],
    [0x3e, memory.returndatacopy, veryLow, 3, 0],
    [0x3f, environment.extcodehash, 0, 1, 1],
  ]
}

function blockRows(): Row[] {
  return [
    [0x40, environment.blockhash, 20, 1, 1],
    [0x41, environment.coinbase, base, 0, 1],
    [0x42, environment.timestamp, base, 0, 1],
    [0x43, environment.number, base, 0, 1],
    [0x44, environment.prevrandao, base, 0, 1],
    [0x45, environment.gaslimit, base, 0, 1],
    [0x46, environment.chainid, base, 0, 1],
    [0x47, environment.selfbalance, low, 0, 1],
    [0x48, environment.basefee, base, 0, 1],
    [0x49, environment.blobhash, veryLow, 1, 1],
    [0x4a, environment.blobbasefee, base, 0, 1],
  ]
}

/** Memory, storage and jumps. SLOAD and SSTORE charge in their handlers. */
function placeRows(): Row[] {
  return [
    [0x50, flow.inLoop, base, 1, 0],
    [0x51, memory.mload, veryLow, 1, 1],
    [0x52, memory.mstore, veryLow, 2, 0],
    [0x53, memory.mstore8, veryLow, 2, 0],
    [0x54, storage.sload, 0, 1, 1],
    [0x55, storage.sstore, 0, 2, 0],
    [0x56, flow.inLoop, 8, 1, 0],
    [0x57, flow.inLoop, 10, 2, 0],
    [0x58, flow.pc, base, 0, 1],
    [0x59, memory.msize, base, 0, 1],
    [0x5a, flow.gas, base, 0, 1],
    [0x5b, flow.inLoop, 1, 0, 0],
    [0x5c, storage.tload, 100, 1, 1],
    [0x5d, storage.tstore, 100, 2, 0],
    [0x5e, memory.mcopy, veryLow, 3, 0],
  ]
}

function stackRows(): Row[] {
  const rows: Row[] = [[0x5f, memory.pushZero, base, 0, 1]]
  for (let size = 1; size <= 32; size++)
    rows.push([0x5f + size, size <= 4 ? flow.inLoop : flow.push(size), veryLow, 0, 1])
  for (let depth = 1; depth <= 16; depth++) {
    rows.push([0x7f + depth, flow.inLoop, veryLow, depth, depth + 1])
    rows.push([0x8f + depth, flow.inLoop, veryLow, depth + 1, depth + 1])
  }
  for (let topics = 0; topics <= 4; topics++) rows.push([0xa0 + topics, log(topics), 375 * (topics + 1), topics + 2, 0])
  return rows
}

function callRows({ create }: Rules): Row[] {
  return [
    [0xf0, creations.create, create, 3, 1],
    [0xf1, calls.call, 0, 7, 1],
    [0xf2, calls.callcode, 0, 7, 1],
    [0xf3, flow.doReturn, 0, 2, 0],
    [0xf4, calls.delegatecall, 0, 6, 1],
    [0xf5, creations.create2, create, 4, 1],
    [0xfa, calls.staticcall, 0, 6, 1],
    [0xfd, flow.revert, 0, 2, 0],
    [0xff, selfdestruct, 5_000, 1, 0],
  ]
}
