import type { ChainEffect } from '../../edge/chain.ts'
import { forwardLanes } from '../../edge/executor/forward.ts'
import type { Executor, Found, Inclusion, Outcome, Sending } from '../../edge/executor/port.ts'
import { type Address, type BlockHash, blockHash, type TxHash, toHex } from '../../sdk/units.ts'

interface Known {
  readonly hash: TxHash
  readonly sender: Address
  readonly nonce: number
  readonly fee: bigint
}

interface MinedBlock {
  readonly number: number
  readonly hash: BlockHash
  readonly parentHash: BlockHash
  readonly transactions: readonly Known[]
}

/** How a node is reached from one incarnation of an object. */
export interface Line {
  readonly now: () => number
  /** Runs the work at the node and brings its answer back, or does not. */
  readonly reach: <value>(work: () => value) => Promise<value>
  readonly isGibberish: () => boolean
  /** It puts what it gets into a block at once, and answers with its place there. */
  readonly isQuick: () => boolean
}

/** An executor in memory with the rules that matter: nonces, a pool, blocks, reorganisations. It judges every sending. */
export interface Node {
  readonly executor: (line: Line) => Executor
  readonly mine: (random: () => number) => void
  /** Replaces the last blocks by as many and one more; what they held is in the pool again, mostly. */
  readonly reorganise: (depth: number, random: () => number) => void
  /** Loses the pool. */
  readonly forget: () => void
  /** A transaction comes by another way; `slipped` remembers which did. */
  readonly slip: (item: { hash: TxHash; sender: Address; nonce: number; maxFeePerGas: bigint }) => void
  readonly slipped: ReadonlySet<TxHash>
  /** Senders that cannot pay. */
  readonly broke: Set<Address>
  readonly next: (sender: Address) => number
  /** The same, as of the newest final block. */
  readonly finalNext: (sender: Address) => number
  readonly includedAt: (hash: TxHash) => MinedBlock | undefined
  readonly head: () => MinedBlock
  /** Hashes in the order in which they arrived, each as often as it did. */
  readonly arrivals: readonly TxHash[]
  /** The chain object leases: told before the rows are written. */
  readonly leased: (effects: readonly ChainEffect[], now: number) => void
  readonly breaches: readonly string[]
}

/** Blocks above a final one. */
const depthFinal = 3

