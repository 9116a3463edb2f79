import type { ReceivedBatch } from '../../sdk/batch/index.ts'
import type { RelayItem } from '../../sdk/ports.ts'
import type { Member } from '../chain.ts'
import type { ChainConfig } from '../config.ts'
import { type Judged, judge, type Submission } from '../intake.ts'
import { judgedPerTurnMax } from '../limits.ts'
import type { Env } from '../objects.ts'
import { packItems } from '../parcel.ts'
import { chainName, shardName, shardOf } from '../placement.ts'
import { type AuditRow, type Policy, policy } from '../policy.ts'
import { problem } from '../problems.ts'
import type { Answer } from '../shard.ts'
import { hear, tell } from '../told.ts'
import { ask, Refusal } from './answer.ts'

/** Transactions judged and stored, each answer where its transaction stands. */
export interface Stored {
  readonly judged: readonly Judged[]
  readonly answers: readonly Answer[]
}

/** Judges every transaction and has each stored by its sender's shard: what is answered with `ok` is durable. */
export async function storeAll(env: Env, chain: ChainConfig, transactions: readonly Submission[]): Promise<Stored> {
  if (chain.isDraining) throw new Refusal('draining', 'New transactions are not taken here for now.')
  const judged = await judgeAll(transactions, chain)
  const ruled = await rule(env, chain, judged)
  return { judged: ruled, answers: await store(env, chain, ruled) }
}

/**
 * Stores what a batch has, then registers the batch: by the time this returns, all that it acknowledges is durable.
 * Whatever dies in between, equal bytes sent again end in the same rows.
 */
export async function submit(env: Env, chain: ChainConfig, batch: ReceivedBatch) {
  const { judged, answers } = await storeAll(env, chain, batch.transactions)
  const members: Member[] = []
  for (const [position, answer] of answers.entries()) {
    const entry = judged[position]
    if (!answer.ok || !entry?.ok) continue
    const { hash, status, sequence } = answer
    members.push({ hash, sender: entry.item.sender, position, status, sequence })
  }
  const object = env.CHAIN.getByName(chainName(chain.id))
  const statuses = members.length > 0 ? hear(await ask(() => object.register(chain.id, batch.id, tell(members)))) : []
  const today = new Map(members.map(({ hash }, at) => [hash, statuses[at]]))
  const items = answers.map((answer, index): RelayItem => {
    if (answer.ok) return { ok: true, hash: answer.hash, status: today.get(answer.hash) ?? answer.status }
    const { code, detail, retryable, retryAfterSeconds } = problem(answer.code, answer.detail)
    return { ok: false, index, problem: { code, detail, retryable, retryAfterSeconds } }
  })
  return { batch: batch.id, items, awaited: members.map(({ hash, sequence }) => ({ hash, sequence })) }
}

/** Judges in parts: signatures take a millisecond each, and others want their turn. */
async function judgeAll(transactions: readonly Submission[], chain: ChainConfig): Promise<readonly Judged[]> {
  const judged: Judged[] = []
  for (const [index, transaction] of transactions.entries()) {
    if (index % judgedPerTurnMax === 0 && index > 0) await new Promise((resolve) => setTimeout(resolve, 0))
    judged.push(judge(transaction, chain))
  }
  return judged
}

/** Asks the operator's rule about each fit one, and records what it said before anything else happens. */
export async function rule(
  env: Pick<Env, 'CHAIN'>,
  chain: ChainConfig,
  judged: readonly Judged[],
  ruleOf: Policy | null = policy,
): Promise<readonly Judged[]> {
  if (ruleOf === null) return judged
  const now = Date.now()
  const audit: AuditRow[] = []
  const ruled = judged.map((entry): Judged => {
    if (!entry.ok) return entry
    const decision = ruleOf(entry.item, { chain: chain.id, now })
    audit.push({ at: now, hash: entry.item.hash, decision })
    if (decision === 'allow') return entry
    const code = decision === 'deny' ? 'policy-denied' : 'policy-review'
    return { ok: false, code, detail: 'A rule of this edge, not of the chain.' }
  })
  if (audit.length > 0) await ask(() => env.CHAIN.getByName(chainName(chain.id)).audit(chain.id, audit))
  return ruled
}

/** Hands the fit ones to their shards, all at once; each answer stands where its item stands. */
async function store(env: Env, chain: ChainConfig, judged: readonly Judged[]): Promise<readonly Answer[]> {
  const answers: Answer[] = judged.map((entry) =>
    entry.ok ? { ok: false, code: 'unavailable', detail: 'The shard did not answer.' } : entry,
  )
  const groups = new Map<number, number[]>()
  for (const [index, entry] of judged.entries()) {
    if (!entry.ok) continue
    const shard = shardOf(entry.item.sender)
    groups.set(shard, [...(groups.get(shard) ?? []), index])
  }
  const calls = [...groups].map(async ([shard, indices]) => {
    const items = packItems(
      indices.flatMap((index) => {
        const entry = judged[index]
        return entry?.ok ? [entry.item] : []
      }),
    )
    const object = env.SHARD.getByName(shardName(chain.id, shard))
    const stored = hear(await ask(() => object.submit(chain.id, shard, items)))
    for (const [at, index] of indices.entries()) {
      const answer = stored[at]
      if (answer) answers[index] = answer
    }
  })
  // One shard that does not answer costs its own items, not those of the others.
  for (const call of await Promise.allSettled(calls))
    if (call.status === 'rejected' && !(call.reason instanceof Refusal)) throw call.reason
  return answers
}
