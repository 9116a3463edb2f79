import { describe, expect, it } from 'vitest'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import { authorizationHash } from '../../../sdk/evm/authorization.ts'
import type { Fork } from '../../../sdk/evm/fork.ts'
import { accountOf } from '../../../sdk/evm/sender.ts'
import type { Prepared } from '../../../sdk/evm/transaction.ts'
import {
  type Address,
  address,
  chainId,
  fromHex,
  type Hex,
  type Slot,
  slot,
  toHex,
  type Wei,
  wei,
} from '../../../sdk/units.ts'
import {
  blobBaseFee,
  blobPrices,
  createMachine,
  type Executed,
  type Outcome,
  systemContracts,
  type Transaction,
} from '../../../sdk/vm/index.ts'
import { assemble, callAccount, sload, sstore } from '../evm/assembler.ts'
import { marketBlock as block, openMarket } from './market.ts'
import { type MemoryState, memoryState } from './memoryState.ts'
import { dumpState, openPeer } from './peer.ts'
import { heavyPrecompiles } from './precompiles.ts'

const sender = address(`0x${'51'.repeat(20)}`)
const contract = address(`0x${'c1'.repeat(20)}`)
const other = address(`0x${'c2'.repeat(20)}`)
const ether = 10n ** 18n
const one = slot(`0x${'00'.repeat(31)}01`)
const two = slot(`0x${'00'.repeat(31)}02`)

function world(code: Uint8Array, slots: readonly Slot[] = []): MemoryState {
  const state = memoryState()
  state.put(sender, { nonce: 7n, balance: ether, code: new Uint8Array(0), slots: [] })
  const value = fromHex(`0x${'00'.repeat(31)}05`)
  state.put(contract, { nonce: 1n, balance: 0n, code, slots: slots.map((key) => ({ slot: key, value })) })
  return state
}

function transaction(changes: Partial<Transaction> = {}): Transaction {
  return {
    chainId: 1,
    from: sender,
    to: contract,
    nonce: 7,
    value: 0n,
    data: new Uint8Array(0),
    gas: 100_000n,
    pricing: {
      type: 'eip1559',
      maxFeePerGas: (2n * 10n ** 9n) as Wei,
      maxPriorityFeePerGas: 1n as Wei,
      accessList: [],
    },
    ...changes,
  }
}

function run(state: MemoryState, changes: Partial<Transaction> = {}, fork: Fork = 'osaka'): Outcome {
  return createMachine({ fork }).execute(transaction(changes), block, state)
}

function ran(outcome: Outcome): Executed {
  if (outcome.kind !== 'executed') throw new Error(`It was not run: ${Object.values(outcome)}`)
  return outcome
}

