import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memory, rpcNode } from '../../../sdk/adapters/index.ts'
import { type Declaration, type Place, placeKey, templateRunsMin } from '../../../sdk/batch/index.ts'
import type { Machines } from '../../../sdk/client/ethereum/index.ts'
import { loadPrecompiles } from '../../../sdk/crypto/precompiles.ts'
import { SdkError } from '../../../sdk/errors.ts'
import { decodeHeader } from '../../../sdk/evm/index.ts'
import type { EvmNode, NodeCall } from '../../../sdk/ports.ts'
import { type Address, address, chainId, type Hex, toHex } from '../../../sdk/units.ts'
import { createMachine } from '../../../sdk/vm/index.ts'
import { factFinder, type RunFacts } from '../../../sdk/wallet/facts.ts'
import { blockState, runLocally } from '../../../sdk/wallet/localRun.ts'
import { type TemplateShelf, templateShelf } from '../../../sdk/wallet/templateShelf.ts'
import { type Anvil, startAnvil } from '../../anvil.ts'
import { assemble, balance, callAccount } from '../evm/assembler.ts'
import { type Market, openMarket } from '../vm/market.ts'

const chain = { id: chainId(31_337), fork: 'osaka' } as const
const machines: Machines = async (fork, precompiles) =>
  createMachine({ fork, precompiles: await loadPrecompiles(precompiles) })

let anvil: Anvil
let node: EvmNode
let market: Market
beforeAll(async () => {
  anvil = await startAnvil({ hardfork: 'osaka' })
  node = rpcNode({ url: anvil.url })
  market = openMarket(4)
  for (const [account, { balance, codeHash, storage }] of market.state.entries()) {
    await node.request('anvil_setBalance', [account, quantity(balance)])
    await node.request('anvil_setCode', [account, toHex(market.state.code(codeHash))])
    for (const [slot, value] of storage) await node.request('anvil_setStorageAt', [account, slot, toHex(value)])
  }
  await node.request('anvil_mine', ['0x1'])
})
afterAll(() => anvil.stop())

