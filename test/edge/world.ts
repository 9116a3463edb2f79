import { endOf } from '../../edge/cancelling.ts'
import {
  type ChainEffect,
  type ChainEvent,
  type ChainStep,
  chainStatus,
  chainStep,
  chainWakeAt,
} from '../../edge/chain.ts'
import { doForChain } from '../../edge/chainDeeds.ts'
import type { ChainChange } from '../../edge/chainRows.ts'
import type { ChainConfig } from '../../edge/config.ts'
import type { Executor } from '../../edge/executor/port.ts'
import { openPace } from '../../edge/pace.ts'
import { footprintJson } from '../../edge/payload.ts'
import { openRunner, type Runner } from '../../edge/runner.ts'
import {
  type Answer,
  type Item,
  type ShardEffect,
  type ShardEvent,
  type ShardStep,
  shardStep,
  shardWakeAt,
} from '../../edge/shard.ts'
import { doForShard, learn, type ShardWorld, stop } from '../../edge/shardDeeds.ts'
import type { ShardRow } from '../../edge/shardRows.ts'
import { SdkError } from '../../sdk/errors.ts'
import type { TxStatus } from '../../sdk/ports.ts'
import { type Address, address, type BatchId, batchId, chainId, type TxHash, toHex, txHash } from '../../sdk/units.ts'
import { checkWorld } from './laws.ts'
import { type MemoryChain, type MemoryShard, memoryChain, memoryShard } from './memory.ts'
import { createNode, type Node } from './node.ts'

/** How often what goes wrong, in thousandths of each occasion. */
export interface Faults {
  /** A message between objects, or its answer, is lost; or arrives twice. */
  readonly loss: number
  readonly double: number
  /** An object dies between two events. */
  readonly crash: number
  /** The executor does not get a call, or its answer is lost. */
  readonly dropBefore: number
  readonly dropAfter: number
  /** The executor forgets its pool; the last blocks are replaced by others. */
  readonly amnesia: number
  readonly reorg: number
  /** It refuses in words nobody knows. */
  readonly gibberish: number
  /** It answers with a block. No fault, but as rare. */
  readonly quick: number
}

export const noFaults: Faults = {
  loss: 0,
  double: 0,
  crash: 0,
  dropBefore: 0,
  dropAfter: 0,
  amnesia: 0,
  reorg: 0,
  gibberish: 0,
  quick: 0,
}

/** One edge with two shards and its executor, all of it fake but the steps, the deeds and the runner. */
export interface World {
  readonly now: () => number
  readonly chain: MemoryChain
  readonly shards: readonly MemoryShard[]
  readonly node: Node
  /** Everything the edge said it stored. */
  readonly acked: ReadonlyMap<TxHash, Item>
  readonly submit: (items: readonly Item[]) => Promise<readonly Answer[] | undefined>
  /** A sender wants its transaction stopped; what it is told then. */
  readonly cancel: (item: Item) => Promise<TxStatus | null>
  /** What a reader is told of a hash. */
  readonly status: (hash: TxHash) => TxStatus | undefined
  /** Lets something happen, and checks the laws. */
  readonly act: () => Promise<void>
  /** From now on nothing goes wrong. */
  readonly heal: () => void
  readonly crash: (object: 'chain' | 0 | 1) => void
  /** Nothing is under way and nothing wants to be done soon. */
  readonly quiet: () => boolean
  readonly reports: readonly unknown[]
  /** Answers that no submission should get. */
  readonly breaches: readonly string[]
  /** How often each fault struck. */
  readonly struck: Readonly<Record<keyof Faults, number>>
  /** Messages that have arrived so far. */
  readonly delivered: () => number
}

export const worldConfig: ChainConfig = {
  id: chainId(31337),
  fork: 'osaka',
  executors: ['http://executor.invalid'],
  beacons: [],
  finality: 3,
  pollMs: 200,
  leaseMs: 5_000,
  isDraining: false,
}

/** One incarnation of an object: what it has in memory dies with it. */
interface Life {
  alive: boolean
  alarmAt: number | null
}

interface Message {
  readonly at: number
  readonly deliver: () => void
}

