import { charge, type Frame } from './frame.ts'
import * as sums from './sums.ts'
import { bigintOf, clear, isBelowSigned, isZero, numberOf, writeBigint, writeBoolean } from './word.ts'

type Binary = (words: Int32Array, one: number, other: number) => void

/** An instruction that turns the two words on top into one. */
function binary(work: Binary): (frame: Frame) => void {
  return (frame) => {
    const top = frame.sp - 8
    work(frame.stack, top, top - 8)
    frame.sp = top
  }
}

export const mul: (frame: Frame) => void = /* @__PURE__ */ binary(sums.multiply)
export const div: (frame: Frame) => void = /* @__PURE__ */ binary(sums.divide)
export const sdiv: (frame: Frame) => void = /* @__PURE__ */ binary(sums.divideSigned)
export const mod: (frame: Frame) => void = /* @__PURE__ */ binary(sums.remainder)
export const smod: (frame: Frame) => void = /* @__PURE__ */ binary(sums.remainderSigned)

export function addmod(frame: Frame): void {
  modular(frame, (one, other) => one + other)
}

export function mulmod(frame: Frame): void {
  modular(frame, (one, other) => one * other)
}

function modular(frame: Frame, work: (one: bigint, other: bigint) => bigint): void {
  const { stack, sp } = frame
  const target = sp - 24
  frame.sp = sp - 16
  if (isZero(stack, target)) return
  const result = work(bigintOf(stack, sp - 8), bigintOf(stack, sp - 16)) % bigintOf(stack, target)
  writeBigint(stack, target, result)
}

/** Each byte of the exponent costs 50 (EIP-160), on top of the price in the table. */
export function exp(frame: Frame): void {
  const { stack, sp } = frame
  const target = sp - 16
  frame.sp = sp - 8
  const exponentBits = sums.bitLength(stack, target)
  if (!charge(frame, 50 * Math.ceil(exponentBits / 8))) return
  // Compilers shift by raising 2 or 256.
  const bits = sums.singleBit(stack, sp - 8)
  if (bits > 0 && exponentBits <= 8) {
    const shift = bits * (stack[target] as number)
    clear(stack, target)
    if (shift < 256) stack[target + (shift >> 5)] = 1 << (shift & 31)
    return
  }
  writeBigint(stack, target, sums.power(bigintOf(stack, sp - 8), bigintOf(stack, target)))
}

export function signextend(frame: Frame): void {
  const { stack, sp } = frame
  const index = numberOf(stack, sp - 8)
  frame.sp = sp - 8
  if (index < 31) sums.extendSign(stack, sp - 16, index)
}

export function slt(frame: Frame): void {
  const top = frame.sp - 8
  writeBoolean(frame.stack, top - 8, isBelowSigned(frame.stack, top, top - 8))
  frame.sp = top
}

export function sgt(frame: Frame): void {
  const top = frame.sp - 8
  writeBoolean(frame.stack, top - 8, isBelowSigned(frame.stack, top - 8, top))
  frame.sp = top
}

export function or(frame: Frame): void {
  const { stack } = frame
  const top = frame.sp - 8
  for (let at = top; at < top + 8; at++) stack[at - 8] = (stack[at - 8] as number) | (stack[at] as number)
  frame.sp = top
}

export function xor(frame: Frame): void {
  const { stack } = frame
  const top = frame.sp - 8
  for (let at = top; at < top + 8; at++) stack[at - 8] = (stack[at - 8] as number) ^ (stack[at] as number)
  frame.sp = top
}

export function not(frame: Frame): void {
  const { stack, sp } = frame
  for (let at = sp - 8; at < sp; at++) stack[at] = ~(stack[at] as number)
}

export function byte(frame: Frame): void {
  const { stack, sp } = frame
  const index = numberOf(stack, sp - 8)
  const target = sp - 16
  const value = index < 32 ? ((stack[target + 7 - (index >> 2)] as number) >>> (24 - 8 * (index & 3))) & 0xff : 0
  clear(stack, target)
  stack[target] = value
  frame.sp = sp - 8
}

export function shl(frame: Frame): void {
  const { stack, sp } = frame
  const bits = numberOf(stack, sp - 8)
  frame.sp = sp - 8
  if (bits > 255) clear(stack, sp - 16)
  else sums.shiftLeft(stack, sp - 16, bits)
}

export function shr(frame: Frame): void {
  const { stack, sp } = frame
  const bits = numberOf(stack, sp - 8)
  frame.sp = sp - 8
  if (bits > 255) clear(stack, sp - 16)
  else sums.shiftRight(stack, sp - 16, bits, 0)
}

export function sar(frame: Frame): void {
  const { stack, sp } = frame
  const bits = numberOf(stack, sp - 8)
  const sign = (stack[sp - 9] as number) >> 31
  frame.sp = sp - 8
  if (bits > 255) stack.fill(sign, sp - 16, sp - 8)
  else sums.shiftRight(stack, sp - 16, bits, sign)
}

/** Zero bits in front of the first one (EIP-7939). */
export function clz(frame: Frame): void {
  const top = frame.sp - 8
  const zeros = 256 - sums.bitLength(frame.stack, top)
  clear(frame.stack, top)
  frame.stack[top] = zeros
}