describe('a declaration from a run on the own machine', () => {
  const cases = {
    'a token transfer': () => callFrom(market.transfer()),
    'a swap through router and pair': () => callFrom(market.swap()),
    'a swap at the pair': () => callFrom(market.swapAtPair()),
    'a transfer of ether': () => ({ ...plain, to: address(`0x${'a0'.repeat(20)}`), value: 5n }),
    'a creation': () => ({ ...plain, to: null, data: Uint8Array.of(0x60, 0x01, 0x5f, 0x55, 0x00) }),
  }
  for (const [name, callOf] of Object.entries(cases))
    it(`says what a trace says of ${name}, and no account's fields that only the trace names`, async () => {
      const call = callOf()
      const [traced, ran] = [await factsOf(node, call), await factsOf(without('trace'), call, machines)]
      expect(ran.declaration.source).toBe('trace')
      expect(keysOf(ran.declaration.writes)).toEqual(keysOf(traced.declaration.writes))
      expect(keysOf(ran.declaration.credits)).toEqual(keysOf(traced.declaration.credits))
      // A node tells balance and code of every account on the way, so a trace has them all as read.
      expect(slotsOf(ran.declaration.reads)).toEqual(slotsOf(traced.declaration.reads))
      expect(keysOf(traced.declaration.reads)).toEqual(expect.arrayContaining([...keysOf(ran.declaration.reads)]))
      expect(ran.declaration.gas).toBe(traced.declaration.gas)
    })

  it('is the same without an access list to start from, in few rounds', async () => {
    const call = callFrom(market.swap())
    const [hinted, blind] = [without('trace'), without('trace', 'createAccessList')]
    expect((await factsOf(blind, call, machines)).declaration).toEqual(
      (await factsOf(hinted, call, machines)).declaration,
    )
    const [few, more] = [await roundsOf(call, await node.createAccessList(call)), await roundsOf(call)]
    expect(few).toBeLessThanOrEqual(2)
    expect(more).toBeLessThanOrEqual(8)
  })

  it('knows after two runs what the next one looks at, and asks for no list; the run says it right all the same', async () => {
    let lists = 0
    const counting: EvmNode = {
      ...without('trace'),
      createAccessList: (call) => {
        lists += 1
        return node.createAccessList(call)
      },
    }
    const finder = factFinder(counting, chain, { machines })
    const head = await finder.chain()
    for (let at = 0; at < 4; at++) {
      const call = callFrom(market.transfer())
      const [told] = await finder.runs([{ call, gas: undefined, chain: head }])
      expect(told).toMatchObject({
        value: { declaration: (await factsOf(without('trace'), call, machines)).declaration },
      })
    }
    expect(lists).toBe(templateRunsMin)
  })

  it('declares by what it has learnt what it cannot run, as far as the list of the node agrees', async () => {
    const finder = factFinder(without('trace'), chain, { machines })
    const head = await finder.chain()
    const declared = async (call: NodeCall): Promise<Declaration> => {
      const [told] = await finder.runs([{ call, gas: undefined, chain: head }])
      if (!told?.ok) throw new Error(told?.reason)
      return told.value.declaration
    }
    for (let at = 0; at < templateRunsMin; at++) await declared(callFrom(market.transfer()))
    const call = callFrom(market.transfer())
    // What carries a list is not run here.
    const byTemplate = await declared({ ...call, accessList: [] })
    const byRun = await declared(call)
    expect(byTemplate.source).toBe('template')
    expect(slotsOf(byTemplate.writes)).toEqual(slotsOf(byRun.writes))
    expect(slotsOf(byTemplate.reads)).toEqual(slotsOf(byRun.reads))

    const other = callFrom(market.swap())
    expect((await declared({ ...other, accessList: [] })).source).toBe('trace') // Nothing was learnt of it.
  })

  it('keeps what it has learnt for the next wallet on the store, and does without what cannot be read', async () => {
    const store = memory()
    const learn = async () => {
      const shelf = templateShelf(store, chain.id)
      const finder = factFinder(without('trace'), chain, { machines, shelf })
      const head = await finder.chain()
      const [told] = await finder.runs([{ call: callFrom(market.transfer()), gas: undefined, chain: head }])
      expect(told?.ok).toBe(true)
      return (await shelf.book()).templates().map(({ observations }) => observations)
    }
    expect([await learn(), await learn(), await learn()]).toEqual([[1], [2], [3]])
    const key = `templates/${chain.id}`
    const { version = 0 } = (await store.get(key)) ?? {}
    await store.commit([{ key, expected: version, bytes: Uint8Array.of(1, 2, 3) }])
    expect(await learn()).toEqual([1])
    // Another wallet was faster: its templates stand, and the next lesson is kept again.
    const [one, other] = [templateShelf(store, chain.id), templateShelf(store, chain.id)]
    const [book] = [await one.book(), await other.book()]
    const [template] = book.templates()
    if (!template) throw new Error('Nothing was learnt.')
    for (const shelf of [one, other]) await teach(shelf)
    expect((await store.get(key))?.version).toBe(version + 3)
    await teach(other)
    expect((await store.get(key))?.version).toBe(version + 4)
  })

  it('credits a contract that is paid and does not look, where a trace has to say it is written', async () => {
    const [till, curious] = [account(0x71), account(0x72)]
    await node.request('anvil_setCode', [till, '0x00'])
    await node.request('anvil_setCode', [curious, toHex(assemble(balance(curious)))])
    for (const paid of [till, curious]) await node.request('anvil_setBalance', [paid, '0x1'])
    await node.request('anvil_mine', ['0x1'])
    const declared = async (to: Address) =>
      (await factsOf(without('trace'), { ...plain, to, value: 5n }, machines)).declaration
    expect((await declared(till)).credits).toEqual([{ kind: 'balance', address: till }])
    expect((await declared(curious)).writes).toContainEqual({ kind: 'balance', address: curious })
    // A payment from outside costs the same whether anybody was there, so even that commutes.
    expect((await declared(account(0x79))).credits).toEqual([{ kind: 'balance', address: account(0x79) }])
  })

  it('reads the balance of an account that it found empty', async () => {
    const [caller, nobody] = [account(0x73), account(0x74)]
    // CALL with one wei, which costs more when nobody is there.
    await node.request('anvil_setCode', [caller, `0x5f5f5f5f600173${nobody.slice(2)}5af1`])
    await node.request('anvil_setBalance', [caller, '0x10'])
    await node.request('anvil_mine', ['0x1'])
    const { declaration } = await factsOf(without('trace'), { ...plain, to: caller }, machines)
    expect(declaration.writes).toContainEqual({ kind: 'balance', address: nobody })
  })

  it('loads the precompiled contracts that a run needs', async () => {
    const caller = account(0x75)
    await node.request('anvil_setCode', [caller, toHex(assemble(callAccount(account(8))))])
    await node.request('anvil_mine', ['0x1'])
    const { declaration } = await factsOf(without('trace'), { ...plain, to: caller }, machines)
    expect(declaration.reads).toContainEqual({ kind: 'code', address: caller })
  })
})

/** A lesson, kept. */
async function teach(shelf: TemplateShelf): Promise<void> {
  const nothing = { reads: [], writes: [], credits: [] }
  const call = { from: account(1), to: account(2), data: Uint8Array.of(1, 2, 3, 4) }
  ;(await shelf.book()).learn({ call, access: nothing, codeHashOf: () => `0x${'11'.repeat(32)}` })
  await shelf.keep()
}

