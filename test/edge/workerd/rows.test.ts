import { env, runInDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChainChange, ChainRows, TxRow } from '../../../edge/chainRows.ts'
import { openChainStore } from '../../../edge/chainSql.ts'
import { packBytesMax, packKeptMin, packRowsMax } from '../../../edge/limits.ts'
import { footprintJson, type Payload } from '../../../edge/payload.ts'
import type { ShardChange, ShardRow, ShardRows } from '../../../edge/shardRows.ts'
import { openShardStore } from '../../../edge/shardSql.ts'
import { toJson } from '../../../edge/sql.ts'
import type { TxStatus } from '../../../sdk/ports.ts'
import { address, batchId, blockHash, type TxHash, txHash } from '../../../sdk/units.ts'
import { memoryChain, memoryShard } from '../memory.ts'

/** The steps are tested on rows in memory and run on rows in SQLite: this is why that counts. */
const few = { min: 0, max: 3 }
/** By the digits that an index has of them, these are not all told apart. */
const hashOf = (n: number): TxHash => txHash(`0x${`0${n >> 1}`.repeat(4)}${`0${n}`.repeat(28)}`)
const senderOf = (n: number) => address(`0x${`0${n}`.repeat(20)}`)
const hash = fc.integer(few).map(hashOf)
const sender = fc.integer({ min: 0, max: 1 }).map(senderOf)
const small = fc.integer({ min: 0, max: 9 })
const maybe = <value>(value: fc.Arbitrary<value>) => fc.option(value, { nil: null })
const wei = fc.bigInt({ min: 0n, max: 2n ** 200n })
const raw = fc.uint8Array({ maxLength: 8 })
const place = sender.map((of) => ({ kind: 'balance', address: of }) as const)
const footprint = fc.record({
  reads: fc.array(place, { maxLength: 2 }),
  writes: fc.constant([]),
  credits: fc.constant([]),
  source: fc.constantFrom('declared', 'unknown'),
  gas: small,
  sender,
})
const block = fc.record({ number: small, hash: small.map((n) => blockHash(`0x${`${n}${n}`.repeat(32)}`)) })
const status: fc.Arbitrary<TxStatus> = fc.oneof(
  fc.constant({ state: 'queued' } as const),
  fc.record({
    state: fc.constant('planned' as const),
    window: small,
    lane: small,
    waitsFor: fc.array(hash, { maxLength: 2 }),
  }),
  fc.record({ state: fc.constant('held' as const), missingNonce: small }),
)
const payload = fc.record({ hash, raw, footprintJson: footprint.map(footprintJson) })

const tx: fc.Arbitrary<TxRow> = fc.record({
  hash,
  sender,
  nonce: small,
  shard: small,
  status,
  arrival: fc.nat(1_000_000),
  maxFeePerGas: wei,
  gas: small,
  size: small,
  isUnknownAccess: fc.boolean(),
  window: small,
  lane: small,
  attempts: small,
  doubt: maybe(fc.record({ code: fc.constant('fee-too-low' as const), detail: fc.string() })),
  dueAt: maybe(fc.nat(1_000_000)),
  inclusion: maybe(
    fc.record({
      hash,
      blockNumber: small,
      blockHash: block.map((entry) => entry.hash),
      index: small,
      succeeded: fc.boolean(),
      gasUsed: small,
    }),
  ),
})

