import { createBlockLevelAccessListFromRLP } from '@ethereumjs/util'
import { describe, expect, it } from 'vitest'
import { decodeChanges, decodeContent, encodeChanges, encodeContent } from '../../../edge/executor/parallel/changes.ts'
import { createEngine } from '../../../edge/executor/parallel/createEngine.ts'
import type { Engine, EngineBatch, ExecutedBlock, SealedBlock } from '../../../edge/executor/parallel/engine.ts'
import { plan } from '../../../sdk/batch/index.ts'
import { bloomOf, encodeHeader, encodeReceipt } from '../../../sdk/evm/index.ts'
import { encodeRlp, quantity } from '../../../sdk/rlp.ts'
import { emptyTrieRoot, secureKey, verifyTrieProof } from '../../../sdk/trie/index.ts'
import { type Address, address, fromHex, type Slot, toHex } from '../../../sdk/units.ts'
import { verifyBlock } from '../../../sdk/verify/ethereum/block.ts'
import { type Block, createMachine } from '../../../sdk/vm/index.ts'
import { openMarket } from '../../sdk/vm/market.ts'
import { stateRoot } from '../../sdk/vm/memoryState.ts'
import { asSigned, chain, genesisOf, laterBy } from './chain.ts'

async function openChain(accounts = 12) {
  const market = openMarket(accounts)
  const engine = await createEngine({ chainId: chain, fork: 'osaka', start: genesisOf(market.state), blocksKept: 4 })
  return { market, engine }
}

async function executed(engine: Engine, batch: EngineBatch): Promise<ExecutedBlock> {
  const answer = await engine.execute(batch)
  if (answer.kind === 'refused') throw new Error(`${answer.code}: ${answer.detail}`)
  return answer
}