describe('a run on the own machine gives way', () => {
  it('to the access list of the node, without a machine and when the node tells no state', async () => {
    const call = callFrom(market.transfer())
    const listed = (await factsOf(without('trace'), call)).declaration
    expect(listed.writes.length).toBeGreaterThan(0)
    expect((await factsOf(without('trace', 'slot'), call, machines)).declaration).toEqual(listed)
  })

  it('to nothing known, when a call looks at more than it may', async () => {
    const endless = account(0x76)
    // Reads slot after slot: DUP1 SLOAD POP, plus one, again.
    await node.request('anvil_setCode', [endless, '0x5f5b805450600101600156'])
    await node.request('anvil_mine', ['0x1'])
    const call = { ...plain, to: endless }
    const quick = { ...without('trace', 'createAccessList'), slot: async () => new Uint8Array(32) }
    expect((await factsOf(quick, call, machines, 16_000_000n)).declaration.source).toBe('unknown')
  })

  it('when a contract that it needs cannot be loaded', async () => {
    const caller = account(0x77)
    await node.request('anvil_setCode', [caller, toHex(assemble(callAccount(account(8))))])
    await node.request('anvil_mine', ['0x1'])
    expect(await local(node, { ...plain, to: caller }, async (fork) => createMachine({ fork }))).toBeNull()
  })

  it('when it carries authorizations, which a call of the machine does not', async () => {
    const authorization = { chainId: 31_337, delegate: account(1), nonce: 0n, signature: new Uint8Array(65) }
    expect(await local(node, { ...plain, authorizations: [authorization] }, machines)).toBeNull()
  })

  it('but throws what the node throws when it cannot be reached', async () => {
    const lost = async () => Promise.reject(new SdkError('node/unreachable', 'Gone.', { retryable: true }))
    await expect(factsOf({ ...without('trace'), account: lost }, plain, machines)).rejects.toThrow('Gone.')
  })

  it('asks for a block hash that the run looks at', async () => {
    const old = account(0x78)
    // BLOCKHASH of the block two before, as the slot that is read.
    await node.request('anvil_setCode', [old, '0x600243034054'])
    await node.request('anvil_mine', ['0x3'])
    const [traced, ran] = [
      await factsOf(node, { ...plain, to: old }),
      await factsOf(without('trace'), { ...plain, to: old }, machines),
    ]
    expect(slotsOf(ran.declaration.reads)).toEqual(slotsOf(traced.declaration.reads))
    expect(slotsOf(ran.declaration.reads)).toHaveLength(1)
  })
})

const rich = address('0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266') // anvil's first account

const plain: NodeCall = { from: rich, to: account(0x70), value: 0n, data: new Uint8Array(0) }

function account(n: number): Address {
  return address(`0x${n.toString(16).padStart(40, '0')}`)
}

function callFrom({ from, to, value, data }: ReturnType<Market['transfer']>): NodeCall {
  return { from, to, value, data }
}

/** A node that lacks methods, as many public ones do. */
function without(...methods: readonly (keyof EvmNode)[]): EvmNode {
  const missing = async () =>
    Promise.reject(new SdkError('node/refused', 'No.', { cause: { code: -32601, message: 'No.', data: null } }))
  return { ...node, ...Object.fromEntries(methods.map((method) => [method, missing])) }
}

async function factsOf(evm: EvmNode, call: NodeCall, own?: Machines, gas?: bigint): Promise<RunFacts> {
  const finder = factFinder(evm, chain, { machines: own })
  const [told] = await finder.runs([{ call, gas, chain: await finder.chain() }])
  if (!told?.ok) throw new Error(told?.reason)
  return told.value
}

async function headState(evm: EvmNode) {
  const block = await evm.block('latest')
  const header = block && decodeHeader(block.header)
  if (!header?.ok) throw new Error('the node has no header')
  return blockState(evm, header.value)
}

async function local(evm: EvmNode, call: NodeCall, own: Machines) {
  return runLocally({ machines: own, chain, state: await headState(evm), call, gas: undefined, expected: [] })
}

/** How often the machine ran, which is once for each round of fetching, and on two guesses where something was missing. */
async function roundsOf(call: NodeCall, list?: Awaited<ReturnType<EvmNode['createAccessList']>>): Promise<number> {
  let calls = 0
  const counting: Machines = async (fork, precompiles) => {
    const machine = await machines(fork, precompiles)
    return {
      ...machine,
      call: (...parts) => {
        calls += 1
        return machine.call(...parts)
      },
    }
  }
  const expected = (list?.entries ?? []) as Parameters<typeof runLocally>[0]['expected']
  const state = await headState(node)
  expect(await runLocally({ machines: counting, chain, state, call, gas: undefined, expected })).not.toBeNull()
  return (calls + 1) / 2
}

function keysOf(places: readonly Place[]): readonly string[] {
  return places.map(placeKey).sort()
}

function slotsOf(places: Declaration['reads']): readonly string[] {
  return keysOf(places.filter(({ kind }) => kind === 'slot'))
}

function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`
}
