import { describe, expect, it } from 'vitest'
import { memory } from '../../../sdk/adapters/memory.ts'
import { type BitcoinClientParts, createBitcoinClient, storedHeadersMax } from '../../../sdk/client/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { BitcoinNode, Clock, Store, StoredRecord } from '../../../sdk/ports.ts'
import { height, joinBytes } from '../../../sdk/units.ts'
import { bitcoinNetworks, checkpointAt, genesisCheckpoint } from '../../../sdk/verify/index.ts'
import { extend, hashAt, mine, mineOn, nowSeconds, regtestChain } from '../verify/bitcoin/regtest.ts'
import { down, turncoat } from './liars.ts'
import { failure } from './setting.ts'

const genesisHash = hashAt(genesisCheckpoint('regtest').header)
const clock: Clock = { now: () => nowSeconds * 1000, sleep: async () => undefined }
const [main, longerFork] = [mineOn(genesisHash, 0, 60), mineOn(genesisHash, 0, 61, 1)]
const key = 'client/headers/regtest'

/** A node that has headers and nothing else. */
function nodeOf(headers: Uint8Array): BitcoinNode {
  const count = headers.length / 80
  const none = async () => undefined
  return {
    tip: async () => ({ height: height(count), hash: hashAt(headers) }),
    headers: async (first, wanted) => headers.slice(80 * (first - 1), 80 * (first - 1 + wanted)),
    block: none,
    transaction: none,
    inclusion: none,
    coinbase: none,
    spend: none,
    coins: async () => [],
    history: async () => [],
    feeEstimates: async () => new Map(),
    minFeerate: async () => 1_000 as never,
    broadcast: async () => ({ ok: false, code: 'other', detail: '' }),
  }
}

const clientOf = (nodes: readonly BitcoinNode[], parts: Partial<BitcoinClientParts> = {}) =>
  createBitcoinClient({ network: 'regtest', nodes, clock, ...parts })

describe('headers', () => {
  it('are followed over many rounds to the tip', async () => {
    const long = mineOn(genesisHash, 0, 4_500)
    const { node, asked } = turncoat(nodeOf(long))
    const client = await clientOf([node])
    expect(await client.sync()).toMatchObject({ height: 4_500, hash: hashAt(long) })
    expect(asked.get('headers')).toBe(3)
  })

  it('are no older than the call that asks for them, and one failure is not for good', async () => {
    const { node, say } = turncoat(nodeOf(main))
    const client = await clientOf([node])
    await client.sync()
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { tip } = nodeOf(main)
    say({ tip: () => held.then(tip) })
    const early = client.sync()
    say(nodeOf(longerFork))
    const late = [client.sync(), client.sync()]
    release()
    expect((await early).height).toBe(60)
    for (const one of late) expect((await one).height).toBe(61)
    say(down)
    const failed = [client.sync(), client.sync(), client.sync()].map(failure)
    for (const one of failed) expect((await one).code).toBe('node/unreachable')
    say(null)
    expect((await client.sync()).height).toBe(61)
  })

  it('of most work win, whoever has them and in whatever order they come', async () => {
    for (const nodes of [
      [main, longerFork],
      [longerFork, main],
    ]) {
      const client = await clientOf(nodes.map(nodeOf))
      expect((await client.sync()).hash).toEqual(hashAt(longerFork))
      expect(client.faults()).toEqual([])
    }
  })

  it('are left for a branch of more work, however deep it begins', async () => {
    const { node, say } = turncoat(nodeOf(main))
    const client = await clientOf([node])
    await client.sync()
    say(nodeOf(longerFork))
    expect((await client.sync()).hash).toEqual(hashAt(longerFork))
    // Back to less work is no way.
    say(nodeOf(main))
    expect((await client.sync()).hash).toEqual(hashAt(longerFork))
  })

  it('are not left for a branch that begins below what is kept', async () => {
    const { node, say } = turncoat(nodeOf(main))
    const client = await clientOf([node], { headersMax: 20 })
    const tip = await client.sync()
    say(nodeOf(longerFork))
    expect(await failure(client.sync())).toMatchObject({ code: 'node/nonsense' })
    say(null)
    expect(await client.sync()).toEqual(tip)
  })

  it('stamped beyond the clock are refused', async () => {
    const late = joinBytes(main, mine({ previous: hashAt(main), time: nowSeconds + 3 * 3_600 }))
    const client = await clientOf([nodeOf(late), nodeOf(main)])
    expect((await client.sync()).height).toBe(60)
    expect(client.faults()).toMatchObject([{ node: 0, at: nowSeconds * 1000, error: { code: 'node/nonsense' } }])
  })

  it('begin at an anchor, and a chain without it is refused', async () => {
    const anchor = checkpointAt(extend(regtestChain(), main).chain, 30)
    if (!anchor) throw new Error('There is a header at height 30.')
    const client = await clientOf([nodeOf(longerFork), nodeOf(main)], { anchor })
    expect((await client.sync()).hash).toEqual(hashAt(main))
    expect(client.faults()).toMatchObject([{ node: 0 }])
    expect(await failure((await clientOf([nodeOf(longerFork)], { anchor })).sync())).toMatchObject({
      code: 'node/nonsense',
    })
    const wrong = { ...anchor, work: 0n }
    expect(await failure(clientOf([nodeOf(main)], { anchor: wrong }))).toMatchObject({
      code: 'client/malformed-anchor',
    })
  })
})

