import { type Fork, type GasTable, gasTables } from '../evm/fork.ts'
import type { AccessList } from '../evm/transaction.ts'
import type { Message } from './transaction.ts'

/** Gas before the first instruction. */
export interface StartGas {
  readonly intrinsic: number
  /** The least a transaction pays (EIP-7623). */
  readonly floor: number
}

/** Works out what transactions of one fork start with: `intrinsicGas` and `floorGas` of `lanekit/evm`, in numbers. */
export type StartGasOf = (message: Message, accessList: AccessList, authorizationCount: number) => StartGas

export function startGasOf(fork: Fork): StartGasOf {
  const table = gasTables[fork]
  const [transaction, creation, initcodeWord] = [table.transaction, table.creation, table.initcodeWord].map(Number)
  const listPrices = pricesOfList(table)
  const authorization = Number(table.authorization ?? 0n)
  const { floor } = table
  const floorZero = Number(floor?.zeroByte ?? 0n)
  const floorOther = Number(floor?.otherByte ?? 0n)
  const [zeroByte, otherByte] = [Number(table.zeroByte), Number(table.otherByte)]
  const recipientGas = priceRecipient(table)
  return (message, accessList, authorizationCount) => {
    const { data } = message
    const zeros = zerosIn(data)
    const others = data.length - zeros
    const base = transaction as number
    const created = message.to === null ? (creation as number) : recipientGas(message)
    const initcode = message.to === null ? (initcodeWord as number) * Math.ceil(data.length / 32) : 0
    const list = accessList.length === 0 ? nothingListed : listPrices(accessList)
    const carried = zeroByte * zeros + otherByte * others + list.gas + authorization * authorizationCount
    const covered = floor?.coversRecipient ? created : 0
    return {
      intrinsic: base + created + initcode + carried,
      floor: floor ? base + covered + floorZero * zeros + floorOther * others + list.bytesGas : 0,
    }
  }
}

interface ListGas {
  readonly gas: number
  /** What its bytes alone cost (EIP-7981). */
  readonly bytesGas: number
}

const nothingListed: ListGas = { gas: 0, bytesGas: 0 }

function pricesOfList(table: GasTable): (list: AccessList) => ListGas {
  const [address, slot, byte] = [Number(table.listAddress), Number(table.listSlot), Number(table.listByte)]
  return (list) => {
    let gas = 0
    let bytes = 0
    for (const { slots } of list) {
      gas += address + slot * slots.length
      bytes += 20 + 32 * slots.length
    }
    return { gas: gas + byte * bytes, bytesGas: byte * bytes }
  }
}

function priceRecipient(table: GasTable): (message: Message) => number {
  const [recipient, value] = [Number(table.recipient), Number(table.value)]
  return (message) => (message.to === message.from ? 0 : recipient + (message.value > 0n ? value : 0))
}

function zerosIn(data: Uint8Array): number {
  let zeros = 0
  for (let at = 0; at < data.length; at++) if (data[at] === 0) zeros += 1
  return zeros
}
