import { createRequire } from 'node:module'
import { encodeAbiParameters, encodeFunctionData, parseAbi } from 'viem'
import { type Address, address, fromHex, type Hex, toHex, type Wei } from '../../../sdk/units.ts'
import { type Block, createMachine, type Executed, type Transaction } from '../../../sdk/vm/index.ts'
import { assemble, initcodeOf } from '../evm/assembler.ts'
import { type MemoryState, memoryState } from './memoryState.ts'

/** A chain with a token (OpenZeppelin), two more that trade (Uniswap's), their pair and router, and accounts that own some of each. */
export interface Market {
  readonly state: MemoryState
  readonly block: Block
  /** The next token transfer, from one account in turn to another one. */
  readonly transfer: () => Transaction
  /** The next swap of one token for the other, through Uniswap's router: eight calls. */
  readonly swap: () => Transaction
  /** The next swap at the pair itself, its result worked out by the sender: five calls. */
  readonly swapAtPair: () => Transaction
}

interface Pair {
  readonly one: Address
  readonly other: Address
  readonly pair: Address
}

const abi = parseAbi([
  'function transfer(address to, uint256 amount) returns (bool)',
  'function approve(address spender, uint256 amount) returns (bool)',
  'function createPair(address tokenA, address tokenB) returns (address pair)',
  'function addLiquidity(address tokenA, address tokenB, uint256 amountADesired, uint256 amountBDesired, uint256 amountAMin, uint256 amountBMin, address to, uint256 deadline)',
  'function swapExactTokensForTokens(uint256 amountIn, uint256 amountOutMin, address[] path, address to, uint256 deadline)',
])

export const marketBlock: Block = {
  chainId: 1,
  number: 25_000_000n,
  timestamp: 1_780_000_000n,
  miner: address(`0x${'c0'.repeat(20)}`),
  gasLimit: 60_000_000n,
  baseFeePerGas: 1_000_000_000n,
  prevRandao: new Uint8Array(32),
  excessBlobGas: 0n,
  hashOf: () => undefined,
}

const owner = address(`0x${'a0'.repeat(20)}`)
const ether = 10n ** 18n
const deadline = 2n ** 40n