/** Changes as a step may make them: events in sequence. */
const chainChanges = fc
  .array(
    fc.oneof(
      tx.map((row): ChainChange => ({ put: 'tx', row })),
      payload.map((row): ChainChange => ({ put: 'payload', row })),
      fc.record({ sender, next: small, at: small }).map((row): ChainChange => ({ put: 'account', row })),
      fc
        .record({ sequence: fc.constant(0), hash, status, at: small })
        .map((row): ChainChange => ({ put: 'event', row })),
      fc
        .record({
          hash,
          sender,
          nonce: small,
          status,
          sequence: fc.nat(1_000_000),
          shard: small,
          dueAt: fc.nat(1_000_000),
        })
        .map((row): ChainChange => ({ put: 'outbox', row })),
      block.map((row): ChainChange => ({ put: 'block', row })),
      fc
        .record({
          window: small,
          at: small,
          transactions: small,
          lanes: small,
          criticalPathGas: small,
          totalGas: small,
          makespanGas4: small,
        })
        .map((row): ChainChange => ({ put: 'window', row })),
      fc
        .record({ batch: fc.constant(batchId(`0x${'0b'.repeat(32)}`)), position: small, hash, sender, at: small })
        .map((row): ChainChange => ({ put: 'member', row })),
      fc
        .constantFrom('tx' as const, 'outbox' as const)
        .chain((remove) => hash.map((of): ChainChange => ({ remove, hash: of }))),
      fc
        .constantFrom('blocksFrom' as const, 'blocksBelow' as const)
        .chain((remove) => small.map((number): ChainChange => ({ remove, number }))),
      fc
        .record({ through: small, before: small, limit: fc.integer({ min: 1, max: 5 }) })
        .map((wish): ChainChange => ({ remove: 'old', ...wish })),
      sender.map((of): ChainChange => ({ remove: 'sender', sender: of })),
    ),
    { maxLength: 40 },
  )
  .map((changes) => {
    let sequence = 0
    return changes.map((change): ChainChange => {
      if (!('put' in change) || change.put !== 'event') return change
      sequence += 1
      return { put: 'event', row: { ...change.row, sequence } }
    })
  })

/** Everything a step can read. Rows of equal rank come in any order. */
function chainView(rows: ChainRows) {
  const hashes = [0, 1, 2, 3].map(hashOf)
  const senders = [0, 1].map(senderOf)
  const byHash = (list: readonly { readonly hash: string }[]) =>
    [...list].sort((one, other) => (one.hash < other.hash ? -1 : 1))
  return {
    head: rows.head(),
    txs: hashes.map(rows.tx),
    payloads: hashes.map(rows.payload),
    lastEvents: hashes.map(rows.lastEvent),
    outbox: hashes.map(rows.outbox),
    ofSenders: senders.map((of) => rows.txsOf(of).map(({ nonce, arrival }) => [nonce, arrival])),
    accounts: senders.map((of) => rows.account(of) ?? null),
    queued: [...rows.queued()].map(({ arrival }) => arrival),
    dueTxs: rows.dueTxs(500_000, 100).map(({ dueAt }) => dueAt),
    dueOutbox: rows.dueOutbox(500_000, 100).map(({ dueAt, sequence }) => [dueAt, sequence]),
    from: byHash(rows.includedFrom(5)),
    upTo: byHash(rows.includedUpTo(5, 100)),
    first: rows.firstEvent(),
    blocks: Array.from({ length: 10 }, (_, number) => rows.block(number)),
    nextDue: rows.nextDue(),
  }
}

const shardRow: fc.Arbitrary<ShardRow> = fc.record({
  hash,
  sender,
  nonce: small,
  stage: fc.constantFrom('held', 'queued', 'offered', 'ended'),
  status,
  maxFeePerGas: wei,
  maxPriorityFeePerGas: wei,
  sequence: small,
  since: small,
  dueAt: maybe(fc.nat(1_000_000)),
})
const shardChanges = fc.array(
  fc.oneof(
    shardRow.map((row): ShardChange => ({ put: 'row', row })),
    // Bytes come with their row, in one transaction.
    fc.tuple(payload, shardRow).map(([bytes, row]): readonly ShardChange[] => [
      { put: 'payload', row: bytes },
      { put: 'row', row: { ...row, hash: bytes.hash } },
    ]),
    fc.nat(9).map((live): ShardChange => ({ put: 'head', row: { live } })),
    fc
      .record({ sender, seen: maybe(small), final: small, checkedAt: small, checkAt: maybe(fc.nat(1_000_000)) })
      .map((row): ShardChange => ({ put: 'account', row })),
    hash.map((of): ShardChange => ({ remove: 'payload', hash: of })),
    fc.record({ before: small, limit: fc.constant(9) }).map((wish): ShardChange => ({ remove: 'old', ...wish })),
    sender.map((of): ShardChange => ({ remove: 'sender', sender: of })),
  ),
  { maxLength: 40 },
)

