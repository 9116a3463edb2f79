import { type Address, fromHex, type Hex, type Slot } from '../../../sdk/units.ts'

/** Just enough of an assembler for contracts that touch places in known ways. */
export function assemble(...parts: readonly (number | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])))
}

const push = (value: Hex): Uint8Array => {
  const bytes = fromHex(value)
  return assemble(0x5f + bytes.length, bytes)
}

export const sload = (slot: Slot): Uint8Array => assemble(push(slot), 0x54, 0x50)
export const sstore = (slot: Slot, value: Hex): Uint8Array => assemble(push(value), push(slot), 0x55)
export const balance = (account: Address): Uint8Array => assemble(push(account), 0x31, 0x50)
export const selfdestruct = (heir: Address): Uint8Array => assemble(push(heir), 0xff)
export const revert = (): Uint8Array => assemble(push('0x00'), push('0x00'), 0xfd)

/** Calls with all gas, no value and no data, and goes on whatever comes of it. */
export const callAccount = (account: Address): Uint8Array => {
  const nothing = push('0x00')
  return assemble(nothing, nothing, nothing, nothing, nothing, push(account), 0x5a, 0xf1, 0x50)
}

/** Initcode that leaves `code` behind. */
export function initcodeOf(code: Uint8Array): Uint8Array {
  const size = Uint8Array.of(0x61, code.length >> 8, code.length & 0xff)
  // PUSH2 size, DUP1, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 0, RETURN: twelve bytes, then the code.
  return assemble(size, 0x80, push('0x0c'), push('0x00'), 0x39, push('0x00'), 0xf3, code)
}
