import { accepted, type Decoded, refused } from '../../../sdk/errors.ts'
import { decodeRlp, encodeRlp, isBytes, quantity, type RlpItem, toBigInt } from '../../../sdk/rlp.ts'
import { type Address, address, fromHex, type Slot, toHex } from '../../../sdk/units.ts'
import type { AccountContent, SlotValue, StateChange } from './engine.ts'

const nothing = new Uint8Array(0)

/** Changes as bytes, for a log. */
export function encodeChanges(changes: readonly StateChange[]): Uint8Array {
  return encodeRlp(
    changes.map(({ address, account, code, isCleared, slots }) => [
      fromHex(address),
      account ? [quantity(account.nonce), quantity(account.balance), fromHex(account.codeHash)] : nothing,
      code ? [code] : [],
      quantity(isCleared ? 1 : 0),
      slots.map(slotItem),
    ]),
  )
}

/** Reads what {@link encodeChanges} wrote. Never throws. Whether they fit a state is told by its root. */
export function decodeChanges(bytes: Uint8Array): Decoded<readonly StateChange[]> {
  return readAll(bytes, readChange, 'a change')
}

/** An account as bytes, for a snapshot. */
export function encodeContent({ address, nonce, balance, code, slots }: AccountContent): Uint8Array {
  return encodeRlp([fromHex(address), quantity(nonce), quantity(balance), code, slots.map(slotItem)])
}

/** Reads what {@link encodeContent} wrote. Never throws. */
export function decodeContent(bytes: Uint8Array): Decoded<AccountContent> {
  const decoded = decodeRlp(bytes)
  if (!decoded.ok) return decoded
  const [account, nonce, balance, code, slotItems] = listOf(decoded.value) ?? []
  const values = slotItems && readSlots(slotItems)
  if (!isSized(account, 20) || !isShort(nonce) || !isShort(balance) || !code || !isBytes(code) || !values)
    return refused('the account is malformed')
  const content = { nonce: toBigInt(nonce), balance: toBigInt(balance), code, slots: values }
  return accepted({ address: address(toHex(account)), ...content })
}

function readAll<value>(
  bytes: Uint8Array,
  read: (item: RlpItem) => value | undefined,
  what: string,
): Decoded<readonly value[]> {
  const decoded = decodeRlp(bytes)
  if (!decoded.ok) return decoded
  const values: value[] = []
  for (const item of listOf(decoded.value) ?? [nothing]) {
    const value = read(item)
    if (value === undefined) return refused(`${what} is malformed`)
    values.push(value)
  }
  return accepted(values)
}

function readChange(item: RlpItem): StateChange | undefined {
  const [account, values, codes, cleared, slotItems] = listOf(item) ?? []
  const slots = slotItems && readSlots(slotItems)
  const codeList = codes && listOf(codes)
  if (!isSized(account, 20) || !values || !codeList || !isShort(cleared) || !slots) return undefined
  const now = readAccount(values)
  const [code = null] = codeList
  if (now === undefined || codeList.length > 1 || (code && !isBytes(code))) return undefined
  const where: Address = address(toHex(account))
  return { address: where, account: now, code: code as Uint8Array | null, isCleared: cleared.length > 0, slots }
}

function readAccount(item: RlpItem): StateChange['account'] | undefined {
  if (isBytes(item)) return item.length === 0 ? null : undefined
  const [nonce, balance, codeHash] = item
  if (!isShort(nonce) || !isShort(balance) || !isSized(codeHash, 32)) return undefined
  return { nonce: toBigInt(nonce), balance: toBigInt(balance), codeHash: toHex(codeHash) }
}

function slotItem({ slot, value }: SlotValue): RlpItem {
  return [fromHex(slot), value]
}

function readSlots(item: RlpItem): readonly SlotValue[] | undefined {
  const values: SlotValue[] = []
  for (const pair of listOf(item) ?? [nothing]) {
    const [slot, value] = listOf(pair) ?? []
    if (!isSized(slot, 32) || !isSized(value, 32)) return undefined
    values.push({ slot: toHex(slot) as Slot, value })
  }
  return values
}

function listOf(item: RlpItem): readonly RlpItem[] | undefined {
  return isBytes(item) ? undefined : item
}

function isSized(item: RlpItem | undefined, size: number): item is Uint8Array {
  return item !== undefined && isBytes(item) && item.length === size
}

/** A number of at most 32 bytes. */
function isShort(item: RlpItem | undefined): item is Uint8Array {
  return item !== undefined && isBytes(item) && item.length <= 32
}
