import { describe, expect, it, vi } from 'vitest'
import { memory } from '../../../../sdk/adapters/memory.ts'
import { decodeTransaction, outpointKey } from '../../../../sdk/bitcoin/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import type { BitcoinNode, Store, StoredRecord } from '../../../../sdk/ports.ts'
import { sats, type Txid } from '../../../../sdk/units.ts'
import type { Coins, CoinsParts } from '../../../../sdk/wallet/bitcoin/coins.ts'
import { refusalOf } from '../../../contracts/contract.ts'
import { must } from '../../bitcoin/must.ts'
import {
  done,
  freshSigner,
  fund,
  type Ground,
  heldBy,
  minedAt,
  openCoins,
  paying,
  quickLedger,
  rate,
  strangers,
} from './coinsWorld.ts'

const funding = { script: Uint8Array.from([0, 32, ...new Uint8Array(32).fill(5)]), value: sats(70_000n) }
const payee = strangers(60).p2wpkh

vi.setConfig({ testTimeout: 120_000 })

describe('[CO3] two wallets on one store', () => {
  it('never spend a coin twice, and every payment arrives', async () => {
    const ground = quickLedger()
    const keys = freshSigner()
    const records = new Map<string, StoredRecord>()
    await fund(ground, keys, Array(6).fill(50_000n))
    const one = await openCoins(ground, { keys, store: memory(records) })
    const other = await openCoins(ground, { keys, store: memory(records) })
    const calls = Array.from({ length: 6 }, (_, at) => (at % 2 ? one : other).send([paying(payee, 40_000n)], rate(1)))
    const sent = (await Promise.all(calls)).map(done)
    const coins: string[] = []
    for (const { txid } of sent) {
      const raw = (await ground.node.transaction(txid)) as Uint8Array
      coins.push(...must(decodeTransaction(raw)).inputs.map(({ outpoint }) => outpointKey(outpoint)))
    }
    expect(new Set(coins).size).toBe(coins.length)
    await ground.mine(1)
    for (const { txid } of sent) expect(await minedAt(ground, txid)).not.toBeNull()
    await other.refresh()
    expect((await one.outgoing()).map(({ state }) => state)).toEqual(Array(6).fill('confirmed'))
  })

  it('asks the signer once where a lost race leaves the plan as it was', async () => {
    const ground = quickLedger()
    const keys = freshSigner()
    const store = memory()
    await fund(ground, keys, [100_000n])
    let asked = 0
    let races = 3
    const commit: Store['commit'] = (writes) =>
      races-- > 0 ? Promise.reject(new SdkError('store/conflict', 'Lost.')) : store.commit(writes)
    const coins = await openCoins(ground, {
      keys: {
        ...keys,
        sign: (request) => {
          asked += 1
          return keys.sign(request)
        },
      },
      store: { ...store, commit },
    })
    done(await coins.send([paying(payee, 40_000n)], rate(1)))
    expect(asked).toBe(1)
  })

  it('[CO1] gives up a race that never ends, with nothing sent', async () => {
    const ground = quickLedger()
    const keys = freshSigner()
    const store = memory()
    await fund(ground, keys, [100_000n])
    const commit = () => Promise.reject(new SdkError('store/conflict', 'Lost.'))
    const sent: Uint8Array[] = []
    const broadcast: BitcoinNode['broadcast'] = (raw) => {
      sent.push(raw)
      return ground.node.broadcast(raw)
    }
    const nodes = [{ ...ground.node, broadcast }]
    const clock = { now: () => 0, sleep: async () => undefined }
    const coins = await openCoins(ground, { keys, store: { ...store, commit }, nodes, clock })
    expect(await refusalOf(coins.send([paying(payee, 40_000n)], rate(1)))).toBe('store/conflict')
    expect(sent).toEqual([])
  })
})

