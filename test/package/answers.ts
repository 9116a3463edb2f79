import { keccak256 } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'

const owner = mnemonicToAccount('test test test test test test test test test test test junk')
const account = owner.address.toLowerCase()

/** A token transfer of 5 to oneself, as viem signs it. */
async function transferHash(nonce: number): Promise<string> {
  const data = `0xa9059cbb${account.slice(2).padStart(64, '0')}${'5'.padStart(64, '0')}` as const
  const fees = { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n }
  const to = `0x${'70'.repeat(20)}` as const
  return keccak256(await owner.signTransaction({ chainId: 1, type: 'eip1559', nonce, gas: 60_000n, to, data, ...fees }))
}

/** What work.mjs comes to on every platform; wherever others know the answer, it is theirs. */
export const answers = {
  account,
  sender: account,
  hashes: [await transferHash(0), await transferHash(1)],
  batch: 2,
  lanes: 1,
  why: [`1 waits for 0 because of the nonce of ${account} and 1 more`],
  empty: [0xc5, 0xd2, 0x46, 0x01],
  proven: [2],
  path: 3,
  bitcoin: 'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu', // BIP-84, test vectors
  terms: true,
  client: 'function',
  till: 'function',
  genesis: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
  provider: 'function',
}