describe('stored headers', () => {
  const stored = async (headers: Uint8Array) => {
    const records = new Map<string, StoredRecord>()
    await (await clientOf([nodeOf(headers)], { store: memory(records) })).sync()
    return records
  }

  it('are there after a restart, and only what is new is asked for', async () => {
    const store = memory(await stored(main))
    const { node, asked } = turncoat(nodeOf(joinBytes(main, mineOn(hashAt(main), 60, 2))))
    const client = await clientOf([node], { store })
    let first = 0
    const { headers } = node
    Object.assign(node, {
      headers: (...wanted: Parameters<BitcoinNode['headers']>) => {
        first = wanted[0]
        return headers(...wanted)
      },
    })
    expect((await client.sync()).height).toBe(62)
    expect([asked.get('headers'), first]).toEqual([1, 55])
    expect((await store.get(key))?.version).toBe(2)
    await client.sync()
    expect((await store.get(key))?.version).toBe(2)
  })

  it('that were reorganised away meanwhile are left', async () => {
    const store = memory(await stored(main))
    expect((await (await clientOf([nodeOf(longerFork)], { store })).sync()).hash).toEqual(hashAt(longerFork))
  })

  it('that are damaged, of another network or no record at all are replaced from the anchor', async () => {
    const good = (await stored(main)).get(key)?.bytes ?? new Uint8Array(0)
    const bad = [new Uint8Array(0), good.slice(0, -1), Uint8Array.of(...good, 0)]
    for (let at = 0; at < good.length; at += 397) {
      const copy = good.slice()
      copy[at] = (copy[at] ?? 0) ^ 1
      bad.push(copy)
    }
    for (const bytes of bad) {
      const records = new Map([[key, { version: 7, bytes }]])
      const client = await clientOf([nodeOf(main)], { store: memory(records) })
      expect((await client.sync()).height).toBe(60)
      expect(records.get(key)).toEqual({ version: 8, bytes: good })
    }
  })

  it('that do not hold the anchor, or end below it, are not gone on with', async () => {
    const anchorOf = (headers: Uint8Array, at: number) => {
      const anchor = checkpointAt(extend(regtestChain(), headers).chain, at)
      if (!anchor) throw new Error('There is a header at that height.')
      return anchor
    }
    // What is stored has more work, and is not what is trusted.
    const other = await clientOf([nodeOf(main)], {
      store: memory(await stored(longerFork)),
      anchor: anchorOf(main, 30),
    })
    expect((await other.sync()).hash).toEqual(hashAt(main))
    const later = anchorOf(longerFork, 61)
    const above = await clientOf([nodeOf(longerFork)], { store: memory(await stored(main)), anchor: later })
    expect((await above.sync()).hash).toEqual(hashAt(longerFork))
  })

  it('are shared by two programs: the heavier chain stays', async () => {
    const records = new Map<string, StoredRecord>()
    const one = await clientOf([nodeOf(main)], { store: memory(records) })
    const other = await clientOf([nodeOf(longerFork)], { store: memory(records) })
    await other.sync()
    expect((await one.sync()).hash).toEqual(hashAt(longerFork))
    expect((await other.sync()).hash).toEqual(hashAt(longerFork))
    const third = await clientOf([nodeOf(main)], { store: memory(records) })
    expect((await third.sync()).hash).toEqual(hashAt(longerFork))
  })

  it('that cannot be stored now are stored later, and nothing waits for that', async () => {
    const store = memory()
    let isFull = true
    const full: Store = {
      ...store,
      commit: async (writes) => {
        if (isFull) throw new SdkError('store/full', 'The disk is full.')
        await store.commit(writes)
      },
    }
    const client = await clientOf([nodeOf(main)], { store: full })
    expect((await client.sync()).height).toBe(60)
    expect(await store.get(key)).toBeUndefined()
    isFull = false
    await client.sync()
    expect((await store.get(key))?.version).toBe(1)
  })

  it('fit a record, and more are not asked for', async () => {
    const store = memory()
    expect(await failure(clientOf([nodeOf(main)], { store, headersMax: storedHeadersMax + 1 }))).toMatchObject({
      code: 'units/out-of-range',
    })
    const long = mineOn(genesisHash, 0, storedHeadersMax + 10)
    const rival = mineOn(genesisHash, 0, 2_000, 1)
    const client = await clientOf([nodeOf(long), nodeOf(rival)], { store, headersMax: storedHeadersMax })
    await client.sync()
    expect((await store.get(key))?.version).toBe(1)
    const { node, asked } = turncoat(nodeOf(long))
    await (await clientOf([node], { store, headersMax: storedHeadersMax })).sync()
    expect(asked.get('headers')).toBeUndefined()
  })
})

