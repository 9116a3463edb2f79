import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../../sdk/crypto/engine.ts'
import { emptyTrieRoot } from '../../../../sdk/trie/index.ts'
import { type Address, fromHex, type Slot, toHex } from '../../../../sdk/units.ts'
import { type Evidence, verifyEvidence } from '../../../../sdk/verify/ethereum/evidence.ts'
import { decodeBootstrap } from '../../../../sdk/verify/ethereum/lightData.ts'
import { timeOf } from '../../../../sdk/verify/ethereum/network.ts'
import {
  decodeProofReceipt,
  encodeProofReceipt,
  type ProofReceipt,
  verifyReceipt,
} from '../../../../sdk/verify/ethereum/receipt.ts'
import { tokenBalanceSlot } from '../../../../sdk/verify/ethereum/state.ts'
import { startLightChain } from '../../../../sdk/verify/ethereum/sync.ts'
import {
  historyContract,
  historySlot,
  historyWindow,
  lookBack,
  trustBlock,
} from '../../../../sdk/verify/ethereum/trusted.ts'
import { createMachine } from '../../../../sdk/vm/index.ts'
import {
  bootstrapJson,
  finalityUpdateJson,
  membersOf,
  message,
  must,
  testBlock,
  testNetwork,
  updateJson,
} from './beacon.ts'
import {
  accountProof,
  alice,
  bob,
  codeOf,
  createWorld,
  finalStanding,
  hashes,
  holding,
  inclusionProof,
  nobody,
  paddedSlot,
  slotProof,
  token,
  transferTopic,
  trusted,
} from './world.ts'

const none = new Uint8Array(0)
/** Electra of the test network: its blocks run by the rules of Prague. */
const first = 3 * 64
const world = createWorld(12, (number) => timeOf(testNetwork, first + number))
const tip = world.at(-1) as (typeof world)[number]
const older = world[4] as (typeof world)[number]
const block = trusted(tip)
const machine = createMachine({ fork: 'prague' })
const holder = tokenBalanceSlot({ owner: alice, position: 3n })

function judged(evidence: Evidence, of = block) {
  return verifyEvidence({ network: testNetwork, block: of, evidence, machine })
}

function reasonOf(evidence: Evidence, of = block): string {
  const held = judged(evidence, of)
  return held.ok ? 'accepted' : held.reason
}

function account(address: Address): Evidence {
  return { kind: 'account', address, proof: accountProof(tip, address) }
}

function storage(address: Address, ...names: Slot[]): Evidence {
  const slots = names.map((slot) => ({ slot, proof: slotProof(tip, address, slot) }))
  return { kind: 'storage', address, proof: accountProof(tip, address), slots }
}

function payment(index: number): Evidence {
  const { transactions, receipts } = tip
  return {
    kind: 'payment',
    index,
    transaction: transactions[index] as Uint8Array,
    transactionProof: inclusionProof(transactions, index),
    receipt: receipts[index] as Uint8Array,
    receiptProof: inclusionProof(receipts, index),
  }
}

function logs(from: number): Evidence {
  const blocks = world
    .slice(from - 1)
    .reverse()
    .map(({ bytes, header, receipts }) => ({
      header: bytes,
      receipts: header.number % 3 === 0 ? receipts : [],
      transactions: [],
    }))
  return { kind: 'logs', filter: { addresses: [token], topics: [[transferTopic]] }, blocks }
}

function call(to: Address, data: Slot, slots: readonly Slot[] = [], more: readonly Address[] = []): Evidence {
  // The machine looks at the sender, at who is called, and at the block's miner.
  const accounts = [nobody, bob, to, ...more].map((address) => ({
    address,
    proof: accountProof(tip, address),
    code: address === to ? codeOf(tip, to) : none,
    slots: address === (more[0] ?? to) ? slots.map((slot) => ({ slot, proof: slotProof(tip, address, slot) })) : [],
  }))
  return { kind: 'call', message: { from: nobody, to, value: 0n, data: fromHex(data), gas: 1_000_000n }, accounts }
}

const everything: readonly Evidence[] = [
  account(alice),
  account(nobody),
  storage(token, holder, paddedSlot(4n)),
  { kind: 'code', address: token, proof: accountProof(tip, token), code: codeOf(tip, token) },
  {
    kind: 'transaction',
    index: 1,
    transaction: tip.transactions[1] as Uint8Array,
    proof: inclusionProof(tip.transactions, 1),
  },
  payment(1),
  { kind: 'receipts', receipts: tip.receipts },
  logs(7),
  call(token, holder, [holder]),
]

