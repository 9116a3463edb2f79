import { SdkError } from '../errors.ts'
import type { EvmNode } from '../ports.ts'
import type { Address, TxHash } from '../units.ts'
import type { BlockBook } from './blocks.ts'
import type { Change, Dispatch } from './dispatch.ts'
import { refusalOf } from './facts.ts'
import type { Inclusion, Intent } from './intent.ts'
import type { Life } from './life.ts'
import type { World } from './order.ts'
import { undecided } from './outbox.ts'
import { type OutboxPlace, readOutboxes } from './outboxStore.ts'
import { inParallel } from './pool.ts'

/** Pause between two looks at the chain, for what the relay does not tell: about a block of mainnet. */
export const chainCheckMs = 12_000
/** Most accounts looked at at once. */
const accountsInFlightMax = 8

export interface Watched {
  readonly world: World
  readonly place: OutboxPlace
  readonly blocks: BlockBook
  readonly dispatch: Dispatch
  readonly life: Life
}

/**
 * Looks at the chain for accounts with undecided intents, so that nothing depends on a relay's honesty or memory:
 * finds inclusions it kept to itself, notices reorganisations, and closes what is final. OUTBOX.md: OB7, OB10.
 *
 * @returns A function that adds accounts. Each is let go when nothing of it is undecided.
 */
export function watcher(watched: Watched): (accounts: readonly Address[]) => void {
  const { life, world } = watched
  const accounts = new Set<Address>()
  let isWatching = false
  const watch = async () => {
    while (accounts.size > 0) {
      await world.clock.sleep(chainCheckMs, life.signal)
      const finalized = await unlessSilent(finalizedNumber(world.evm))
      await inParallel([...accounts], accountsInFlightMax, async (account) => {
        const state = await unlessSilent(check(watched, account, finalized ?? -1))
        if (state === 'done') accounts.delete(account)
      })
    }
    isWatching = false
  }
  return (more) => {
    for (const account of more) accounts.add(account)
    if (isWatching || accounts.size === 0) return
    isWatching = true
    life.task(watch())
  }
}

async function check(watched: Watched, account: Address, finalized: number): Promise<'done' | 'waiting'> {
  const { world, place, dispatch } = watched
  const outboxes = await readOutboxes(place, [account])
  dispatch.reflect(outboxes)
  const intents = outboxes.flatMap(undecided)
  if (intents.length === 0) return 'done'
  const latest = await world.evm.nonce(account, 'latest')
  const changes: Change[] = []
  for (const intent of intents) {
    const { phase, nonce } = intent
    const change = (type: 'reorganized' | 'finalized' | 'lost') => changes.push({ account, nonce, event: { type } })
    if (phase.name === 'open') {
      if (nonce < latest && (await isLost(watched, account, intent))) change('lost')
    } else if (phase.name === 'included') {
      if (nonce >= latest) change('reorganized')
      else if (phase.blockNumber <= finalized) {
        const isThere = await isStillThere(watched.blocks, phase)
        if (isThere !== undefined) change(isThere ? 'finalized' : 'reorganized')
      }
    }
  }
  dispatch.record(changes)
  return 'waiting'
}

/** The nonce is used: by one of the intent's hashes, which is claimed then, or for good by something else. */
async function isLost({ world, dispatch }: Watched, account: Address, intent: Intent): Promise<boolean> {
  for (const { hash } of intent.attempts) {
    const number = await blockNumberOf(world.evm, hash)
    if (number === undefined) continue
    dispatch.claim(hash, number)
    return false
  }
  return (await nonceFinalized(world.evm, account)) > intent.nonce
}

async function isStillThere(blocks: BlockBook, { blockNumber, blockHash }: Inclusion): Promise<boolean | undefined> {
  const known = await blocks.at(blockNumber, 'fresh')
  return known && known.block.hash === blockHash
}

/** Number of the block that the node says holds the transaction; a hint, since nothing of it is proven. */
export async function blockNumberOf(evm: EvmNode, hash: TxHash): Promise<number | undefined> {
  return numberIn(await evm.request('eth_getTransactionReceipt', [hash]), 'blockNumber')
}

async function finalizedNumber(evm: EvmNode): Promise<number | undefined> {
  return numberIn(await evm.request('eth_getBlockByNumber', ['finalized', false]), 'number')
}

/** A node without the tag `finalized` finalizes nothing. */
async function nonceFinalized(evm: EvmNode, account: Address): Promise<number> {
  try {
    return await evm.nonce(account, 'finalized')
  } catch (error) {
    if (refusalOf(error)) return 0
    throw error
  }
}

function numberIn(json: unknown, field: string): number | undefined {
  const value = (json as Readonly<Record<string, unknown>> | null | undefined)?.[field]
  return typeof value === 'string' && /^0x[0-9a-f]{1,12}$/i.test(value) ? Number(value) : undefined
}

/** Nothing when node or store do not answer now: the next look is soon. */
function unlessSilent<value>(work: Promise<value>): Promise<value | undefined> {
  return work.catch((error) => {
    if (error instanceof SdkError && (error.retryable || error.code.startsWith('node/'))) return undefined
    throw error
  })
}
