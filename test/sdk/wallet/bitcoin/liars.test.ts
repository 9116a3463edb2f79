import { describe, expect, it, vi } from 'vitest'
import { decodeTransaction, encodeTransaction, txidOf } from '../../../../sdk/bitcoin/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import type { BitcoinNode, NodeCoin } from '../../../../sdk/ports.ts'
import { feerate, height, sameBytes, sats, type Txid, txid } from '../../../../sdk/units.ts'
import { refusalOf } from '../../../contracts/contract.ts'
import { must } from '../../bitcoin/must.ts'
import {
  done,
  freshSigner,
  fund,
  heldBy,
  minedAt,
  openCoins,
  paying,
  quickLedger,
  rate,
  strangers,
} from './coinsWorld.ts'

const payee = strangers(70).p2tr

vi.setConfig({ testTimeout: 120_000 })

/** A wallet of one coin that asks a node that lies, perhaps beside an honest one. */
async function deceived(lie: (honest: BitcoinNode) => Partial<BitcoinNode>, beside: 'alone' | 'honest' = 'alone') {
  const ground = quickLedger()
  const keys = freshSigner()
  await fund(ground, keys, [100_000n])
  const liar = { ...ground.node, ...lie(ground.node) }
  const coins = await openCoins(ground, { keys, nodes: beside === 'honest' ? [liar, ground.node] : [liar] })
  return { ground, keys, coins }
}