describe('where headers begin', () => {
  const checkpoint = checkpointAt(extend(regtestChain(), main).chain, 12) as NonNullable<
    ReturnType<typeof checkpointAt>
  >
  const vouch = (maker: string, hash = hashAt(main, 11)) => ({ maker, height: 12, hash })

  it('is a block that two makers name, and none that they do not agree on', async () => {
    const anchor = { checkpoint, vouched: [vouch('one'), vouch('other')], agree: 2 }
    const client = await clientOf([nodeOf(main)], { anchor })
    expect(await client.sync()).toMatchObject({ height: 60, hash: hashAt(main) })
    const torn = { ...anchor, vouched: [...anchor.vouched, vouch('third', hashAt(main, 3))] }
    const lonely = { ...anchor, vouched: [vouch('one')] }
    for (const [bad, reason] of [
      [torn, /third names another block/],
      [lonely, /1 of the 2 makers/],
    ] as const) {
      const error = await failure(clientOf([nodeOf(main)], { anchor: bad }))
      expect(error.code).toBe('client/malformed-anchor')
      expect(error.notes.join()).toMatch(reason)
    }
  })

  it.each(bitcoinNetworks)('is block 0 of %s without an anchor', async (network) => {
    const genesis = genesisCheckpoint(network).header
    const node = { ...nodeOf(main), tip: async () => ({ height: height(0), hash: hashAt(genesis) }) }
    const client = await clientOf([node], { network })
    expect([client.network, await client.sync()]).toMatchObject([network, { height: 0, hash: hashAt(genesis) }])
  })
})
