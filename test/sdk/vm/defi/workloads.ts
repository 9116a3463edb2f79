import { type Abi, parseAbi } from 'viem'
import type { Address, Hex } from '../../../../sdk/units.ts'
import type { Transaction } from '../../../../sdk/vm/index.ts'
import { openMarket } from '../market.ts'
import type { MemoryState } from '../memoryState.ts'
import { compileContracts } from './compile.ts'
import { openLending } from './lending.ts'
import { type Artifact, addressIn, artifactAt, openStage } from './stage.ts'
import { allow, openToken, tokenAbi } from './tokens.ts'

/** A state, and transactions on it in their order. */
export interface Workload {
  readonly name: string
  readonly open: (accounts: number, count: number) => Opened
}

export interface Opened {
  readonly state: MemoryState
  readonly transactions: readonly Transaction[]
}

/** What users of real contracts do, from one place that all meet at to one for every few. */
export const workloads: readonly Workload[] = [
  { name: 'token transfers', open: onMarket(1, (market) => market.transfer()) },
  { name: 'Uniswap v2 swaps, 32 pools', open: onMarket(32, (market) => market.swap()) },
  { name: 'Uniswap v2 swaps, 8 pools', open: onMarket(8, (market) => market.swap()) },
  { name: 'Uniswap v2 swaps, 1 pool', open: onMarket(1, (market) => market.swap()) },
  { name: 'Uniswap v3 swaps, 8 pools', open: (accounts, count) => openPools(accounts, count, 8) },
  { name: 'Aave v3, 8 reserves', open: (accounts, count) => openLending(accounts, count, 8) },
  { name: 'ERC-4626 deposits, 16 vaults', open: (accounts, count) => openVaults(accounts, count, 16) },
  { name: 'votes, 16 assemblies', open: (accounts, count) => openVotes(accounts, count, 16) },
  {
    name: '3 transfers a swap, 8 pools',
    open: onMarket(8, (market, at) => (at % 4 ? market.transfer() : market.swap())),
  },
]

type Market = ReturnType<typeof openMarket>

function onMarket(pairs: number, draw: (market: Market, at: number) => Transaction): Workload['open'] {
  return (accounts, count) => {
    const market = openMarket(accounts, pairs)
    return { state: market.state, transactions: Array.from({ length: count }, (_, at) => draw(market, at)) }
  }
}

const ether = 10n ** 18n
const noAbi: Abi = []
function compiled(name: string, abi: Artifact['abi'] = noAbi): Artifact {
  const code = compileContracts()[name]
  if (!code) throw new Error(`There is no contract ${name}.`)
  return { abi, bytecode: `0x${code}` }
}

const poolsAbi = parseAbi([
  'function createPool(address one, address other, uint24 fee) returns (address)',
  'function initialize(uint160 price)',
  'function add(address pool, int24 low, int24 high, uint128 amount)',
  'function swap(address pool, bool zeroForOne, int256 amount)',
])

/** Swaps by Uniswap v3, each account at one of the pools, in turn one way and the other. */
function openPools(accountCount: number, count: number, poolCount: number): Opened {
  const stage = openStage(accountCount)
  const { owner, accounts, deploy, call, next } = stage
  const factory = deploy(artifactAt('@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json'))
  const trader = deploy(compiled('Trader'))
  const on = (functionName: string, args: readonly unknown[]) => ({ abi: poolsAbi, functionName, args })
  const pools = Array.from({ length: poolCount }, (_, at) => {
    const holders = [owner, ...accounts.filter((_, account) => account % poolCount === at)]
    const [one, other] = [openToken(stage, [trader], holders), openToken(stage, [trader], holders)]
    const pool = addressIn(call(owner, factory, on('createPool', [one, other, 3_000])))
    call(owner, pool, on('initialize', [2n ** 96n]))
    call(owner, trader, on('add', [pool, -60_000, 60_000, 10n ** 6n * ether]))
    return pool
  })
  const transactions = Array.from({ length: count }, (_, at) => {
    const account = (at * 7) % accountCount
    const pool = pools[account % poolCount] as Address
    return next(accounts[account] as Address, trader, on('swap', [pool, at % 2 === 0, ether + BigInt(at)]))
  })
  return { state: stage.state, transactions }
}

const vaultAbi = parseAbi(['constructor(address asset)', 'function deposit(uint256 assets, address receiver)'])

/** Deposits into OpenZeppelin's vaults, each account into one of them. */
function openVaults(accountCount: number, count: number, vaultCount: number): Opened {
  const stage = openStage(accountCount)
  const { accounts, deploy, next } = stage
  const vaults = Array.from({ length: vaultCount }, (_, at) => {
    const holders = accounts.filter((_, account) => account % vaultCount === at)
    const token = openToken(stage, [], holders)
    const vault = deploy(compiled('Vault', vaultAbi), [token])
    for (const holder of holders) allow(stage, holder, token, [vault])
    return vault
  })
  const transactions = Array.from({ length: count }, (_, at) => {
    const account = (at * 7) % accountCount
    const [from, vault] = [accounts[account] as Address, vaults[account % vaultCount] as Address]
    return next(from, vault, { abi: vaultAbi, functionName: 'deposit', args: [ether + BigInt(at), from] })
  })
  return { state: stage.state, transactions }
}

const votesAbi = parseAbi([
  'constructor(address shares)',
  'function delegate(address delegatee)',
  'function propose(address[] targets, uint256[] values, bytes[] calldatas, string description) returns (uint256)',
  'function castVote(uint256 proposal, uint8 support)',
])

/** Votes in OpenZeppelin's governors: every account has shares of one assembly, and votes once on each of its proposals. */
function openVotes(accountCount: number, count: number, assemblyCount: number): Opened {
  const stage = openStage(accountCount)
  const { owner, accounts, deploy, call, next, wait } = stage
  const on = (functionName: string, args: readonly unknown[]) => ({ abi: votesAbi, functionName, args })
  const proposalsEach = Math.ceil(count / accountCount)
  const sharesAbi = parseAbi(['constructor(uint256 supply)'])
  const assemblies = Array.from({ length: assemblyCount }, (_, at) => {
    const shares = deploy(compiled('Shares', sharesAbi), [10n ** 30n])
    for (const holder of accounts.filter((_, account) => account % assemblyCount === at)) {
      call(owner, shares, { abi: tokenAbi, functionName: 'transfer', args: [holder, ether] })
      call(holder, shares, on('delegate', [holder]))
    }
    return deploy(compiled('Assembly', votesAbi), [shares])
  })
  wait(10)
  const ids = assemblies.map((assembly) =>
    Array.from({ length: proposalsEach }, (_, at) => {
      const empty: Hex = '0x'
      const args = [[owner], [0n], [empty], `proposal ${at}`]
      return BigInt(`0x${Buffer.from(call(owner, assembly, on('propose', args))).toString('hex')}`)
    }),
  )
  const transactions = Array.from({ length: count }, (_, at) => {
    const account = at % accountCount
    const assembly = account % assemblyCount
    const id = ids[assembly]?.[Math.floor(at / accountCount)]
    return next(accounts[account] as Address, assemblies[assembly] as Address, on('castVote', [id, at % 3]))
  })
  return { state: stage.state, transactions }
}