/** The same market whenever it has as many accounts and pairs. Each account trades at one of the pairs, in turn. */
export function openMarket(accountCount: number, pairCount = 1): Market {
  const state = memoryState()
  const machine = createMachine({ fork: 'osaka' })
  const nonces = new Map<Address, number>()
  const next = (from: Address, to: Address | null, data: Hex): Transaction => {
    const nonce = nonces.get(from) ?? 0
    nonces.set(from, nonce + 1)
    return { ...plain, from, to, nonce, data: fromHex(data) }
  }
  const run = (from: Address, to: Address | null, data: Hex): Executed => {
    const outcome = machine.execute(next(from, to, data), marketBlock, state)
    if (outcome.kind !== 'executed' || outcome.failure !== null)
      throw new Error(
        `The market cannot open: ${JSON.stringify(outcome, (_, one) => (typeof one === 'bigint' ? `${one}` : one))}`,
      )
    state.apply(outcome.changes)
    return outcome
  }
  const deploy = (code: Hex) => run(owner, null, code).created as Address

  const accounts = Array.from({ length: accountCount }, (_, at) =>
    address(`0x${(0x1000_0000 + at * 0x9e37).toString(16).padStart(40, '7')}`),
  )
  for (const account of [owner, ...accounts])
    state.put(account, { nonce: 0n, balance: 1_000_000n * ether, code: new Uint8Array(0), slots: [] })

  const token = deploy(tokenCode())
  const traded = Array.from({ length: pairCount }, () => [deploy(tradedCode()), deploy(tradedCode())] as const)
  const factory = deploy(withArguments('@uniswap/v2-core/build/UniswapV2Factory.json', [['address', owner]]))
  const wrapped = traded[0]?.[0]
  const router = deploy(
    withArguments('@uniswap/v2-periphery/build/UniswapV2Router02.json', [
      ['address', factory],
      ['address', wrapped],
    ]),
  )
  const lean = deploy(toHex(initcodeOf(leanRouter)))
  const open = ([one, other]: readonly [Address, Address]) => {
    const created = run(owner, factory, encodeFunctionData({ abi, functionName: 'createPair', args: [one, other] }))
    for (const each of [one, other])
      run(owner, each, encodeFunctionData({ abi, functionName: 'approve', args: [router, 2n ** 256n - 1n] }))
    const liquidity = [one, other, 10n ** 9n * ether, 10n ** 9n * ether, 0n, 0n, owner, deadline] as const
    run(owner, router, encodeFunctionData({ abi, functionName: 'addLiquidity', args: liquidity }))
    return { one, other, pair: address(toHex((created.logs[0]?.data ?? new Uint8Array(32)).subarray(12, 32))) }
  }
  const pairs = traded.map(open)
  const places = new Map(accounts.map((account, at) => [account, pairs[at % pairs.length] as Pair]))
  for (const [account, { one, other }] of places) {
    for (const each of [token, one, other])
      run(owner, each, encodeFunctionData({ abi, functionName: 'transfer', args: [account, 1_000_000n * ether] }))
    for (const each of [one, other])
      for (const spender of [router, lean])
        run(account, each, encodeFunctionData({ abi, functionName: 'approve', args: [spender, 2n ** 255n] }))
  }

  let turn = 0
  const take = () => {
    turn += 1
    return accounts[(turn * 7_919) % accounts.length] as Address
  }
  return {
    state,
    block: marketBlock,
    transfer: () => {
      const from = take()
      const args = [accounts[(turn * 104_729 + 1) % accounts.length] as Address, 1_000n + BigInt(turn)] as const
      return next(from, token, encodeFunctionData({ abi, functionName: 'transfer', args }))
    },
    swap: () => {
      const from = take()
      const { one, other } = places.get(from) as Pair
      const path = turn % 2 ? [one, other] : [other, one]
      const args = [ether + BigInt(turn), 0n, path, from, deadline] as const
      return next(from, router, encodeFunctionData({ abi, functionName: 'swapExactTokensForTokens', args }))
    },
    swapAtPair: () => {
      const from = take()
      const { one, other, pair } = places.get(from) as Pair
      const [paid, got] = turn % 2 ? [one, other] : [other, one]
      const amount = ether + BigInt(turn)
      // Both reserves stay so close to each other that this much less is always due.
      const due = (amount * 95n) / 100n
      const outs = BigInt(got) < BigInt(paid) ? [due, 0n] : [0n, due]
      const words = [BigInt(paid), BigInt(pair), amount, ...outs].map((value) => value.toString(16).padStart(64, '0'))
      return next(from, lean, `0x${words.join('')}`)
    },
  }
}

/**
 * Takes tokens from the caller to the pair and swaps them: words in its calldata are the token paid, the pair, the amount
 * and both amounts out.
 */
const leanRouter = assemble(
  fromHex('0x6323b872dd60e01b5f52'), // transferFrom(caller, pair, amount)
  fromHex('0x336004526020356024526040356044526020'),
  fromHex('0x5f60645f5f5f355af115605c57'),
  fromHex('0x63022c0d9f60e01b5f526060356004526080356024523360445260806064525f608452'), // swap(out0, out1, caller, '')
  fromHex('0x5f5f60a45f5f6020355af115605c57005b5f5ffd'),
)

const plain = {
  chainId: 1,
  value: 0n,
  gas: 6_000_000n,
  pricing: {
    type: 'eip1559',
    maxFeePerGas: 2_000_000_000n as Wei,
    maxPriorityFeePerGas: 1_000_000n as Wei,
    accessList: [],
  },
} as const

const require = createRequire(import.meta.url)

function bytecodeOf(path: string): Hex {
  const { bytecode } = require(path) as { bytecode: string }
  return `0x${bytecode.replace(/^0x/, '')}`
}

function withArguments(path: string, args: readonly (readonly [type: string, value: unknown])[]): Hex {
  const types = args.map(([type], at) => ({ type, name: `${at}` }))
  const encoded = encodeAbiParameters(
    types,
    args.map(([, value]) => value),
  )
  return `${bytecodeOf(path)}${encoded.slice(2)}`
}

function tokenCode(): Hex {
  return withArguments('@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json', [
    ['string', 'Token'],
    ['string', 'TKN'],
    ['uint256', 10n ** 40n],
    ['address', owner],
  ])
}

function tradedCode(): Hex {
  return withArguments('@uniswap/v2-core/build/ERC20.json', [['uint256', 10n ** 40n]])
}