describe('evidence', () => {
  it('shows an account, and the absence of one', () => {
    const held = must(judged(account(alice)))
    expect(held.kind === 'account' && held.value).toMatchObject({ nonce: 7n, balance: 10n ** 18n + 12n })
    expect(held.proven).toEqual(['account'])
    expect(must(judged(account(nobody)))).toEqual({ kind: 'account', value: null, proven: ['account-absence'] })
  })

  it('never takes an account for absent without the way to where it would be', () => {
    expect(reasonOf({ kind: 'account', address: alice, proof: [] })).toMatch(/holds no node/)
    expect(reasonOf({ kind: 'account', address: alice, proof: accountProof(tip, nobody) })).not.toBe('accepted')
    expect(reasonOf({ kind: 'account', address: alice, proof: accountProof(tip, alice).slice(0, -1) })).toMatch(
      /ends before/,
    )
  })

  it('shows slots: set ones, empty ones, and those of an account that is not there', () => {
    const held = must(judged(storage(token, holder, paddedSlot(4n))))
    expect(held.kind === 'storage' && held.value.map(({ word }) => BigInt(toHex(word)))).toEqual([holding, 0n])
    const absent = must(judged(storage(nobody, holder)))
    expect(absent.proven).toEqual(['account-absence', 'storage'])
    const moved = storage(token, holder) as Extract<Evidence, { kind: 'storage' }>
    const other = { ...moved, slots: [{ slot: paddedSlot(1n), proof: slotProof(tip, token, holder) }] }
    expect(reasonOf(other)).not.toBe('accepted')
  })

  it('shows code, and that there is none', () => {
    const code = (address: Address, code: Uint8Array): Evidence => ({
      kind: 'code',
      address,
      proof: accountProof(tip, address),
      code,
    })
    expect(must(judged(code(token, codeOf(tip, token)))).proven).toEqual(['code'])
    expect(must(judged(code(alice, none))).proven).toEqual(['code'])
    expect(must(judged(code(nobody, none))).proven).toEqual(['account-absence', 'code'])
    expect(reasonOf(code(token, none))).toBe('the code is not the one that the account names')
    expect(reasonOf(code(nobody, codeOf(tip, token)))).toBe('code is shown of an account that does not exist')
  })

  it('shows a payment, by its transaction and its receipt at one index', () => {
    const held = must(judged(payment(1)))
    expect(held.kind === 'payment' && held.value.hash).toBe(toHex(keccak256(tip.transactions[1] as Uint8Array)))
    const mixed = { ...payment(1), receipt: tip.receipts[0], receiptProof: inclusionProof(tip.receipts, 0) } as Evidence
    expect(reasonOf(mixed)).not.toBe('accepted')
  })

  it('shows all receipts of a block, and refuses one less', () => {
    expect(must(judged({ kind: 'receipts', receipts: tip.receipts })).proven).toEqual(['block-receipts'])
    expect(reasonOf({ kind: 'receipts', receipts: tip.receipts.slice(1) })).toMatch(/root/)
  })

  it('of another block is refused', () => {
    const other = trusted(older)
    for (const evidence of everything) expect(judged(evidence, other).ok).toBe(false)
  })
})

describe('logs', () => {
  it('are complete: blocks that cannot have one need no receipts, the others all', () => {
    const held = must(judged(logs(2)))
    expect(held.proven).toEqual(['logs-complete'])
    expect(
      held.kind === 'logs' && held.value.map((log) => [log.blockNumber, log.transactionIndex, log.logIndex]),
    ).toEqual([3, 6, 9, 12].map((number) => [number, 1, 2]))
  })

  it('with one left out are refused', () => {
    const told = logs(2) as Extract<Evidence, { kind: 'logs' }>
    const hidden = told.blocks.map((one, at) => (at === 3 ? { ...one, receipts: [] } : one))
    expect(reasonOf({ ...told, blocks: hidden })).toMatch(/^block 9: the receipts do not have the root/)
    expect(reasonOf({ ...told, blocks: told.blocks.filter((_, at) => at !== 3) })).toMatch(/does not follow/)
    expect(reasonOf({ ...told, blocks: told.blocks.slice(1) })).toMatch(/does not follow/)
    expect(reasonOf({ ...told, blocks: [] })).toMatch(/range/)
  })
})