function shardView(rows: ShardRows) {
  const hashes = [0, 1, 2, 3].map(hashOf)
  const senders = [0, 1].map(senderOf)
  return {
    head: rows.head(),
    rows: hashes.map(rows.row),
    payloads: hashes.map(rows.payload),
    ofSenders: senders.map((of) => rows.rowsOf(of).map(({ nonce, stage }) => [nonce, stage === 'ended'])),
    accounts: senders.map(rows.account),
    due: rows.due(500_000, 100).map(({ dueAt }) => dueAt),
    dueAccounts: rows.dueAccounts(500_000, 100).map(({ checkAt }) => checkAt),
    nextDue: rows.nextDue(),
    nextCheck: rows.nextCheck(),
    firstEnded: rows.firstEnded(),
  }
}

/** A transaction that ended and was sent again, both in one commit. */
const cameAgain = (['ended', 'held'] as const).map((stage): ShardChange => {
  const [hash, sender] = [hashOf(3), senderOf(0)]
  const fees = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }
  const status = { state: 'held', missingNonce: 0 } as const
  return { put: 'row', row: { hash, sender, nonce: 0, stage, status, ...fees, sequence: 0, since: 0, dueAt: null } }
})

/** Tables that shards had before, the oldest first, and how a row and its bytes stood in them. */
const layouts: readonly {
  readonly tables: readonly string[]
  readonly fill: (sql: SqlStorage, id: number, row: ShardRow, bytes: Payload) => void
}[] = [
  {
    tables: [
      `CREATE TABLE rows (hash TEXT PRIMARY KEY, sender TEXT NOT NULL, nonce INTEGER NOT NULL,
        stage TEXT NOT NULL, since INTEGER NOT NULL, due_at INTEGER, row TEXT NOT NULL) WITHOUT ROWID`,
      `CREATE INDEX rows_by_sender ON rows (sender, nonce) WHERE stage <> 'ended'`,
      `CREATE TABLE payloads (hash TEXT PRIMARY KEY, raw BLOB NOT NULL, footprint TEXT NOT NULL)`,
    ],
    fill: (sql, _, row, { raw, footprintJson }) => {
      const { hash, sender, nonce, stage, since, dueAt } = row
      const isLive = stage === 'ended' ? stage : 'live'
      sql.exec(
        'INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[hash, sender, nonce, isLive, since, dueAt, toJson(row)],
      )
      sql.exec('INSERT INTO payloads VALUES (?, ?, ?)', hash, raw, footprintJson)
    },
  },
  {
    tables: [
      `CREATE TABLE entries (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, sender TEXT NOT NULL, ended_at INTEGER,
        due_at INTEGER, stage TEXT NOT NULL, since INTEGER NOT NULL, row TEXT NOT NULL)`,
      `CREATE INDEX entries_by_sender ON entries (substr(sender, 3, 12)) WHERE ended_at IS NULL`,
      `CREATE TABLE entry_bytes (id INTEGER PRIMARY KEY, raw BLOB NOT NULL, footprint TEXT NOT NULL)`,
      `CREATE TABLE places (head TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (head, id)) WITHOUT ROWID`,
    ],
    fill: (sql, id, { hash, sender, stage, since, dueAt, ...rest }, { raw, footprintJson }) => {
      const endedAt = stage === 'ended' ? since : null
      sql.exec(
        'INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        ...[id, hash, sender, endedAt, dueAt, stage, since, toJson(rest)],
      )
      sql.exec('INSERT INTO entry_bytes VALUES (?, ?, ?)', id, raw, footprintJson)
      sql.exec('INSERT INTO places VALUES (?, ?)', hash.slice(2, 14), id)
    },
  },
  {
    tables: [
      `CREATE TABLE packs (id INTEGER PRIMARY KEY, due_at INTEGER, ended_at INTEGER, lines TEXT NOT NULL)`,
      `CREATE INDEX packs_by_due ON packs (due_at) WHERE due_at IS NOT NULL`,
      `CREATE INDEX packs_by_end ON packs (ended_at) WHERE ended_at IS NOT NULL`,
      `CREATE TABLE pack_bytes (id INTEGER PRIMARY KEY, lines TEXT NOT NULL, footprints TEXT NOT NULL, bytes BLOB NOT NULL)`,
      `CREATE TABLE pack_hashes (head TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (head, id)) WITHOUT ROWID`,
      `CREATE TABLE pack_senders (head TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (head, id)) WITHOUT ROWID`,
    ],
    fill: (sql, id, row, { raw, footprintJson }) => {
      const { hash, sender, nonce, stage, status, sequence, since, dueAt } = row
      const fees = [String(row.maxFeePerGas), String(row.maxPriorityFeePerGas)]
      const line = ['row', hash, sender, nonce, stage, status, ...fees, sequence, since, dueAt]
      const endedAt = stage === 'ended' ? since : null
      sql.exec('INSERT INTO packs VALUES (?, ?, ?, ?)', id, dueAt, endedAt, JSON.stringify([line]))
      const bytesLine = ['payload', hash, footprintJson.length, raw.length]
      sql.exec('INSERT INTO pack_bytes VALUES (?, ?, ?, ?)', id, JSON.stringify([bytesLine]), footprintJson, raw)
      sql.exec('INSERT INTO pack_hashes VALUES (?, ?)', hash.slice(2, 14), id)
      if (stage !== 'ended') sql.exec('INSERT INTO pack_senders VALUES (?, ?)', sender.slice(2, 14), id)
    },
  },
]