/** A defect that the laws must notice: what one of the steps, or the platform, does wrong. */
export interface EdgeMutant {
  readonly name: string
  /** What the step is told. */
  readonly chainHears?: (event: ChainEvent) => ChainEvent
  readonly chainReads?: (rows: MemoryChain, event: ChainEvent) => MemoryChain
  readonly chainDoes?: (right: ChainStep, rows: MemoryChain) => ChainStep
  readonly shardDoes?: (right: ShardStep, rows: MemoryShard) => ShardStep
  readonly shardReads?: (rows: MemoryShard, event: ShardEvent) => MemoryShard
  /** An object that starts again has no alarm, and sets none. */
  readonly forgetsAlarms?: true
}

/** One moment at which power goes: after so many messages, for one object or for all of them. */
export interface PowerCut {
  readonly after: number
  readonly of: readonly ('chain' | 0 | 1)[]
}

export function createWorld(
  seed: number,
  chances: Faults = noFaults,
  mutant: EdgeMutant | null = null,
  cut: PowerCut | null = null,
): World {
  const random = randomOf(seed)
  let faults = chances
  let now = 1_700_000_000_000
  let messages: Message[] = []
  let delivered = 0
  const chain = memoryChain()
  const shards = [memoryShard(), memoryShard()]
  const node = createNode()
  const acked = new Map<TxHash, Item>()
  const reports: unknown[] = []
  const breaches: string[] = []
  const struck: Record<keyof Faults, number> = { ...noFaults }
  const strikes = (fault: keyof Faults) => {
    const isStruck = random() * 1000 < faults[fault]
    if (isStruck) struck[fault] += 1
    return isStruck
  }
  const post = (deliver: () => void, msMax = 30) => {
    messages.push({ at: now + Math.floor(random() * msMax), deliver })
  }

  /** A call over a wire: it can be lost on both ways, arrive twice, and find its caller dead. */
  const call = <value>(caller: Life, work: () => value): Promise<value> =>
    new Promise((resolve, reject) => {
      const fail = () => caller.alive && reject(new SdkError('node/unreachable', 'Lost.', { retryable: true }))
      const run = () => {
        if (strikes('loss')) return post(fail, 2_500)
        try {
          const value = work()
          post(() => (strikes('loss') ? fail() : caller.alive && resolve(value)))
        } catch (error) {
          post(() => caller.alive && reject(error))
        }
      }
      post(run)
      if (strikes('double')) post(run, 1_000)
    })

  const executorOf = (life: Life): Executor =>
    node.executor({
      now: () => now,
      reach: (work) =>
        new Promise((resolve, reject) => {
          const fail = () => life.alive && reject(new SdkError('node/unreachable', 'Lost.', { retryable: true }))
          if (strikes('dropBefore')) return post(fail, 2_000)
          post(() => {
            const value = work()
            if (strikes('dropAfter')) post(fail, 2_000)
            else post(() => life.alive && resolve(value))
          })
        }),
      isGibberish: () => strikes('gibberish'),
      isQuick: () => strikes('quick'),
    })

  let chainLife: Life
  let chainRunner: Runner<ChainEvent, ChainStep>
  const startChain = () => {
    const life: Life = { alive: true, alarmAt: mutant?.forgetsAlarms ? null : (chainLife?.alarmAt ?? null) }
    chainLife = life
    const feed = (event: ChainEvent) => chainRunner.feed(event)
    const world = {
      rows: chain,
      executor: () => executorOf(life),
      deliver: (shard: number, settlements: Parameters<Parameters<typeof doForChain>[1]['deliver']>[1]) =>
        call(life, () => {
          shardRunners[shard]?.feed({ type: 'settled', settlements, now })
          return true
        }),
      feed,
      now: () => now,
    }
    chainRunner = openRunner<ChainEvent, ChainEffect, ChainStep>({
      storage: storageOf(life),
      now: () => now,
      decide: (event) => {
        const heard = mutant?.chainHears?.(event) ?? event
        const right = chainStep(mutant?.chainReads?.(chain, heard) ?? chain, heard, worldConfig)
        return mutant?.chainDoes?.(right, chain) ?? right
      },
      commit: ({ changes, effects }) => {
        node.leased(effects, now)
        breaches.push(...hastyNos(changes, chain, node))
        chain.apply(changes)
      },
      forget: () => undefined,
      wakeAt: () => chainWakeAt(chain),
      tick: (at) => ({ type: 'tick', now: at }),
      perform: (effect) => doForChain(effect, world),
      report: (error) => reports.push(error),
    })
    if (!mutant?.forgetsAlarms) void chainRunner.resume()
  }
  const shardLives: Life[] = []
  const shardRunners: Runner<ShardEvent, ShardStep>[] = []
  const shardWorlds: ShardWorld[] = []
  const startShard = (index: number) => {
    const life: Life = { alive: true, alarmAt: mutant?.forgetsAlarms ? null : (shardLives[index]?.alarmAt ?? null) }
    shardLives[index] = life
    const rows = shards[index] as MemoryShard
    const pace = openPace()
    const world: ShardWorld = {
      rows,
      pace,
      executor: () => executorOf(life),
      offer: (offers, notices) =>
        call(life, () => chainRunner.feed({ type: 'offers', shard: index, offers, notices, now }).taken),
      cancel: (hash, sender, nonce) =>
        call(life, () => {
          const wish = { hash, sender, nonce, shard: index }
          chainRunner.feed({ type: 'cancel', wish, now })
          return endOf(chain, wish)
        }),
      feed: (event) => shardRunners[index]?.feed(event),
      now: () => now,
    }
    shardWorlds[index] = world
    shardRunners[index] = openRunner<ShardEvent, ShardEffect, ShardStep>({
      storage: storageOf(life),
      now: () => now,
      decide: (event) => {
        const right = shardStep(mutant?.shardReads?.(rows, event) ?? rows, event, pace.turn())
        return mutant?.shardDoes?.(right, rows) ?? right
      },
      commit: ({ changes }) => rows.apply(changes),
      forget: () => undefined,
      wakeAt: () => shardWakeAt(rows, pace.turn()),
      tick: (at) => ({ type: 'tick', now: at }),
      perform: (effect) => doForShard(effect, world),
      report: (error) => reports.push(error),
    })
    if (!mutant?.forgetsAlarms) void shardRunners[index].resume()
  }
  const storageOf = (life: Life) => ({
    transactionSync: (work: () => void) => work(),
    setAlarm: async (time: number) => {
      life.alarmAt = time
    },
  })
  startChain()
  startShard(0)
  startShard(1)

  const crash = (object: 'chain' | 0 | 1) => {
    const life = object === 'chain' ? chainLife : shardLives[object]
    if (life) life.alive = false
    if (object === 'chain') startChain()
    else startShard(object)
  }
  const wake = async (life: Life | undefined, runner: { readonly wake: () => Promise<void> } | undefined) => {
    if (!life || !runner || life.alarmAt === null || life.alarmAt > now) return
    life.alarmAt = null
    await runner.wake()
    if (strikes('double')) await runner.wake()
  }
  const settleDown = () => new Promise<void>((resolve) => setImmediate(resolve))

  const submit: World['submit'] = async (items) => {
    const index = shardIndexOf(items[0])
    const life = shardLives[index] as Life
    const world = shardWorlds[index] as ShardWorld
    const answered: Promise<readonly Answer[]> = (async () => {
      const facts = await learn(items, world)
      if (!life.alive) return new Promise(() => undefined)
      const live = (row: ShardRow | undefined) => row !== undefined && row.stage !== 'ended'
      const underWay = new Set(items.map(({ hash }) => hash).filter((hash) => live(shards[index]?.row(hash))))
      const step = shardRunners[index]?.feed({ type: 'submit', items, facts, now })
      const answers = step?.answers ?? []
      for (const [at, answer] of answers.entries()) {
        const item = items[at]
        if (!answer.ok && item && underWay.has(item.hash)) breaches.push(`${item.hash} is under way, and refused`)
        // What was found on the chain itself is not the edge's to keep.
        if (answer.ok && item && shards[index]?.row(item.hash)) acked.set(item.hash, item)
      }
      const members = answers.flatMap((answer, position) => {
        const item = items[position]
        if (!answer.ok || !item) return []
        const { hash, status, sequence } = answer
        return [{ hash, sender: item.sender, position, status, sequence }]
      })
      const batch = batchId(toHex(new Uint8Array(32).fill(acked.size % 256))) as BatchId
      if (members.length > 0 && !strikes('loss')) chainRunner.feed({ type: 'register', batch, members, now })
      return answers
    })()
    return answered
  }

  const world: World = {
    now: () => now,
    chain,
    shards,
    node,
    acked,
    submit,
    cancel: async ({ hash, sender }) => {
      const index = senders.indexOf(sender) % 2
      return stop(sender, hash, shardWorlds[index] as ShardWorld).catch(() => null)
    },
    status: (hash) =>
      chainStatus(chain, hash) ?? shards.map((shard) => shard.row(hash)?.status).find((status) => status !== undefined),
    act: async () => {
      now += Math.floor(random() * (random() < 0.15 ? 2_000 : 40))
      if (strikes('crash')) crash((['chain', 0, 1] as const)[Math.floor(random() * 3)] ?? 'chain')
      if (strikes('amnesia')) node.forget()
      if (strikes('reorg')) node.reorganise(1 + Math.floor(random() * 3), random)
      else if (random() < 0.1) node.mine(random)
      await wake(chainLife, chainRunner)
      for (const index of [0, 1]) await wake(shardLives[index], shardRunners[index])
      const due = messages.filter(({ at }) => at <= now)
      messages = messages.filter(({ at }) => at > now)
      for (const { deliver } of shuffled(due, random)) {
        deliver()
        await settleDown()
        delivered += 1
        if (delivered === cut?.after) for (const object of cut.of) crash(object)
        checkWorld(world)
      }
      await settleDown()
      checkWorld(world)
    },
    heal: () => {
      faults = noFaults
    },
    crash,
    quiet: () =>
      messages.length === 0 &&
      chain.txs().length === 0 &&
      chain.nextDue() === null &&
      shards.every((shard) => shard.rows().every(isAtRest)),
    reports,
    breaches,
    struck,
    delivered: () => delivered,
  }
  return world
}