describe('a call', () => {
  it('runs on places that are proven, and answers', () => {
    const held = must(judged(call(token, holder, [holder])))
    expect(held.kind === 'call' && [held.value.status, BigInt(toHex(held.value.output))]).toEqual([
      'succeeded',
      holding,
    ])
  })

  it('reads the hashes of blocks from the history contract', () => {
    const number = paddedSlot(5n)
    const held = must(judged(call(hashes, number, [historySlot(5)], [historyContract])))
    expect(held.kind === 'call' && toHex(held.value.output)).toBe(older.hash)
    const parent = must(judged(call(hashes, paddedSlot(11n))))
    expect(parent.kind === 'call' && toHex(parent.value.output)).toBe(tip.header.parentHash)
  })

  it('is refused while it looks at what nobody has shown', () => {
    expect(reasonOf(call(token, holder))).toBe('the call looks at places that are not shown')
    const { accounts, ...rest } = call(token, holder, [holder]) as Extract<Evidence, { kind: 'call' }>
    expect(reasonOf({ ...rest, accounts: accounts.slice(1) })).toBe('the call looks at places that are not shown')
    const forged = accounts.map((one) => ({ ...one, code: one.code.length ? fromHex('0x00') : none }))
    expect(reasonOf({ ...rest, accounts: forged })).toBe('the code is not the one that the account names')
  })

  it('is refused by a machine of other rules', () => {
    const evidence = call(token, holder, [holder])
    const other = createMachine({ fork: 'cancun' })
    expect(verifyEvidence({ network: testNetwork, block, evidence, machine: other })).toEqual({
      ok: false,
      reason: 'the block runs by the rules of prague, not cancun',
    })
    expect(verifyEvidence({ network: testNetwork, block, evidence }).ok).toBe(false)
  })
})

describe('an ancestor', () => {
  const evidence = {
    header: older.bytes,
    accountProof: accountProof(tip, historyContract),
    slotProof: slotProof(tip, historyContract, historySlot(5)),
  }

  it('is proven by the history contract of a younger block', () => {
    const held = must(lookBack(block, evidence))
    expect([held.hash, held.proven]).toEqual([older.hash, ['ancestry']])
  })

  it('of another number, another hash or too far back is refused', () => {
    const other = world[5] as (typeof world)[number]
    expect(lookBack(block, { ...evidence, header: other.bytes }).ok).toBe(false)
    expect(lookBack(block, { ...evidence, header: tip.bytes }).ok).toBe(false)
    const far = { ...block, header: { ...block.header, number: 5 + historyWindow + 1 } }
    expect(lookBack(far, evidence)).toMatchObject({ ok: false, reason: expect.stringContaining('is not among') })
    expect(historySlot(5)).toBe(historySlot(5 + historyWindow))
  })
})

