import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { encodeAbiParameters, encodeFunctionData, parseAbi } from 'viem'
import { SdkError } from '../../sdk/errors.ts'
import type { EvmNode } from '../../sdk/ports.ts'
import { type Address, address, fromHex, type Hex, toHex } from '../../sdk/units.ts'

const etherEach = 10n ** 18n
const tokenSupply = 10n ** 30n
const receiptPollMs = 100
const receiptPollsMax = 300
const erc20 = parseAbi(['function transfer(address to, uint256 amount) returns (bool)'])

/**
 * Deploys an ERC-20 whose whole supply is the node's own unlocked account's.
 * For development nodes only: no other has such an account. Throws `node/refused`.
 */
export async function deployToken(node: EvmNode): Promise<Address> {
  const owner = await funderOf(node)
  const data = deployment(owner, tokenSupply)
  const { contractAddress } = await mined(node, await sendFrom(node, owner, { data, gas: quantity(3_000_000n) }))
  return address(String(contractAddress))
}

/**
 * Hands ether and tokens to every account, from the node's own unlocked account. Resolves when all of it is mined.
 *
 * @param tokensEach - In base units.
 */
export async function fundAccounts(
  node: EvmNode,
  token: Address,
  accounts: readonly Address[],
  tokensEach: bigint,
): Promise<void> {
  const funder = await funderOf(node)
  let last: Hex | undefined
  for (const account of accounts) {
    await sendFrom(node, funder, { to: account, value: quantity(etherEach), gas: quantity(21_000n) })
    const data = encodeFunctionData({ abi: erc20, functionName: 'transfer', args: [account, tokensEach] })
    last = await sendFrom(node, funder, { to: token, data, gas: quantity(100_000n) })
  }
  if (last) await mined(node, last)
}

async function funderOf(node: EvmNode): Promise<Address> {
  const accounts = await node.request('eth_accounts', [])
  const funder = Array.isArray(accounts) ? accounts[0] : undefined
  if (typeof funder === 'string') return address(funder)
  throw new SdkError('node/refused', 'The node has no unlocked account to fund others from.', {
    notes: ['Use a development node (anvil, geth --dev), or leave --rpc out and one is started.'],
  })
}

async function sendFrom(node: EvmNode, from: Address, fields: Record<string, Hex>): Promise<Hex> {
  return String(await node.request('eth_sendTransaction', [{ from, ...fields }])) as Hex
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