describe('the record of a transaction', () => {
  it('tells what was read, written and credited, and what the state takes over', () => {
    const code = assemble(sload(one), sstore(two, '0x09'), sstore(one, '0x05'))
    const { access, changes, gasUsed } = ran(run(world(code, [one]), { value: 3n }))
    const at = (kind: 'nonce' | 'balance' | 'code', account: Address) => ({ kind, address: account })
    expect(access.reads).toEqual(
      expect.arrayContaining([
        { kind: 'slot', address: contract, slot: one },
        at('code', contract),
        at('code', sender),
      ]),
    )
    expect(access.writes).toEqual(
      expect.arrayContaining([
        { kind: 'slot', address: contract, slot: two },
        at('nonce', sender),
        at('balance', sender),
      ]),
    )
    expect(access.writes).toHaveLength(3)
    expect(access.credits).toEqual(expect.arrayContaining([at('balance', contract), at('balance', block.miner)]))
    expect(changes.find((change) => change.address === contract)).toEqual({
      address: contract,
      isDeleted: false,
      nonce: null,
      balance: null,
      credit: 3n,
      code: null,
      slots: [{ slot: two, value: fromHex(`0x${'00'.repeat(31)}09`) }],
    })
    expect(changes.find((change) => change.address === block.miner)?.credit).toBe(gasUsed)
  })

  it('[reads] a credit is a write once somebody looked at the balance', () => {
    const { access, changes } = ran(run(world(assemble(0x47, 0x50)), { value: 3n }))
    expect(access.credits).not.toContainEqual({ kind: 'balance', address: contract })
    expect(access.writes).toContainEqual({ kind: 'balance', address: contract })
    expect(changes.find((change) => change.address === contract)).toMatchObject({ balance: 3n, credit: 0n })
  })

  it('a value call tells whether its recipient was empty, since that has a price', () => {
    const send = assemble(fromHex('0x5f5f5f5f6001'), 0x73, fromHex(other), 0x5a, 0xf1)
    const state = world(send)
    const { access } = ran(run(state, { value: 1n }))
    expect(access.emptiness).toContainEqual({ address: other, isEmpty: true })
    expect(access.credits).toContainEqual({ kind: 'balance', address: other })
  })

  it('a frame that reverts leaves its reads, and no writes or logs', () => {
    const inner = assemble(sload(one), sstore(two, '0x01'), fromHex('0x5f5fa0'), fromHex('0x5f5ffd'))
    const state = world(callAccount(other))
    state.put(other, { nonce: 1n, balance: 0n, code: inner, slots: [] })
    const { access, logs, status } = ran(run(state))
    expect(status).toBe('succeeded')
    expect(logs).toEqual([])
    for (const key of [one, two]) expect(access.reads).toContainEqual({ kind: 'slot', address: other, slot: key })
    expect(access.writes.filter(({ kind }) => kind === 'slot')).toEqual([])
  })

  it('a listed slot that nobody touches is neither read nor asked for', () => {
    const state = world(assemble(0x00))
    const asked: string[] = []
    const watched = { ...state, storage: (_: Address, key: Slot) => void asked.push(key) }
    const accessList = [{ address: contract, slots: [one] }]
    const pricing = { type: 'eip2930', gasPrice: (2n * 10n ** 9n) as Wei, accessList } as const
    const outcome = createMachine({ fork: 'osaka' }).execute(transaction({ pricing }), block, watched)
    expect(ran(outcome).access.reads.filter(({ kind }) => kind === 'slot')).toEqual([])
    expect(asked).toEqual([])
  })
})