describe('a receipt', () => {
  const finalized = testBlock({ slot: first + 12, execution: { header: tip.header, hash: tip.hash } })
  const attested = testBlock({ slot: first + 30, finalized })
  const checkpoint = testBlock({ slot: 2 * 64 })
  const bootstrap = message('bootstrap', bootstrapJson(checkpoint))
  const updates = [message('update', updateJson(testBlock({ slot: 150, finalized: testBlock({ slot: 136 }) })))]
  const anchor = { kind: 'checkpoint', network: testNetwork, root: checkpoint.root, bootstrap, updates } as const
  const update = message('finality-update', finalityUpdateJson(attested, { absent: [4] }))
  const head = { kind: 'finality-update', update, header: tip.bytes, lookBack: null } as const
  const receiptOf = (evidence: Evidence): ProofReceipt => ({ head, level: 'finalized', evidence })

  const begun = must(decodeBootstrap(testNetwork, message('bootstrap', bootstrapJson(testBlock({ slot: first })))))
  const chain = must(startLightChain(testNetwork, begun.header.root, begun))

  it('is judged again by whoever follows the chain, whatever it shows', () => {
    for (const evidence of everything) {
      const bytes = encodeProofReceipt(receiptOf(evidence))
      expect(must(decodeProofReceipt(bytes))).toEqual(receiptOf(evidence))
      const held = must(verifyReceipt(bytes, { anchor: { kind: 'chain', chain }, machine }))
      expect(held).toMatchObject({ kind: evidence.kind, verdict: { anchor: { slot: first }, level: 'finalized' } })
    }
  })

  it('is judged again from a checkpoint, and the messages that lead on from it', () => {
    const held = must(verifyReceipt(encodeProofReceipt(receiptOf(account(alice))), { anchor }))
    expect(held.verdict).toEqual({
      level: 'finalized',
      anchor: { kind: 'checkpoint', network: 'test', slot: 128, root: toHex(checkpoint.root) },
      block: { number: 12, hash: tip.hash, timestamp: timeOf(testNetwork, first + 12) },
      participation: { signed: 31, of: 32 },
      proven: ['account'],
      sources: [],
    })
  })

  it('of an ancestor carries the way back', () => {
    const back = {
      header: older.bytes,
      accountProof: accountProof(tip, historyContract),
      slotProof: slotProof(tip, historyContract, historySlot(5)),
    }
    const evidence: Evidence = { kind: 'account', address: bob, proof: accountProof(older, bob) }
    const bytes = encodeProofReceipt({ head: { ...head, lookBack: back }, level: 'finalized', evidence })
    expect(must(verifyReceipt(bytes, { anchor })).verdict).toMatchObject({
      block: { number: 5 },
      proven: ['account', 'ancestry'],
    })
  })

  it('from another checkpoint, by another committee, by less than two thirds or of another level is refused', () => {
    const bytes = encodeProofReceipt(receiptOf(account(alice)))
    const refusal = (told: Uint8Array, from: Parameters<typeof verifyReceipt>[1]['anchor'] = anchor) => {
      const held = verifyReceipt(told, { anchor: from })
      return held.ok ? 'accepted' : held.reason
    }
    expect(refusal(bytes, { ...anchor, root: attested.root })).toMatch(/another block than the checkpoint/)
    expect(refusal(bytes, { ...anchor, updates: [] })).toMatch(/committee of period 3 is not known/)
    const resigned = (signing: Parameters<typeof finalityUpdateJson>[1]) => {
      const update = message('finality-update', finalityUpdateJson(attested, signing))
      return encodeProofReceipt({ ...receiptOf(account(alice)), head: { ...head, update } })
    }
    expect(refusal(resigned({ signers: membersOf(3, 1) }))).toBe('the committee has not signed it')
    const absent = Array.from({ length: 11 }, (_, at) => at)
    expect(refusal(resigned({ absent }))).toBe('two thirds of the committee have not signed it')
    expect(refusal(encodeProofReceipt({ ...receiptOf(account(alice)), level: 'optimistic' }))).toMatch(/not the one/)
  })

  it('with any byte changed is refused, or shows the same', () => {
    const whole = everything.map((evidence) => encodeProofReceipt(receiptOf(evidence)))
    // The update has a property of its own, and each of its bytes costs a pairing.
    const from = update.length + 8
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, flip) => {
        const changed = bytes.slice()
        const place = from + (at % (bytes.length - from))
        changed[place] = (changed[place] as number) ^ flip
        const decoded = decodeProofReceipt(changed)
        if (!decoded.ok || toHex(decoded.value.head.update) !== toHex(update)) return
        const held = trustBlock({ bytes: decoded.value.head.header, expected: tip.hash, standing: finalStanding })
        if (!held.ok || !judged(decoded.value.evidence, held.value).ok) return
        expect(asked(decoded.value.evidence)).not.toEqual(asked(must(decodeProofReceipt(bytes)).evidence))
      }),
      { numRuns: 800 },
    )
  })
})

/** What evidence says it is about: a changed question may have an answer of its own, with the same proof. */
function asked(evidence: Evidence): unknown {
  switch (evidence.kind) {
    case 'account':
    case 'code':
      return evidence.address
    case 'storage':
      return [evidence.address, evidence.slots.map(({ slot }) => slot)]
    case 'logs':
      return evidence.filter
    case 'call':
      return [evidence.message, evidence.accounts.map(({ address, slots }) => [address, slots.map(({ slot }) => slot)])]
    default:
      return evidence.kind
  }
}

it('an empty trie is what an account without storage names', () => {
  const held = must(judged(account(alice)))
  expect(held.kind === 'account' && held.value?.storageRoot).toEqual(emptyTrieRoot())
})
