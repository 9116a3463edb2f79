import { createRequire } from 'node:module'
import { type Abi, encodeDeployData, encodeFunctionData } from 'viem'
import { type Address, address, fromHex, type Hex, type Wei } from '../../../../sdk/units.ts'
import { type Block, createMachine, type Executed, type Transaction } from '../../../../sdk/vm/index.ts'
import { marketBlock } from '../market.ts'
import { type MemoryState, memoryState } from '../memoryState.ts'

/** A state that contracts are put on, and accounts with ether that use them. */
export interface Stage {
  readonly state: MemoryState
  readonly owner: Address
  readonly accounts: readonly Address[]
  /** Puts a contract there, as `owner`. */
  readonly deploy: (artifact: Artifact, args?: readonly unknown[]) => Address
  /** Calls one; what it does is part of the state the workload begins with. Gives back what it returned. */
  readonly call: (from: Address, to: Address, call: Call) => Uint8Array
  /** The next transaction of an account: not run, so that it can be part of a batch. */
  readonly next: (from: Address, to: Address, call: Call) => Transaction
  /** Lets so many seconds pass. */
  readonly wait: (seconds: number) => void
}

export interface Artifact {
  readonly abi: Abi
  readonly bytecode: Hex
}

export interface Call {
  readonly abi: Abi
  readonly functionName: string
  readonly args: readonly unknown[]
}

const owner = address(`0x${'a0'.repeat(20)}`)
/** Before the first block of a workload, in seconds. */
const rehearsal = 10_000n

export function openStage(accountCount: number): Stage {
  const state = memoryState()
  const machine = createMachine({ fork: 'osaka' })
  const nonces = new Map<Address, number>()
  const accounts = Array.from({ length: accountCount }, (_, at) =>
    address(`0x${(0x1000_0000 + at * 0x9e37).toString(16).padStart(40, '7')}`),
  )
  for (const account of [owner, ...accounts])
    state.put(account, { nonce: 0n, balance: 10n ** 24n, code: new Uint8Array(0), slots: [] })
  let block: Block = { ...marketBlock, number: 0n, timestamp: marketBlock.timestamp - rehearsal }

  const transactionOf = (from: Address, to: Address | null, data: Hex): Transaction => {
    const nonce = nonces.get(from) ?? 0
    nonces.set(from, nonce + 1)
    return { ...plain, from, to, nonce, data: fromHex(data) }
  }
  const run = (from: Address, to: Address | null, data: Hex): Executed => {
    const outcome = machine.execute(transactionOf(from, to, data), block, state)
    if (outcome.kind !== 'executed') throw new Error(`The stage cannot be set: ${outcome.kind}.`)
    if (outcome.failure) throw new Error(`The stage cannot be set: ${outcome.failure}, ${textOf(outcome.output)}.`)
    state.apply(outcome.changes)
    return outcome
  }
  return {
    state,
    owner,
    accounts,
    deploy: ({ abi, bytecode }, args = []) =>
      run(owner, null, encodeDeployData({ abi, bytecode, args })).created as Address,
    call: (from, to, call) => run(from, to, encodeFunctionData(call)).output,
    next: (from, to, call) => transactionOf(from, to, encodeFunctionData(call)),
    wait: (seconds) => {
      block = { ...block, timestamp: block.timestamp + BigInt(seconds) }
    },
  }
}

const plain = {
  chainId: 1,
  value: 0n,
  gas: 14_000_000n,
  pricing: {
    type: 'eip1559',
    maxFeePerGas: 2_000_000_000n as Wei,
    maxPriorityFeePerGas: 1_000_000n as Wei,
    accessList: [],
  },
} as const

/** What a revert says, as far as it is text. */
function textOf(output: Uint8Array): string {
  return Buffer.from(output)
    .toString('latin1')
    .replace(/[^ -~]+/g, ' ')
}

const require = createRequire(import.meta.url)

/** A contract as a package ships it. `links`: libraries by name, where they stand. */
export function artifactAt(path: string, links: Readonly<Record<string, Address>> = {}): Artifact {
  const {
    abi,
    bytecode,
    linkReferences = {},
  } = require(path) as {
    readonly abi: Abi
    readonly bytecode: string
    readonly linkReferences?: Readonly<Record<string, Readonly<Record<string, readonly { readonly start: number }[]>>>>
  }
  let code = bytecode.replace(/^0x/, '')
  for (const libraries of Object.values(linkReferences))
    for (const [name, places] of Object.entries(libraries))
      for (const { start } of places)
        code = `${code.slice(0, 2 * start)}${links[name]?.slice(2)}${code.slice(2 * start + 40)}`
  return { abi, bytecode: `0x${code}` }
}

/** The address in a word that a call returned, or in the topic of a log. */
export function addressIn(word: Uint8Array): Address {
  return address(`0x${Buffer.from(word.subarray(12, 32)).toString('hex')}`)
}