describe('a machine', () => {
  it('answers the same whatever it ran before', () => {
    const [fresh, used] = [openMarket(4), openMarket(4)]
    const busy = createMachine({ fork: 'osaka', seed: 99 })
    for (let at = 0; at < 20; at++) {
      const ours = at % 2 ? fresh.swap() : fresh.transfer()
      const same = at % 2 ? used.swap() : used.transfer()
      const outcome = createMachine({ fork: 'osaka' }).execute(ours, block, fresh.state)
      expect(busy.execute(same, block, used.state)).toEqual(outcome)
      fresh.state.apply(ran(outcome).changes)
      used.state.apply(ran(outcome).changes)
    }
  })

  it('does as EthereumJS does with token transfers and swaps', async () => {
    const market = openMarket(4)
    const peer = await openPeer(market.state, block, 'osaka')
    const machine = createMachine({ fork: 'osaka' })
    for (let at = 0; at < 12; at++) {
      const next = at % 3 === 0 ? market.transfer() : market.swap()
      const outcome = ran(machine.execute(next, block, market.state))
      const theirs = await peer.execute(next)
      market.state.apply(outcome.changes)
      expect(outcome.gasUsed).toBe(theirs?.gasUsed)
    }
    expect(dumpState(market.state)).toEqual(await peer.dump())
  })

  it('takes a prepared transaction of lanekit/evm as it is', () => {
    const prepared: Prepared = {
      stage: 'prepared',
      chainId: chainId(1),
      from: sender,
      to: contract,
      nonce: 7,
      value: wei(0n),
      data: new Uint8Array(0),
      gas: 50_000n,
      pricing: { type: 'legacy', gasPrice: wei(10n ** 9n) },
    }
    const outcome = createMachine({ fork: 'prague' }).execute(prepared, block, world(assemble(0x00)))
    expect(ran(outcome).gasUsed).toBe(21_000n)
  })

  it('passes on what the state throws, and works on', () => {
    const machine = createMachine({ fork: 'osaka' })
    const state = world(assemble(sload(one)))
    const missing = new Error('not fetched')
    const lacking = {
      ...state,
      storage: () => {
        throw missing
      },
    }
    expect(() => machine.execute(transaction(), block, lacking)).toThrow(missing)
    expect(machine.execute(transaction(), block, state)).toEqual(run(state))
  })

  it('[needs] ends at a precompiled contract that was not handed in, and runs with it', () => {
    const state = world(callAccount(address(`0x${'00'.repeat(19)}08`)))
    expect(run(state)).toEqual({ kind: 'needs', precompile: 8 })
    const whole = createMachine({ fork: 'osaka', precompiles: heavyPrecompiles })
    expect(ran(whole.execute(transaction(), block, state)).status).toBe('succeeded')
  })

  it('calls without a fee, a nonce or funds, at any depth of calls', () => {
    const state = world(assemble(callAccount(contract), fromHex('0x305f5260205ff3')))
    const message = { from: other, to: contract, value: 0n, data: new Uint8Array(0), gas: 30_000_000n }
    const outcome = ran(createMachine({ fork: 'osaka' }).call(message, block, state))
    expect(toHex(outcome.output.subarray(12))).toBe(contract)
    expect(outcome.changes.map((change) => change.address)).toEqual([other])
    const poor = createMachine({ fork: 'osaka' }).call({ ...message, value: 1n }, block, state)
    expect(poor).toEqual({ kind: 'refused', code: 'insufficient-funds' })
  })

  it('runs what a block does first, for nobody’s account (EIP-4788)', () => {
    const state = world(new Uint8Array(0))
    // The contract's own code: caller is the system, so the root goes to the slots of this time.
    const code = fromHex(
      '0x3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500',
    )
    state.put(systemContracts.beaconRoots, { nonce: 1n, balance: 0n, code, slots: [] })
    const root = fromHex(`0x${'ab'.repeat(32)}`)
    const outcome = ran(
      createMachine({ fork: 'osaka' }).system({ to: systemContracts.beaconRoots, data: root }, block, state),
    )
    expect(outcome.changes).toHaveLength(1)
    expect(outcome.changes[0]?.slots.map(({ value }) => toHex(value))).toContain(toHex(root))
    const idle = createMachine({ fork: 'osaka' }).system({ to: systemContracts.history, data: root }, block, state)
    expect(ran(idle).changes).toEqual([])
  })
})

