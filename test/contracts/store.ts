import fc from 'fast-check'
import { commitBytesMax, commitWritesMax, keyLengthMax, recordBytesMax } from '../../sdk/adapters/writes.ts'
import type { Store, StoredRecord, StoreWrite } from '../../sdk/ports.ts'
import { type Contract, type Rule, refusalOf, refuses, same } from './contract.ts'

/** Where an adapter keeps its records, and what it lets others do there. */
export interface StorePlace {
  /** A handle on a new, empty place. */
  readonly open: () => Promise<Store>
  /** One more handle on the place opened last. */
  readonly reopen: () => Promise<Store>
  /** Whether two handles may be open on one place, or the second is refused until the first is closed. */
  readonly handles: 'many' | 'one'
  /** How many random histories are tried. */
  readonly histories: number
}

/** The rules of the `Store` port. */
export function storeContract(name: string, place: StorePlace): Contract {
  const rule = (title: string, run: (store: Store) => Promise<void>): Rule => ({
    title,
    async check() {
      const store = await place.open()
      await run(store)
      await store.close()
    },
  })
  return {
    name,
    rules: [
      ...commitRules(rule),
      ...limitRules(rule),
      ...lifeRules(rule, place),
      place.handles === 'many' ? sharedRule(rule, place) : exclusiveRule(rule, place),
      historyRule(place),
    ],
  }
}

type Ruler = (title: string, run: (store: Store) => Promise<void>) => Rule

function commitRules(rule: Ruler): Rule[] {
  return [
    rule('[ST1] versions count the writes of a record from 1; an absent record is nothing', async (store) => {
      same(await store.get('a'), undefined, 'before')
      await store.commit([put('a', 0, 'one')])
      same(await store.get('a'), record(1, 'one'), 'after one write')
      await store.commit([put('a', 1, 'two')])
      same(await store.get('a'), record(2, 'two'), 'after two writes')
    }),
    rule(
      '[ST2] a write that expects another version is a conflict, and nothing of its commit is applied',
      async (store) => {
        await store.commit([put('a', 0, 'one'), put('b', 0, 'one')])
        await store.commit([put('a', 1, 'two')])
        const wrong = [
          put('a', 0, 'x'),
          put('a', 1, 'x'),
          put('a', 3, 'x'),
          drop('a', 1),
          put('c', 1, 'x'),
          drop('c', 1),
        ]
        for (const write of wrong) {
          const around = [put('b', 1, 'x'), write, put('d', 0, 'x')]
          await refuses(store.commit(around), 'store/conflict', JSON.stringify(write))
          await refuses(store.commit(around.reverse()), 'store/conflict', JSON.stringify(write))
        }
        same(await contentsOf(store), { a: record(2, 'two'), b: record(1, 'one') }, 'the store')
      },
    ),
    rule('[ST3] a deleted record is absent, and starts at version 1 again', async (store) => {
      await store.commit([put('a', 0, 'one')])
      await store.commit([put('a', 1, 'two')])
      await store.commit([drop('a', 2)])
      same(await store.get('a'), undefined, 'deleted')
      same(await store.keys(''), [], 'the keys')
      await store.commit([drop('a', 0)])
      await store.commit([put('a', 0, 'three')])
      same(await store.get('a'), record(1, 'three'), 'written anew')
    }),
    rule('[ST4] many writes are one commit', async (store) => {
      const keys = Array.from({ length: 300 }, (_, at) => `k${String(at).padStart(3, '0')}`)
      await store.commit(keys.map((key) => put(key, 0, key)))
      same(await store.keys('k'), keys, 'the keys')
      await store.commit(keys.map((key, at) => (at % 2 ? drop(key, 1) : put(key, 1, 'x'))))
      same(
        await store.keys('k'),
        keys.filter((_, at) => at % 2 === 0),
        'the keys',
      )
    }),
    rule('[ST5] empty bytes and an empty commit are both fine', async (store) => {
      await store.commit([])
      await store.commit([put('a', 0, '')])
      same(await store.get('a'), record(1, ''), 'the record')
    }),
    rule('[ST6] bytes are copied in and out, and a view stores no more than itself', async (store) => {
      const buffer = utf8('0123456789')
      const commit = store.commit([{ key: 'a', expected: 0, bytes: buffer.subarray(2, 5) }])
      buffer.fill(0)
      await commit
      const got = await store.get('a')
      same(got, record(1, '234'), 'the record')
      same(got?.bytes.buffer.byteLength, 3, 'its buffer')
      got?.bytes.fill(0)
      same(await store.get('a'), record(1, '234'), 'the record, after its copy was changed')
    }),
    rule('[ST7] keys come by prefix, ascending by UTF-16 unit', async (store) => {
      const keys = ['a', 'a/', 'a/1', 'a/10', 'a/2', 'a/\uffff', 'a/\u{1f600}', 'a0', 'b', 'A/1', '\ufeffb']
      await store.commit(keys.map((key) => put(key, 0, key)))
      same(await store.keys('a/'), ['a/', 'a/1', 'a/10', 'a/2', 'a/\u{1f600}', 'a/\uffff'], 'a/')
      same(await store.keys(''), [...keys].sort(), 'all')
      same(await store.keys('c'), [], 'c')
      for (const key of keys) same(await store.get(key), record(1, key), key)
    }),
    rule('[ST8] of commits that race for one version exactly one wins', async (store) => {
      const racers = Array.from({ length: 8 }, (_, at) => `racer ${at}`)
      const ends = await Promise.all(
        racers.map((name) => refusalOf(store.commit([put('a', 0, name), put(name, 0, '')]))),
      )
      same([...ends].sort(), [...racers.slice(1).map(() => 'store/conflict'), 'none'].sort(), 'the ends')
      const winner = racers[ends.indexOf('none')] as string
      same(await contentsOf(store), { a: record(1, winner), [winner]: record(1, '') }, 'the store')
    }),
  ]
}

