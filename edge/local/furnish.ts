import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { encodeAbiParameters, encodeFunctionData, parseAbi } from 'viem'
import { SdkError } from '../../sdk/errors.ts'
import type { EvmNode } from '../../sdk/ports.ts'
import { type Address, address, fromHex, type Hex, toHex } from '../../sdk/units.ts'

/** What the walk needs on a fresh chain: a token, and accounts that hold it and some ether. */
export interface Furniture {
  readonly token: Address
}

const etherEach = 10n ** 18n
const receiptPollMs = 100
const receiptPollsMax = 300
const erc20 = parseAbi(['function transfer(address to, uint256 amount) returns (bool)'])

/**
 * Deploys an ERC-20 and hands ether and tokens to every account, paid by the node's own unlocked account.
 * For development nodes only: no other has such an account.
 *
 * @param tokensEach - In base units.
 */
export async function furnish(node: EvmNode, accounts: readonly Address[], tokensEach: bigint): Promise<Furniture> {
  const [funder] = (await node.request('eth_accounts', [])) as readonly string[]
  if (funder === undefined)
    throw new SdkError('node/refused', 'The node has no unlocked account to fund the walk.', {
      notes: ['Use a development node (anvil, geth --dev), or leave --rpc out and one is started.'],
    })
  const send = (fields: Record<string, Hex>) =>
    node.request('eth_sendTransaction', [{ from: funder, ...fields }]) as Promise<Hex>
  const supply = tokensEach * BigInt(accounts.length)
  const deployed = await mined(
    node,
    await send({ data: deployment(address(funder), supply), gas: quantity(3_000_000n) }),
  )
  const token = address(String(deployed.contractAddress))
  let last: Hex | undefined
  for (const account of accounts) {
    await send({ to: account, value: quantity(etherEach), gas: quantity(21_000n) })
    const data = encodeFunctionData({ abi: erc20, functionName: 'transfer', args: [account, tokensEach] })
    last = await send({ to: token, data, gas: quantity(100_000n) })
  }
  if (last) await mined(node, last)
  return { token }
}

/** OpenZeppelin's fixed-supply ERC-20, as its package ships it compiled. */
function deployment(owner: Address, supply: bigint): Hex {
  const path = createRequire(import.meta.url).resolve(
    '@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json',
  )
  const { bytecode } = JSON.parse(readFileSync(path, 'utf8')) as { bytecode: Hex }
  const types = [{ type: 'string' }, { type: 'string' }, { type: 'uint256' }, { type: 'address' }] as const
  const constructorArguments = encodeAbiParameters(types, ['Lane Dollar', 'LUSD', supply, owner])
  return toHex(new Uint8Array([...fromHex(bytecode), ...fromHex(constructorArguments)]))
}

async function mined(node: EvmNode, hash: Hex): Promise<Record<string, unknown>> {
  for (let poll = 0; poll < receiptPollsMax; poll++) {
    const receipt = (await node.request('eth_getTransactionReceipt', [hash])) as Record<string, unknown> | null
    if (receipt?.status === '0x1') return receipt
    if (receipt) throw new SdkError('node/refused', 'A transaction that prepares the walk was reverted.')
    await new Promise((resolve) => setTimeout(resolve, receiptPollMs))
  }
  throw new SdkError('node/unreachable', 'The node did not mine in time.', { retryable: true })
}

function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`
}