describe('rows in SQLite read as rows in memory do, whatever changes', () => {
  const { CHAIN } = env as unknown as { CHAIN: DurableObjectNamespace }

  it("the chain object's", async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(chainChanges, async (changes) => {
        const memory = memoryChain()
        memory.apply(changes)
        const stored = await runInDurableObject(CHAIN.getByName(`rows ${run++}`), (_, { storage }) => {
          const store = openChainStore(storage.sql)
          // Read before, between and after: what is kept in memory must follow what is written.
          for (let at = 0; at < changes.length; at += 8) {
            chainView(store)
            storage.transactionSync(() => store.apply(changes.slice(at, at + 8)))
          }
          const kept = chainView(store)
          store.forget()
          expect(chainView(store)).toEqual(kept)
          return kept
        })
        expect(stored).toEqual(chainView(memory))
      }),
      { numRuns: 30 },
    )
  })

  it("a shard's", async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(shardChanges, async (changes) => {
        const memory = memoryShard()
        memory.apply(changes.flat())
        const stored = await runInDurableObject(CHAIN.getByName(`shard rows ${run++}`), (_, { storage }) => {
          for (const table of ['head', 'payloads', 'accounts']) storage.sql.exec(`DROP TABLE ${table}`)
          // The journal is moved to the tables all the time, instead of after thousands of rows.
          const store = openShardStore(storage.sql, { count: 1 + (run % 8) }, 1 + (run % 3))
          for (let at = 0; at < changes.length; at += 4) {
            shardView(store)
            storage.transactionSync(() => store.apply(changes.slice(at, at + 4).flat()))
          }
          // As the next tick does: what was taken over waits for it.
          storage.transactionSync(() => store.apply([]))
          const kept = shardView(store)
          store.forget()
          expect(shardView(store)).toEqual(kept)
          return kept
        })
        expect(stored).toEqual(shardView(memory))
      }),
      { numRuns: 50, examples: [[cameAgain]] },
    )
  })

  it.each(layouts)("a shard's of a layout before", async ({ tables, fill }) => {
    let run = 0
    const settled = fc.uniqueArray(fc.tuple(shardRow, payload), { selector: ([{ hash }]) => hash, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(settled, async (pairs) => {
        const changes = pairs.flatMap(([row, bytes]): readonly ShardChange[] => [
          { put: 'payload', row: { ...bytes, hash: row.hash } },
          { put: 'row', row },
        ])
        const memory = memoryShard()
        memory.apply(changes)
        const name = `${tables.length} old rows ${run++}`
        const stored = await runInDurableObject(CHAIN.getByName(name), (_, { storage: { sql } }) => {
          for (const table of ['head', 'payloads', 'accounts']) sql.exec(`DROP TABLE ${table}`)
          for (const statement of tables) sql.exec(statement)
          for (const [at, [row, bytes]] of pairs.entries()) fill(sql, at + 1, row, bytes)
          const kept = shardView(openShardStore(sql))
          expect(shardView(openShardStore(sql))).toEqual(kept)
          return kept
        })
        expect(stored).toEqual(shardView(memory))
      }),
      { numRuns: 15 },
    )
  })

  it("[CR14] a shard's, but for what was taken over, which goes with the next write", async () => {
    const [row] = fc.sample(shardRow, 1).map((one): ShardRow => ({ ...one, stage: 'queued', dueAt: 2_000 }))
    if (!row) throw new Error('No row.')
    const taken: ShardChange = { put: 'row', row: { ...row, stage: 'offered', dueAt: null } }
    await runInDurableObject(CHAIN.getByName('taken over'), (_, { storage }) => {
      for (const table of ['head', 'payloads', 'accounts']) storage.sql.exec(`DROP TABLE ${table}`)
      const store = openShardStore(storage.sql)
      const apply = (...changes: ShardChange[]) => storage.transactionSync(() => store.apply(changes))
      const stage = () => store.row(row.hash)?.stage
      apply({ put: 'row', row })
      apply(taken)
      expect(stage()).toBe('offered')
      store.forget()
      // Offered again, then, and taken once.
      expect([stage(), store.nextDue()]).toEqual(['queued', 2_000])
      apply(taken)
      apply()
      store.forget()
      expect([stage(), store.nextDue()]).toEqual(['offered', null])
    })
  })

  it('transactions in many packs are found by what tells them apart, and bytes too large for one have one of their own', async () => {
    const [model] = fc.sample(shardRow, 1)
    if (!model) throw new Error('No row.')
    // Of every two, the first digits are the same: those that the index has.
    const digits = (at: number, count: number) => String(at >> 1).padStart(7, '0') + String(at).padStart(count - 7, '0')
    const rows = Array.from({ length: 3 * packRowsMax }, (_, at): ShardRow => {
      const of = address(`0x${digits(at, 40)}`)
      return { ...model, hash: txHash(`0x${digits(at, 64)}`), sender: of, nonce: at, stage: 'held', dueAt: null }
    })
    const bytesOf = (at: number) => new Uint8Array(at === 7 ? packBytesMax : 100).fill(at)
    await runInDurableObject(CHAIN.getByName('many packs'), (_, { storage }) => {
      for (const table of ['head', 'payloads', 'accounts']) storage.sql.exec(`DROP TABLE ${table}`)
      const store = openShardStore(storage.sql, { count: rows.length })
      const apply = (...changes: ShardChange[]) => storage.transactionSync(() => store.apply(changes))
      for (const [at, row] of rows.entries())
        apply(
          { put: 'payload', row: { hash: row.hash, raw: bytesOf(at), footprintJson: `${at}` } },
          { put: 'row', row },
        )
      apply()
      const packs = storage.sql.exec('SELECT COUNT(*) AS count FROM packs').one().count
      expect(packs).toBeGreaterThan(3)
      const odd = rows.filter(({ nonce }) => nonce % 2 === 1)
      apply(...odd.map((row): ShardChange => ({ put: 'row', row: { ...row, stage: 'ended', since: 1 } })))
      apply({ remove: 'old', before: 2, limit: rows.length })
      store.forget()
      for (const [at, row] of rows.entries()) {
        const isGone = at % 2 === 1
        expect(store.row(row.hash)).toEqual(isGone ? undefined : row)
        expect(store.rowsOf(row.sender)).toEqual(isGone ? [] : [row])
        expect(store.payload(row.hash)?.raw).toEqual(isGone ? undefined : bytesOf(at))
      }
    })
  })

  it('bytes of many that come together go where they stay at once, and are written again only when some of them go', async () => {
    const [model] = fc.sample(shardRow, 1)
    if (!model) throw new Error('No row.')
    const rows = Array.from({ length: packKeptMin }, (_, nonce): ShardRow => {
      const hash = txHash(`0x${String(nonce).padStart(2, '0').repeat(32)}`)
      return { ...model, hash, nonce, stage: 'held', dueAt: null }
    })
    const bytesOf = ({ hash, nonce }: ShardRow): Payload => ({
      hash,
      raw: new Uint8Array([nonce]),
      footprintJson: '{}',
    })
    for (const [name, ended] of [
      ['all stay', []],
      ['two go', rows.slice(0, 2)],
    ] as const)
      await runInDurableObject(CHAIN.getByName(name), (_, { storage }) => {
        for (const table of ['head', 'payloads', 'accounts']) storage.sql.exec(`DROP TABLE ${table}`)
        const store = openShardStore(storage.sql)
        const apply = (...changes: ShardChange[]) => storage.transactionSync(() => store.apply(changes))
        const packs = () => [...storage.sql.exec<{ id: number; lines: string }>('SELECT id, lines FROM pack_bytes')]
        apply(
          ...rows.flatMap((row): ShardChange[] => [
            { put: 'payload', row: bytesOf(row) },
            { put: 'row', row },
          ]),
        )
        const [stored] = packs()
        expect(storage.sql.exec('SELECT SUM(length(bytes)) AS bytes FROM journal').one()).toEqual({ bytes: 0 })
        apply(
          ...ended.flatMap((row): ShardChange[] => [
            { put: 'row', row: { ...row, stage: 'ended', since: 1 } },
            { remove: 'payload', hash: row.hash },
          ]),
        )
        // The journal goes to the tables.
        apply({ remove: 'old', before: 0, limit: 1 })
        const kept = packs().find(({ id }) => id === stored?.id)
        expect(kept?.lines === stored?.lines).toBe(ended.length === 0)
        expect(ended.filter(({ hash }) => kept?.lines.includes(hash))).toEqual([])
        store.forget()
        const left = rows.slice(ended.length)
        expect(rows.map(({ hash }) => store.payload(hash))).toEqual([
          ...ended.map(() => undefined),
          ...left.map(bytesOf),
        ])
      })
  })

  it('a sender that is looked at again and again does not let the journal grow', async () => {
    await runInDurableObject(CHAIN.getByName('looked at'), (_, { storage }) => {
      for (const table of ['head', 'payloads', 'accounts']) storage.sql.exec(`DROP TABLE ${table}`)
      const store = openShardStore(storage.sql, { bytes: 2_000 })
      const of = address(`0x${'07'.repeat(20)}`)
      for (let at = 1; at <= 100; at++) {
        const row = { sender: of, seen: 1, final: 1, checkedAt: at, checkAt: at + 1 }
        storage.transactionSync(() => store.apply([{ put: 'account', row }]))
        const written = storage.sql.exec('SELECT SUM(length(lines)) AS bytes FROM journal').one()
        expect(Number(written.bytes)).toBeLessThan(3_000)
      }
      store.forget()
      expect([store.account(of)?.checkedAt, store.nextCheck()]).toEqual([100, 101])
    })
  })
})