function limitRules(rule: Ruler): Rule[] {
  const many = (count: number, size: number) =>
    Array.from({ length: count }, (_, at) => ({ key: `k${at}`, expected: 0, bytes: new Uint8Array(size) }))
  return [
    rule('[ST9] commits at a limit are taken', async (store) => {
      await store.commit(many(commitWritesMax, 1))
      await store.commit(
        many(commitBytesMax / recordBytesMax, recordBytesMax).map((write) => ({ ...write, expected: 1 })),
      )
      await store.commit([put('x'.repeat(keyLengthMax), 0, 'x')])
      same((await store.get('k0'))?.bytes.length, recordBytesMax, 'the record')
    }),
    rule('[ST10] malformed commits are refused whole', async (store) => {
      await store.commit([put('a', 0, 'one')])
      const malformed: Record<string, readonly StoreWrite[]> = {
        'too many writes': many(commitWritesMax + 1, 0),
        'a record too large': many(1, recordBytesMax + 1),
        'a commit too large': many(commitBytesMax / recordBytesMax + 1, recordBytesMax),
        'an empty key': [put('', 0, 'x')],
        'a long key': [put('x'.repeat(keyLengthMax + 1), 0, 'x')],
        'half a surrogate pair': [put('\ud800', 0, 'x')],
        'one key twice': [put('a', 1, 'x'), put('a', 1, 'y')],
        'a negative version': [put('b', -1, 'x')],
        'a broken version': [put('b', 0.5, 'x')],
      }
      for (const [what, writes] of Object.entries(malformed))
        await refuses(store.commit([put('d', 0, 'x'), ...writes]), 'store/malformed-commit', what)
      same(await contentsOf(store), { a: record(1, 'one') }, 'the store')
    }),
  ]
}

function lifeRules(rule: Ruler, place: StorePlace): Rule[] {
  return [
    rule('[ST11] what was committed is there after closing and opening again', async (store) => {
      await store.commit([put('a', 0, 'one'), put('b', 0, 'one'), put('c', 0, 'one')])
      await store.commit([put('a', 1, 'two'), drop('b', 1)])
      await store.close()
      const again = await place.reopen()
      same(await contentsOf(again), { a: record(2, 'two'), c: record(1, 'one') }, 'the store')
      await refuses(again.commit([put('a', 1, 'x')]), 'store/conflict', 'an old version')
      await again.commit([put('a', 2, 'three')])
      same(await again.get('a'), record(3, 'three'), 'the record')
      await again.close()
    }),
    rule('[ST12] a commit under way when the store is closed is kept or refused, never half', async (store) => {
      const end = refusalOf(store.commit([put('a', 0, 'x'), put('b', 0, 'x')]))
      await store.close()
      const again = await place.reopen()
      const both = { a: record(1, 'x'), b: record(1, 'x') }
      same(await contentsOf(again), (await end) === 'none' ? both : {}, 'the store')
      await again.close()
    }),
    rule('[ST13] a closed store refuses every call, and may be closed twice', async (store) => {
      await store.commit([put('a', 0, 'one')])
      await store.close()
      await store.close()
      await refuses(store.get('a'), 'store/unavailable', 'get')
      await refuses(store.keys(''), 'store/unavailable', 'keys')
      await refuses(store.commit([put('a', 1, 'x')]), 'store/unavailable', 'commit')
      await refuses(store.commit([]), 'store/unavailable', 'an empty commit')
    }),
    rule('[ST14] a store never used can be closed', async () => undefined),
  ]
}