describe('what no block may hold', () => {
  const blobs = (count: number, first: Hex = '0x01') =>
    ({
      type: 'eip4844',
      maxFeePerGas: 2n * 10n ** 9n,
      maxPriorityFeePerGas: 1n,
      accessList: [],
      maxFeePerBlobGas: 10n ** 9n,
      blobHashes: new Array<Hex>(count).fill(`${first}${'00'.repeat(31)}`),
    }) as const
  const legacy = (gasPrice: bigint) => ({ type: 'legacy', gasPrice: gasPrice as Wei }) as const
  const cases: readonly (readonly [string, string, Partial<Transaction>])[] = [
    ['another chain', 'wrong-chain', { chainId: 5 }],
    ['a nonce that is taken', 'nonce-too-low', { nonce: 6 }],
    ['a nonce too far on', 'nonce-too-high', { nonce: 8n }],
    ['more than the sender has', 'insufficient-funds', { value: ether }],
    ['less gas than it starts with', 'gas-too-low', { gas: 20_999n }],
    ['more gas than EIP-7825 lets', 'gas-too-high', { gas: 16_777_217n }],
    ['a fee below the block’s', 'fee-too-low', { pricing: legacy(block.baseFeePerGas - 1n) }],
    ['seven blobs (EIP-7594)', 'blobs', { pricing: blobs(7) }],
    ['a blob of another version', 'blobs', { pricing: blobs(1, '0x02') }],
    ['initcode beyond EIP-3860', 'malformed', { to: null, data: new Uint8Array(49_153), gas: 10_000_000n }],
  ]
  it.each(cases)('%s is refused: %s', (_, code, changes) => {
    expect(run(world(assemble(0x00)), changes)).toEqual({ kind: 'refused', code })
  })

  it('an account with code sends nothing (EIP-3607), but for a delegation', () => {
    const state = world(assemble(0x00))
    const account = { nonce: 7n, balance: ether, slots: [] }
    state.put(sender, { ...account, code: assemble(0x00) })
    expect(run(state)).toEqual({ kind: 'refused', code: 'sender-has-code' })
    state.put(sender, { ...account, code: assemble(0xef, 0x01, 0x00, fromHex(contract)) })
    expect(run(state).kind).toBe('executed')
    expect(run(state, {}, 'cancun')).toEqual({ kind: 'refused', code: 'sender-has-code' })
  })
})

describe('forks', () => {
  it('osaka counts leading zeros (EIP-7939), prague does not', () => {
    const code = fromHex('0x60011e5f5260205ff3')
    expect(toHex(ran(run(world(code))).output.subarray(31))).toBe('0xff')
    expect(ran(run(world(code), {}, 'prague')).failure).toBe('no such instruction')
  })

  it('prague has a floor for data (EIP-7623), cancun has none', () => {
    const data = new Uint8Array(100).fill(1)
    const to = other
    expect(ran(run(world(new Uint8Array(0)), { data, to }, 'cancun')).gasUsed).toBe(22_600n)
    expect(ran(run(world(new Uint8Array(0)), { data, to }, 'prague')).gasUsed).toBe(25_000n)
  })

  it('prague gives back for an authority that exists, if only by its storage (EIP-7702)', () => {
    const secretKey = new Uint8Array(32).fill(7)
    const engine = currentEngine()
    const authority = accountOf(engine.uncompressed(engine.publicKey(secretKey)))
    const wish = { chainId: 1, delegate: contract, nonce: 0n }
    const authorizations = [{ ...wish, signature: engine.sign(authorizationHash(wish), secretKey) }]
    const fees = { maxFeePerGas: wei(2n * 10n ** 9n), maxPriorityFeePerGas: wei(1n), accessList: [] }
    const changes = { to: other, pricing: { type: 'eip7702', ...fees, authorizations } } as const
    const state = world(new Uint8Array(0))
    const outcome = ran(run(state, changes))
    expect(outcome.gasUsed).toBe(46_000n)
    expect(outcome.changes.find(({ address: at }) => at === authority)).toMatchObject({ nonce: 1n })
    const value = fromHex(`0x${'00'.repeat(31)}05`)
    state.put(authority, { nonce: 0n, balance: 0n, code: new Uint8Array(0), slots: [{ slot: one, value }] })
    expect(ran(run(state, changes)).gasUsed).toBe(46_000n - 46_000n / 5n)
  })

  it('blobs cost what EIP-4844 works out, by the parameters of the day (EIP-7892)', () => {
    expect(blobBaseFee(0n, blobPrices.cancun)).toBe(1n)
    expect(blobBaseFee(10_000_000n, blobPrices.cancun)).toBe(19n)
    // Mainnet block 25323281. The whole numbers of the standard come near the power they stand for.
    const fee = blobBaseFee(216_399_457n, blobPrices.bpo2)
    expect(Number(fee) / Math.exp(216_399_457 / 11_684_671)).toBeCloseTo(1, 6)
  })
})
