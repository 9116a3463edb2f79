import type { Context } from 'hono'
import { InvariantError } from '../../sdk/errors.ts'
import type { TxStatus } from '../../sdk/ports.ts'
import { type Address, address, type BatchId, batchId, isHex, type TxHash, txHash } from '../../sdk/units.ts'
import { type ChainConfig, decodeChains, readChainId } from '../config.ts'
import type { Env } from '../objects.ts'
import { shardName, shardOf } from '../placement.ts'
import { type ProblemCode, problem } from '../problems.ts'

/** A request that ends in a problem. Thrown inside routes only, so that each of them reads as the good case. */
export class Refusal extends Error {
  readonly code: ProblemCode
  readonly detail: string

  constructor(code: ProblemCode, detail: string) {
    super(code)
    this.code = code
    this.detail = detail
  }
}

/** Answers with a problem (RFC 9457). */
export function answerProblem(context: Context, code: ProblemCode, detail: string): Response {
  const { retryAfterSeconds, ...body } = problem(code, detail)
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  const wait = retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) }
  const upgrade = body.status === 426 ? { upgrade: 'websocket', connection: 'upgrade' } : {}
  const challenge = body.status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  return context.body(JSON.stringify(body), body.status, { ...headers, ...wait, ...upgrade, ...challenge })
}

/** For the methods a path does not take; the others are registered before it. */
export function allowOnly(method: string): (context: Context) => Response {
  return (context) => {
    context.header('allow', method)
    return answerProblem(context, 'method-not-allowed', `This path takes ${method}.`)
  }
}

/** For paths that are sockets. */
export function demandUpgrade(context: Context): void {
  if (context.req.header('upgrade')?.toLowerCase() !== 'websocket')
    throw new Refusal('upgrade-required', 'This path is a WebSocket.')
}

/** The chain named in the path. */
export function chainOf(env: Env, text: string): ChainConfig {
  const chains = decodeChains(env.CHAINS)
  if (!chains.ok) throw new Refusal('misconfigured', 'The list of chains cannot be read.')
  const id = readChainId(text)
  const chain = id === undefined ? undefined : chains.value.get(id)
  if (!chain) throw new Refusal('unknown-chain', 'No such chain is served here.')
  return chain
}

/** The batch named in the path. */
export function batchOf(text: string): BatchId {
  if (!isHex(text, 32)) throw new Refusal('unknown-batch', 'A batch is named by 0x and 32 bytes.')
  return batchId(text)
}

/** The transaction named in the path. */
export function transactionOf(sender: string, hash: string): { readonly sender: Address; readonly hash: TxHash } {
  if (!isHex(sender, 20) || !isHex(hash, 32))
    throw new Refusal('unknown-transaction', 'A transaction is named by its sender and its hash.')
  return { sender: address(sender), hash: txHash(hash) }
}

/** The sender named in the path. */
export function senderOf(text: string): Address {
  if (!isHex(text, 20)) throw new Refusal('unknown-sender', 'A sender is named by 0x and 20 bytes.')
  return address(text)
}

/** The window named in the path. */
export function windowOf(text: string): number {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new Refusal('unknown-window', 'A window is named by a number from 1.')
  return Number(text)
}

/** A sequence or window number to go on after; nothing means from the start. */
export function cursorOf(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new Refusal('malformed-cursor', 'A cursor is a whole number.')
  return value
}

/** What the shard knows of a transaction. */
export async function statusOf(env: Env, chain: ChainConfig, sender: Address, hash: TxHash): Promise<TxStatus | null> {
  const shard = env.SHARD.getByName(shardName(chain.id, shardOf(sender)))
  return ask(() => shard.status(sender, hash))
}

/**
 * Calls an object. A broken connection or an object that was just restarted is no fault of the request: the same
 * one will succeed later.
 */
export async function ask<value>(call: () => Promise<value>): Promise<value> {
  try {
    return await call()
  } catch (error) {
    const isOurs = error instanceof InvariantError || (error instanceof Error && /Broken invariant/.test(error.message))
    if (isOurs) throw error
    throw new Refusal('unavailable', 'A part of the edge did not answer. The same request may be sent again.')
  }
}