function sharedRule(rule: Ruler, place: StorePlace): Rule {
  return rule('[ST15] two handles see one another, and their conflicts', async (store) => {
    await store.commit([put('a', 0, 'one')])
    const other = await place.reopen()
    same(await other.get('a'), record(1, 'one'), 'seen by the other')
    await other.commit([put('a', 1, 'two')])
    await refuses(store.commit([put('a', 1, 'x'), put('b', 0, 'x')]), 'store/conflict', 'the slower handle')
    same(await contentsOf(store), { a: record(2, 'two') }, 'seen by the first')
    const race = [store, other].map((handle) => refusalOf(handle.commit([put('a', 2, 'three')])))
    same((await Promise.all(race)).sort(), ['none', 'store/conflict'], 'a race')
    await other.close()
    await store.commit([put('a', 3, 'four')])
  })
}

function exclusiveRule(rule: Ruler, place: StorePlace): Rule {
  return rule('[ST15] a second handle is refused until the first is closed, and harms nothing', async (store) => {
    await store.commit([put('a', 0, 'one')])
    const other = await place.reopen()
    await refuses(other.get('a'), 'store/unavailable', 'reading beside the owner')
    await refuses(other.commit([put('a', 1, 'x')]), 'store/unavailable', 'writing beside the owner')
    await store.commit([put('a', 1, 'two')])
    await store.close()
    same(await other.get('a'), record(2, 'two'), 'seen by the next owner')
    await other.commit([put('a', 2, 'three')])
    await other.close()
  })
}

function historyRule(place: StorePlace): Rule {
  const key = fc.constantFrom('a', 'b', 'c', 'd/1', 'd/2')
  const write = fc.record({
    key,
    stale: fc.constantFrom(-1, 1),
    honest: fc.integer({ min: 0, max: 3 }).map((roll) => roll > 0),
    bytes: fc.option(fc.uint8Array({ maxLength: 40 }), { freq: 4 }),
  })
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.uniqueArray(write, { maxLength: 4, selector: (write) => write.key }) },
    { weight: 1, arbitrary: fc.constant('reopen' as const) },
  )
  return {
    title: '[ST16] any history of commits and reopenings ends as in a plain map',
    check: () =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
          let store = await place.open()
          const model = new Map<string, StoredRecord>()
          for (const step of steps) {
            if (step === 'reopen') {
              await store.close()
              store = await place.reopen()
              continue
            }
            const writes = step.map(({ key, stale, honest, bytes }) => {
              const version = model.get(key)?.version ?? 0
              return { key, expected: honest ? version : Math.max(0, version + stale), bytes }
            })
            same(await refusalOf(store.commit(writes)), applyToModel(model, writes), 'the end of a commit')
          }
          same(await contentsOf(store), Object.fromEntries([...model].sort()), 'the store')
          await store.close()
        }),
        { numRuns: place.histories },
      ),
  }
}

/** The port's promise in its plainest form. */
function applyToModel(model: Map<string, StoredRecord>, writes: readonly StoreWrite[]): string {
  if (writes.some(({ key, expected }) => (model.get(key)?.version ?? 0) !== expected)) return 'store/conflict'
  for (const { key, expected, bytes } of writes) {
    model.delete(key)
    if (bytes) model.set(key, { version: expected + 1, bytes })
  }
  return 'none'
}

/** Everything in a store, by key. */
export async function contentsOf(store: Store): Promise<Record<string, StoredRecord | undefined>> {
  const contents: Record<string, StoredRecord | undefined> = {}
  for (const key of await store.keys('')) contents[key] = await store.get(key)
  return contents
}

/** A write of text. */
export function put(key: string, expected: number, text: string): StoreWrite {
  return { key, expected, bytes: utf8(text) }
}

/** A deletion. */
export function drop(key: string, expected: number): StoreWrite {
  return { key, expected, bytes: null }
}

/** A record as it should come back. */
export function record(version: number, text: string): StoredRecord {
  return { version, bytes: utf8(text) }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
