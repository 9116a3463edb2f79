import { createRequire } from 'node:module'
import { encodeAbiParameters, encodeFunctionData, parseAbi } from 'viem'
import { createEngine } from '../../../../edge/executor/parallel/createEngine.ts'
import type { AccountContent, Engine, RunTransaction } from '../../../../edge/executor/parallel/engine.ts'
import { hashLockCode, type Pace, stateCall, type TokenLock } from '../../../../sdk/channel/swap/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { type Address, address, fromHex, type Hex, toHex } from '../../../../sdk/units.ts'
import { asSigned, chain, environment, laterBy } from '../../../edge/parallel/chain.ts'
import { bytesOf } from '../penalty/pair.ts'

const abi = parseAbi([
  'function approve(address spender, uint256 amount) returns (bool)',
  'function balanceOf(address owner) view returns (uint256)',
])
export const [owner, taker, stranger] = ['a1', 'a2', 'a3'].map((byte) => address(`0x${byte.repeat(20)}`)) as [
  Address,
  Address,
  Address,
]
export const preimage = bytesOf('swap preimage')
export const supply = 1_000_000n
export const start = Number(environment.timestamp)
export const pace: Pace = {
  blockSecondsMin: 300,
  blockSecondsMax: 1_200,
  blocksSlack: 2,
  claimBlocks: 6,
  callSeconds: 120,
}

/** The embedded executor with a token, the contract, and an allowance. */
export async function openTokens() {
  const account = (address: Address): AccountContent => {
    return { address, nonce: 0n, balance: 10n ** 20n, code: new Uint8Array(0), slots: [] }
  }
  const accounts = [owner, taker, stranger].map(account)
  const engine = await createEngine({
    chainId: chain,
    fork: 'osaka',
    start: { kind: 'genesis', accounts, environment },
  })
  const nonces = new Map<Address, bigint>()
  let seconds = 0
  const send = async (from: Address, to: Address | null, data: Hex, at?: number): Promise<RunTransaction> => {
    seconds = Math.max(seconds + 1, at === undefined ? 0 : at - start)
    const nonce = nonces.get(from) ?? 0n
    nonces.set(from, nonce + 1n)
    const pricing = { type: 'eip1559', maxFeePerGas: 2_000_000_000n, maxPriorityFeePerGas: 0n, accessList: [] }
    const transaction = { from, to, nonce, value: 0n, data: fromHex(data), gas: 3_000_000n, pricing }
    const done = await engine.execute({ transactions: [asSigned(transaction as never)], environment: laterBy(seconds) })
    const run = done.kind === 'executed' ? done.transactions[0] : undefined
    if (!run) throw new Error(JSON.stringify(done, (_, one) => (typeof one === 'bigint' ? `${one}` : one)))
    return run
  }
  const require = createRequire(import.meta.url)
  const { bytecode } = require('@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json') as {
    bytecode: Hex
  }
  const names = [{ type: 'string' }, { type: 'string' }, { type: 'uint256' }, { type: 'address' }] as const
  const built = `${bytecode}${encodeAbiParameters(names, ['Coin', 'C', supply, owner]).slice(2)}` as Hex
  const token = (await send(owner, null, built)).created as Address
  const contract = (await send(owner, null, hashLockCode)).created as Address
  await send(owner, token, encodeFunctionData({ abi, functionName: 'approve', args: [contract, supply] }))
  const ask = async (to: Address, data: Hex) => BigInt(toHex((await send(stranger, to, data)).output))
  return {
    engine: engine as Engine,
    token,
    contract,
    send,
    now: () => start + seconds,
    balanceOf: (of: Address) => ask(token, encodeFunctionData({ abi, functionName: 'balanceOf', args: [of] })),
    stateOf: (lock: TokenLock) => ask(contract, stateCall(lock)),
  }
}

export type Tokens = Awaited<ReturnType<typeof openTokens>>

export function lockOf({ token }: Tokens, change: Partial<TokenLock> = {}): TokenLock {
  return { token, owner, taker, amount: 5_000n, hash: sha256(preimage), endSeconds: start + 3_600, ...change }
}