export const senders: readonly Address[] = [1, 2, 3, 4].map((n) => address(`0x${`0${n}`.repeat(20)}`))

function shardIndexOf(item: Item | undefined): 0 | 1 {
  return item && senders.indexOf(item.sender) % 2 === 1 ? 1 : 0
}

/** A nonce is lost for good when a final block has it: whoever is told so may sign again under another one. */
function hastyNos(changes: readonly ChainChange[], chain: MemoryChain, node: Node): readonly string[] {
  return changes.flatMap((change) => {
    if (!('put' in change) || change.put !== 'event' || change.row.status.state !== 'rejected') return []
    const { hash, status } = change.row
    const row = chain.tx(hash)
    const isHasty = status.code === 'nonce-too-low' && row && node.finalNext(row.sender) <= row.nonce
    return isHasty ? [`${hash} has lost its nonce before that is final`] : []
  })
}

/** Ended, or waiting for a nonce that only a wallet can bring. */
function isAtRest({ stage, status, dueAt }: ShardRow): boolean {
  return dueAt === null && (stage === 'ended' || (stage === 'held' && status.state === 'held'))
}

/** An item without a signature: the steps take its fields as they are. */
export function itemOf(wish: {
  readonly sender: Address
  readonly nonce: number
  readonly fee?: bigint
  readonly salt?: number
  readonly source?: 'declared' | 'unknown'
}): Item {
  const { sender, nonce, fee = 100n, salt = 0, source = 'declared' } = wish
  const raw = new TextEncoder().encode(`${sender}/${nonce}/${fee}/${salt}/${source}`)
  const hash = txHash(toHex(digest(raw)))
  const places = [{ kind: 'nonce', address: sender } as const, { kind: 'balance', address: sender } as const]
  const footprint = { reads: [], writes: places, credits: [], source, gas: 21_000, sender }
  return {
    hash,
    sender,
    nonce,
    maxFeePerGas: fee,
    maxPriorityFeePerGas: fee,
    raw,
    footprintJson: footprintJson(footprint),
  }
}

/** 32 bytes that differ when the text does. */
function digest(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(32)
  let state = 0x811c9dc5
  for (let at = 0; at < 32 + bytes.length; at++) {
    state = Math.imul(state ^ (bytes[at % bytes.length] as number) ^ at, 0x01000193) >>> 0
    const slot = at % 32
    out[slot] = (out[slot] as number) ^ (state >>> 13)
  }
  return out
}

export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

function shuffled<item>(items: readonly item[], random: () => number): item[] {
  const out = [...items]
  for (let at = out.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[out[at], out[other]] = [out[other] as item, out[at] as item]
  }
  return out
}