/** A process that dies at one moment: before or after a commit, a signature or a broadcast. */
function mortal(parts: CoinsParts, deathAt: number) {
  let moments = 0
  let die: (how: 'died') => void = () => undefined
  const died = new Promise<'died'>((resolve) => {
    die = resolve
  })
  const never = new Promise<never>(() => undefined)
  const moment = async () => {
    moments += 1
    if (moments < deathAt) return undefined
    die('died')
    return never
  }
  const around = async <result>(work: () => Promise<result>): Promise<result> => {
    await moment()
    const result = await work()
    await moment()
    return result
  }
  const { store, nodes, keys } = parts
  if ('watch' in keys) throw new Error('A watcher does not die here.')
  const mine: CoinsParts = {
    ...parts,
    keys: { ...keys, sign: (request) => around(() => keys.sign(request)) },
    store: { ...store, commit: (writes) => around(() => store.commit(writes)) },
    nodes: nodes.map((node) => ({ ...node, broadcast: (raw) => around(() => node.broadcast(raw)) })),
  }
  return { parts: mine, died }
}

/** A payment that is lifted, and a funding that is let out. */
async function script(coins: Coins, store: Store): Promise<'done'> {
  const sent = done(await coins.send([paying(payee, 40_000n)], rate(1)))
  done(await coins.speedUp(sent.txid, rate(5)))
  const reserved = done(await coins.reserve([funding], rate(2)))
  await store.commit([...reserved.writes, { key: 'channel', expected: 0, bytes: Uint8Array.of(1) }])
  await coins.markSent(reserved.txid)
  return 'done'
}

describe('[CO1] [CO8] a process that dies', () => {
  it('at any moment: what is stored happens exactly once after a restart, nothing else ever', async () => {
    let moment = 1
    for (; ; moment++) {
      const { ground, parts } = await prepared()
      const process = mortal(parts, moment)
      const life = openCoins(ground, process.parts).then((coins) => script(coins, process.parts.store))
      const end = await Promise.race([life, process.died])
      const found = await restart(ground, parts)
      const paid = await heldBy(ground.node, payee)
      const channel = await parts.store.get('channel')
      expect({ moment, states: found.filter((state) => state !== 'held') }).toEqual({
        moment,
        states: found.filter((state) => state !== 'held').map(() => 'confirmed'),
      })
      // The funding and the channel that needs it are stored together or not at all.
      expect({ moment, fundings: found.length }).toEqual({ moment, fundings: channel ? 2 : paid > 0n ? 1 : 0 })
      expect({ moment, paid }).toEqual({ moment, paid: found.length > 0 ? 40_000n : 0n })
      if (end === 'done') break
    }
    expect(moment).toBeGreaterThan(12)
  }, 180_000)
})

async function prepared() {
  const ground = quickLedger()
  const keys = freshSigner()
  await fund(ground, keys, [200_000n, 150_000n])
  const parts: CoinsParts = { keys, store: memory(), network: 'regtest', nodes: [ground.node] }
  return { ground, parts }
}

/** The next wallet on the store, and where everything stands in the end. */
async function restart(ground: Ground, parts: CoinsParts): Promise<readonly string[]> {
  const coins = await openCoins(ground, parts)
  await coins.refresh()
  await ground.mine(1)
  await coins.refresh()
  return (await coins.outgoing()).map(({ state }) => state)
}

describe('[CO8] what a wallet has left', () => {
  it('is sent again by the next one, byte for byte', async () => {
    const { ground, parts } = await prepared()
    const dead: BitcoinNode = {
      ...ground.node,
      broadcast: () => Promise.reject(new SdkError('node/unreachable', 'Gone.', { retryable: true })),
    }
    const first = await openCoins(ground, { ...parts, nodes: [dead] })
    const sent = done(await first.send([paying(payee, 40_000n)], rate(1)))
    expect(await first.status(sent.txid)).toMatchObject({ state: 'waiting' })
    // No node shows the change yet, and it counts.
    expect((await first.balance()).pending).toBe(200_000n - 40_000n - sent.fee)
    expect(await ground.node.transaction(sent.txid as Txid)).toBeUndefined()
    await (await openCoins(ground, parts)).refresh()
    expect(await ground.node.transaction(sent.txid)).toBeDefined()
  })
})