export function createNode(): Node {
  let height = 0
  let salt = 0
  const blocks: MinedBlock[] = []
  const known = new Map<TxHash, Known>()
  const pool = new Map<string, Known>()
  const broke = new Set<Address>()
  const arrivals: TxHash[] = []
  const breaches: string[] = []
  const slipped = new Set<TxHash>()
  /** When the last lease of a hash ends; nothing once its outcome is known. */
  const leases = new Map<TxHash, { readonly until: number; readonly hasArrived: boolean }>()

  const seal = (transactions: readonly Known[]) => {
    salt += 1
    const bytes = new Uint8Array(32)
    new DataView(bytes.buffer).setUint32(0, height + 1)
    new DataView(bytes.buffer).setUint32(4, salt)
    const parentHash = blocks.at(-1)?.hash ?? blockHash(`0x${'00'.repeat(32)}`)
    height += 1
    blocks.push({ number: height, hash: blockHash(toHex(bytes)), parentHash, transactions })
  }
  const slot = ({ sender, nonce }: { readonly sender: Address; readonly nonce: number }) => `${sender}${nonce}`
  const next = (sender: Address, upTo = height) =>
    blocks
      .filter(({ number }) => number <= upTo)
      .flatMap((block) => block.transactions.filter((tx) => tx.sender === sender)).length
  const includedAt = (hash: TxHash) => blocks.find((block) => block.transactions.some((tx) => tx.hash === hash))
  const inclusionOf = (hash: TxHash): Inclusion | undefined => {
    const block = includedAt(hash)
    if (!block) return undefined
    const index = block.transactions.findIndex((tx) => tx.hash === hash)
    return { hash, blockNumber: block.number, blockHash: block.hash, index, succeeded: true, gasUsed: 21_000 }
  }
  const take = (tx: Known): Outcome => {
    arrivals.push(tx.hash)
    known.set(tx.hash, tx)
    if (includedAt(tx.hash)) return { kind: 'stale' }
    const rival = pool.get(slot(tx))
    if (rival?.hash === tx.hash) return { kind: 'accepted' }
    if (tx.nonce < next(tx.sender)) return { kind: 'stale' }
    if (broke.has(tx.sender)) return { kind: 'rejected', code: 'insufficient-funds', detail: 'No money.' }
    if (rival && tx.fee * 10n < rival.fee * 11n) return { kind: 'rejected', code: 'fee-too-low', detail: 'Too cheap.' }
    pool.set(slot(tx), tx)
    return { kind: 'accepted' }
  }
  const mine = (random: () => number) => {
    const chosen: Known[] = []
    const heads = new Map<Address, number>()
    for (const tx of [...pool.values()].sort((one, other) => one.nonce - other.nonce)) {
      const expected = heads.get(tx.sender) ?? next(tx.sender)
      if (tx.nonce !== expected || random() < 0.1) continue
      heads.set(tx.sender, expected + 1)
      chosen.push(tx)
    }
    for (const tx of chosen) {
      pool.delete(slot(tx))
      const lease = leases.get(tx.hash)
      if (lease) leases.set(tx.hash, { ...lease, hasArrived: true })
    }
    seal(chosen)
    // Nodes let go of what has waited long enough behind a missing nonce.
    for (const tx of pool.values())
      if (tx.nonce > (heads.get(tx.sender) ?? next(tx.sender)) && random() < 0.05) pool.delete(slot(tx))
  }
  seal([])
  return {
    executor: ({ now, reach, isGibberish, isQuick }) => ({
      nonces: (senders, at) =>
        reach(() => new Map(senders.map((sender) => [sender, next(sender, at === 'latest' ? height : at)]))),
      forward: (lanes, options) => {
        const own = new Map(lanes.flat().map(({ hash }) => [hash, leases.get(hash)]))
        const send = async ({ hash, sender, raw }: Sending): Promise<Outcome> => {
          const lease = leases.get(hash)
          if (!lease || now() > lease.until) breaches.push(`${hash} is sent without a lease`)
          const [, nonce = '0', fee = '0'] = new TextDecoder().decode(raw).split('/')
          const tx = { hash, sender, nonce: Number(nonce), fee: BigInt(fee) }
          try {
            return await reach(() => {
              if (isGibberish()) return { kind: 'refused', detail: 'Blub.' }
              const outcome = take(tx)
              if (outcome.kind !== 'accepted' || !isQuick()) return outcome
              mine(() => 0.5)
              const inclusion = inclusionOf(hash)
              return inclusion ? { kind: 'included', inclusion } : outcome
            })
          } catch {
            return { kind: 'unknown' }
          }
        }
        const report: typeof options.report = (outcomes) => {
          // A window that is late ends its own leases, not those of a later one.
          for (const [hash, { kind }] of outcomes)
            if (kind !== 'unknown' && leases.get(hash) === own.get(hash)) leases.delete(hash)
          options.report(outcomes)
        }
        return forwardLanes(lanes, { until: options.until, report }, { send, now })
      },
      find: (hashes) =>
        reach(() => {
          const found = new Map<TxHash, Found>()
          for (const hash of hashes) {
            const inclusion = inclusionOf(hash)
            const isPooled = [...pool.values()].some((tx) => tx.hash === hash)
            found.set(hash, inclusion ? { kind: 'included', inclusion } : { kind: isPooled ? 'pooled' : 'missing' })
          }
          return found
        }),
      head: () =>
        reach(() => {
          const block = blocks.at(-1) as MinedBlock
          return { number: block.number, hash: block.hash, finalized: block.number - depthFinal }
        }),
      block: (number) =>
        reach(() => {
          const block = blocks.find((entry) => entry.number === number)
          return block && { ...block, transactions: block.transactions.map(({ hash }) => hash) }
        }),
      inclusions: (block, wanted) =>
        reach(() =>
          wanted.flatMap((hash) => {
            const inclusion = inclusionOf(hash)
            return inclusion?.blockHash === block.hash ? [inclusion] : []
          }),
        ),
    }),
    mine,
    reorganise: (depth, random) => {
      const count = Math.min(depth, blocks.length - 1)
      const gone = blocks.splice(blocks.length - count, count)
      height -= count
      for (const tx of gone.flatMap(({ transactions }) => transactions)) if (random() < 0.6) pool.set(slot(tx), tx)
      for (let sealed = 0; sealed <= count; sealed++) mine(random)
    },
    forget: () => pool.clear(),
    slipped,
    slip: ({ hash, sender, nonce, maxFeePerGas }) => {
      slipped.add(hash)
      if (nonce >= next(sender)) pool.set(slot({ sender, nonce }), { hash, sender, nonce, fee: maxFeePerGas })
    },
    broke,
    next,
    finalNext: (sender) => next(sender, height - depthFinal),
    includedAt,
    head: () => blocks.at(-1) as MinedBlock,
    arrivals,
    leased: (effects, now) => {
      for (const effect of effects) {
        if (effect.type !== 'forward') continue
        for (const { hash } of effect.lanes.flat()) {
          const before = leases.get(hash)
          if (before && before.until > now && !before.hasArrived) breaches.push(`${hash} is leased twice`)
          leases.set(hash, { until: effect.until + 2_000, hasArrived: false })
        }
      }
    },
    breaches,
  }
}