describe('[CO10] a node that lies', () => {
  it('about the amount of a coin is not believed: the transaction says it', async () => {
    const { ground, coins } = await deceived(({ coins }) => ({
      coins: async (script) => (await coins(script)).map((coin): NodeCoin => ({ ...coin, value: sats(99_000_000n) })),
    }))
    expect(await coins.balance()).toMatchObject({ confirmed: 100_000n })
    const sent = done(await coins.send([paying(payee, 60_000n)], rate(1)))
    await ground.mine(1)
    expect(await minedAt(ground, sent.txid)).not.toBeNull()
  })

  it.each([
    ['another output of the same transaction', { index: 1 }],
    ['an output that does not exist', { index: 7 }],
    ['a transaction that nobody knows', { txid: txid('42'.repeat(32)) }],
  ])('that names %s as our coin is not believed', async (_, wrong) => {
    const { coins } = await deceived(({ coins }) => ({
      coins: async (script) =>
        (await coins(script)).map((coin): NodeCoin => ({ ...coin, outpoint: { ...coin.outpoint, ...wrong } })),
    }))
    expect(await coins.balance()).toMatchObject({ confirmed: 0n, pending: 0n })
    expect(await coins.send([paying(payee, 60_000n)], rate(1))).toMatchObject({ code: 'insufficient' })
  })

  it('about the bytes of a transaction is not believed: they do not hash to its name', async () => {
    const { coins } = await deceived(({ transaction }) => ({
      transaction: async (id) => {
        const raw = await transaction(id)
        const decoded = raw && must(decodeTransaction(raw))
        if (!decoded) return undefined
        const outputs = decoded.outputs.map(({ script }) => ({ script, value: sats(99_000_000n) }))
        return encodeTransaction({ ...decoded, outputs })
      },
    }))
    expect(await coins.balance()).toMatchObject({ confirmed: 0n, pending: 0n })
  })

  it('that a payment is mined is not believed without its proof', async () => {
    const { coins } = await deceived(({ inclusion }) => ({
      inclusion: async (id) => {
        const told = await inclusion(id)
        const merkleBlock = told?.merkleBlock.slice()
        if (!told || !merkleBlock) return undefined
        merkleBlock[40] = (merkleBlock[40] ?? 0) ^ 1
        return { ...told, merkleBlock }
      },
    }))
    expect(await coins.balance()).toMatchObject({ confirmed: 0n, pending: 100_000n })
  })

  it('that hides coins hides nothing that another shows', async () => {
    const hiding = () => ({ coins: async () => [], history: async () => [], inclusion: async () => undefined })
    const { ground, coins } = await deceived(hiding, 'honest')
    expect(await coins.balance()).toMatchObject({ confirmed: 100_000n })
    done(await coins.send([paying(payee, 60_000n)], rate(1)))
    await ground.mine(1)
    expect(await heldBy(ground.node, payee)).toBe(60_000n)
    const { coins: alone } = await deceived(hiding)
    expect(await alone.balance()).toMatchObject({ confirmed: 0n })
  })

  it('that shows a spent coin makes a payment that is refused, never one that pays too much', async () => {
    let remembered: readonly NodeCoin[] = []
    const { ground, keys, coins } = await deceived(({ coins }) => ({
      coins: async (script) => {
        const told = await coins(script)
        if (told.length > 0 && remembered.length === 0) remembered = told
        const [first] = remembered
        const made = first && (await ground.node.transaction(first.outpoint.txid))
        const output = made && must(decodeTransaction(made)).outputs[first.outpoint.index]
        return output && sameBytes(output.script, script) ? remembered : told
      },
    }))
    await coins.balance()
    const honest = await openCoins(ground, { keys })
    const other = done(await honest.send([paying(strangers(71).p2tr, 99_000n)], rate(1)))
    await ground.mine(1)
    const sent = done(await coins.send([paying(payee, 60_000n)], rate(1)))
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'refused', refusal: { code: 'missing-inputs' } })
    await coins.refresh()
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'replaced', by: other.txid })
    await ground.mine(5)
    await coins.refresh()
    expect(await coins.outgoing()).toEqual([])
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'replaced', by: other.txid, transaction: null })
    expect(await heldBy(ground.node, payee)).toBe(0n)
  })

  it('[CO9] that invents payments does not lead addresses beyond the gap', async () => {
    const invented = new Map<Txid, Uint8Array>()
    const invent = (script: Uint8Array) => {
      const source = { outpoint: { txid: txid('13'.repeat(32)), index: 0 }, sequence: 0 }
      const raw = encodeTransaction({
        version: 2,
        inputs: [source],
        outputs: [{ script, value: sats(1_000n) }],
        locktime: 0,
      })
      const id = txidOf(sha256(sha256(raw)))
      invented.set(id, raw)
      return id
    }
    const { coins } = await deceived(({ transaction }) => ({
      history: async (script) => [{ txid: invent(script), height: height(5) }],
      coins: async (script) => [{ outpoint: { txid: invent(script), index: 0 }, value: sats(1_000n), height: null }],
      transaction: async (id) => invented.get(id) ?? transaction(id),
    }))
    const address = await coins.address()
    await coins.refresh()
    expect(await coins.address()).toBe(address)
    expect(invented.size).toBeLessThanOrEqual(4 * 20)
    expect(await coins.balance()).toMatchObject({ confirmed: 0n })
    expect(await coins.send([paying(payee, 330n)], rate(1))).toMatchObject({ code: 'insufficient' })
  })

  it.each([
    ['its estimates', { feeEstimates: async () => new Map([[6, 9_000]]) }],
    ['its minimum', { minFeerate: async () => feerate(9_000_000) }],
  ])('about %s costs no more than what the wallet allows, and nothing beside an honest one', async (_, lie) => {
    const { coins } = await deceived(() => lie)
    expect(await coins.send([paying(payee, 20_000n)])).toMatchObject({ feerate: 500_000 })
    const { coins: beside } = await deceived(() => lie, 'honest')
    expect(await beside.quote([paying(payee, 20_000n)])).toMatchObject({ fee: 16n })
  })

  it('about the height of the chain does not lock a payment beside an honest one', async () => {
    const lie = () => ({ tip: async () => ({ height: height(400_000_000), hash: new Uint8Array(32) }) })
    const { ground, coins } = await deceived(lie, 'honest')
    const sent = done(await coins.send([paying(payee, 60_000n)], rate(1)))
    await ground.mine(1)
    expect(await minedAt(ground, sent.txid)).not.toBeNull()
  })

  it('that cannot be reached is passed over while another answers', async () => {
    const gone = () => Promise.reject(new SdkError('node/unreachable', 'Gone.', { retryable: true }))
    const dead = () => Object.fromEntries(nodeQuestions.map((name) => [name, gone]))
    const { ground, coins } = await deceived(dead, 'honest')
    const sent = done(await coins.send([paying(payee, 60_000n)], rate(1)))
    await ground.mine(1)
    await coins.refresh()
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'confirmed' })
    const { coins: alone } = await deceived(dead)
    expect(await refusalOf(alone.balance())).toBe('node/unreachable')
  })

  it('that refuses what another takes does not stop a payment', async () => {
    const refusing = { broadcast: async () => ({ ok: false, code: 'nonstandard', detail: 'no' }) as const }
    const { coins } = await deceived(() => refusing, 'honest')
    const sent = done(await coins.send([paying(payee, 60_000n)], rate(1)))
    expect(await coins.status(sent.txid)).toMatchObject({ state: 'waiting', refusal: null })
  })
})

const nodeQuestions = [
  'tip',
  'headers',
  'block',
  'transaction',
  'inclusion',
  'coinbase',
  'coins',
  'history',
  'spend',
  'feeEstimates',
  'minFeerate',
  'broadcast',
] as const
