import type { Deposit } from '../../sdk/till/index.ts'
import type { ChannelId } from '../../sdk/units.ts'
import { broadcast, type SimChain, tipOf } from './chain.ts'

/** Messages in one direction, in the order they came; a reader strikes off what it has dealt with. */
export interface Mail {
  readonly messages: Uint8Array[]
  struck: number
  /** Readers to be woken. */
  readonly readers: (() => unknown)[]
}

/** The channel box: it keeps what it was given, and broadcasts the deposit when its height has come. It never crashes. */
export interface SimBox {
  readonly id: ChannelId
  readonly toPayee: Mail
  readonly toPayer: Mail
  deposit: Deposit | null
  readonly keep: typeof keepBest
}

export function createBox(id: ChannelId, keep: typeof keepBest = keepBest): SimBox {
  const mail = (): Mail => ({ messages: [], struck: 0, readers: [] })
  return { id, toPayee: mail(), toPayer: mail(), deposit: null, keep }
}

export function post(mail: Mail, message: Uint8Array): void {
  mail.messages.push(message.slice())
  for (const wake of mail.readers.splice(0)) wake()
}

/** The oldest message that is not struck off, and its place. */
export function first(mail: Mail): { readonly at: number; readonly message: Uint8Array } | null {
  const message = mail.messages[mail.struck]
  return message ? { at: mail.struck, message } : null
}

/** Strikes a message off, and all before it. */
export function strike(mail: Mail, at: number): void {
  mail.struck = Math.max(mail.struck, at + 1)
}

/** Of two deposits a box keeps the one of the higher number. */
export function keepBest(held: Deposit | null, left: Deposit): Deposit {
  return held && held.number >= left.number ? held : left
}

/** The alarm, rung at every block. A refusal means that another spend came first. */
export function ring(box: SimBox, chain: SimChain): void {
  if (!box.deposit || tipOf(chain) < box.deposit.broadcastHeight) return
  try {
    broadcast(chain, box.deposit.transaction)
  } catch {
    // Tried again at the next block.
  }
}