describe('an engine', () => {
  it('seals the state that running one after the other leaves', async () => {
    const { market, engine } = await openChain()
    const transactions = [market.transfer(), market.swap(), market.swapAtPair(), market.transfer()]
    const { block, skipped } = await executed(engine, {
      transactions: transactions.map(asSigned),
      environment: laterBy(12),
    })
    expect(skipped).toEqual([])
    const machine = createMachine({ fork: 'osaka' })
    for (const transaction of transactions) {
      const outcome = machine.execute(transaction, engine.context(1) as Block, market.state)
      if (outcome.kind === 'executed') market.state.apply(outcome.changes)
    }
    expect(toHex(block.header.stateRoot)).toBe(toHex(stateRoot(market.state)))
  })

  it('seals blocks that prove themselves', async () => {
    const { market, engine } = await openChain()
    const { block, transactions } = await executed(engine, {
      transactions: Array.from({ length: 130 }, () => asSigned(market.transfer())),
      environment: laterBy(12),
    })
    const verified = verifyBlock({
      header: encodeHeader(block.header),
      transactions: transactions.map(({ signed }) => signed.bytes),
      receipts: transactions.map(({ receipt }) => encodeReceipt(receipt)),
      expectedHash: block.hash,
    })
    expect(verified.ok).toBe(true)
    expect(block.header.logsBloom).toEqual(bloomOf(transactions.flatMap(({ receipt }) => receipt.logs)))
    expect(transactions.every(({ receipt }) => receipt.outcome === 'succeeded')).toBe(true)
  })

  it('skips what no block may hold, with a code, and runs the others', async () => {
    const { market, engine } = await openChain()
    const [one, other] = [market.transfer(), market.transfer()]
    const gap = { ...market.transfer(), nonce: 7_000 }
    const poor = { ...market.transfer(), from: address(`0x${'77'.repeat(20)}`), nonce: 0 }
    const { transactions, skipped } = await executed(engine, {
      transactions: [one, gap, poor, one, other].map(asSigned),
      environment: laterBy(12),
    })
    expect(skipped.map(({ index, code }) => [index, code])).toEqual([
      [1, 'nonce-too-high'],
      [2, 'insufficient-funds'],
      [3, 'nonce-too-low'],
    ])
    expect(transactions.map(({ index }) => index)).toEqual([0, 4])
  })

  it('leaves out what its gas limit has no room for', async () => {
    const { market, engine } = await openChain()
    const { skipped } = await executed(engine, {
      transactions: [market.transfer(), market.transfer()].map(asSigned),
      environment: { ...laterBy(12), gasLimit: 6_010_000n },
    })
    expect(skipped.map(({ index, code }) => [index, code])).toEqual([[1, 'block-full']])
  })

  it('reports its access as a list that the decoder of others takes (EIP-7928)', async () => {
    const { market, engine } = await openChain()
    const { access } = await executed(engine, {
      transactions: [market.transfer(), market.swap(), market.transfer()].map(asSigned),
      environment: laterBy(12),
    })
    const theirs = createBlockLevelAccessListFromRLP(access.rlp)
    expect(toHex(theirs.serialize())).toBe(toHex(access.rlp))
    expect(toHex(theirs.hash())).toBe(toHex(access.hash))
    const miner = theirs.get(laterBy(12).feeRecipient)
    expect([...(miner?.balanceChanges.keys() ?? [])]).toEqual([1, 2, 3])
  })

  it('refuses a batch that cannot be right, before anything runs', async () => {
    const { market, engine } = await openChain()
    const signed = asSigned(market.transfer())
    const place = { kind: 'balance', address: signed.prepared.from } as const
    const good = { reads: [], writes: [], credits: [], source: 'declared', gas: 50_000 } as const
    const refusals = [
      { transactions: [signed], environment: laterBy(0) },
      { transactions: [signed], declarations: [], environment: laterBy(12) },
      { transactions: [signed], declarations: [{ ...good, reads: [place, place] }], environment: laterBy(12) },
      { transactions: [signed], declarations: [{ ...good, gas: -1 }], environment: laterBy(12) },
      { transactions: [signed, signed], plan: plan([]), environment: laterBy(12) },
      { transactions: new Array(100_001).fill(signed), environment: laterBy(12) },
    ]
    const answers = await Promise.all(refusals.map((batch) => engine.execute(batch)))
    expect(answers.map((answer) => answer.kind === 'refused' && answer.code)).toEqual([
      'batch/wrong-environment',
      'batch/malformed',
      'batch/malformed',
      'batch/malformed',
      'batch/wrong-plan',
      'batch/too-large',
    ])
    expect(engine.head().header.number).toBe(0)
  })

  it('keeps the states of its newest blocks, and proves them', async () => {
    const { market, engine } = await openChain()
    const sender = market.transfer().from
    const nonces: bigint[] = []
    const blocks: SealedBlock[] = []
    for (let block = 0; block <= 6; block++) {
      nonces.push(engine.state(block)?.account(sender)?.nonce ?? -1n)
      blocks.push(engine.head())
      const transactions = Array.from({ length: 12 }, () => asSigned(market.transfer()))
      await executed(engine, { transactions, environment: laterBy(12 * (block + 1)) })
    }
    expect(engine.state(3)).toBeUndefined()
    for (const block of [4, 5, 6]) {
      expect(engine.state(block)?.account(sender)?.nonce).toBe(nonces[block])
      checkProof(engine, blocks[block] as SealedBlock, sender)
    }
  })

  it('has its state again from the records, and refuses one that does not fit', async () => {
    const { market, engine } = await openChain()
    const genesis = genesisOf(market.state)
    const records = []
    for (let block = 1; block <= 3; block++) {
      const transactions = [market.transfer(), market.swap()].map(asSigned)
      const { record } = await executed(engine, { transactions, environment: laterBy(12 * block) })
      records.push(record)
    }
    const again = await createEngine({ chainId: chain, fork: 'osaka', start: genesis })
    for (const record of records) {
      const decoded = decodeChanges(encodeChanges(record.changes))
      const changes = decoded.ok ? decoded.value : []
      expect(changes).toEqual(record.changes)
      expect(again.replay({ ...record, changes: changes.slice(1) }).ok).toBe(false)
      expect(again.replay({ ...record, changes }).ok).toBe(true)
    }
    expect(again.head().hash).toBe(engine.head().hash)
    const next = { transactions: [asSigned(market.transfer())], environment: laterBy(60) }
    expect((await executed(again, next)).block.hash).toBe((await executed(engine, next)).block.hash)
  })

  it('starts from a snapshot, and refuses one that was changed', async () => {
    const { market, engine } = await openChain()
    await executed(engine, { transactions: [asSigned(market.swap())], environment: laterBy(12) })
    const snapshot = engine.snapshot()
    const accounts = [...snapshot.accounts].map((content) => {
      const decoded = decodeContent(encodeContent(content))
      if (!decoded.ok) throw new Error(decoded.reason)
      return decoded.value
    })
    const again = await createEngine({ chainId: chain, fork: 'osaka', start: { ...snapshot, accounts } })
    const next = { transactions: [asSigned(market.transfer())], environment: laterBy(60) }
    expect((await executed(again, next)).block.hash).toBe((await executed(engine, next)).block.hash)
    const changed = createEngine({ chainId: chain, fork: 'osaka', start: { ...snapshot, accounts: accounts.slice(1) } })
    await expect(changed).rejects.toMatchObject({ code: 'store/corrupt' })
  })
})

/** The proof of an account without storage holds against the state root of the block. */
function checkProof(engine: Engine, { header }: SealedBlock, account: Address): void {
  const slot = `0x${'00'.repeat(32)}` as Slot
  const proof = engine.prove(header.number, account, [slot])
  if (!proof) throw new Error('The block is not kept.')
  const { nonce, balance, codeHash, nodes } = proof
  const value = verifyTrieProof({ root: header.stateRoot, key: secureKey(fromHex(account)), proof: nodes })
  const leaf = encodeRlp([quantity(nonce), quantity(balance), emptyTrieRoot(), fromHex(codeHash)])
  expect(value.ok && value.value && toHex(value.value)).toBe(toHex(leaf))
  expect(proof.slots).toEqual([{ slot, value: new Uint8Array(32), nodes: [] }])
}
