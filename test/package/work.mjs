// The same small job for every platform: each room does something, and the answers are to be equal everywhere.
// Copied into scratch projects, so it imports the package as its users do.
import { createVault, mnemonicSigner, transfer } from 'lanekit'
import { memory } from 'lanekit/adapters'
import { batchIdOf, declare, decodeBatch, encodeBatch, explain, footprint, plan, sentence } from 'lanekit/batch'
import { decodeDescriptor, encodeAddress, outputAt } from 'lanekit/bitcoin'
import { provider } from 'lanekit/connect'
import { keccak256 } from 'lanekit/crypto'
import { decodeTransaction, prepare } from 'lanekit/evm'
import { hdNode, parsePath } from 'lanekit/keys'
import { buildTrie, verifyTrieProof } from 'lanekit/trie'
import { genesisCheckpoint, hashText, startChain, tipOf } from 'lanekit/verify'
import { signTransaction } from 'lanekit/wallet'

const mnemonic = 'test test test test test test test test test test test junk'
const xpub =
  'xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V'

/** What the rooms come to; `cipher` and `random` are the platform's. */
export async function work({ cipher, random }) {
  const store = memory()
  const vault = await createVault({ store, cipher, random, password: 'published', mnemonic, kdfIterations: 100_000 })
  const [account] = await vault.accounts()
  const signer = await mnemonicSigner({ mnemonic, cipher })
  const token = { address: `0x${'70'.repeat(20)}`, decimals: 6, symbol: 'TKN' }
  const signed = []
  for (const nonce of [0, 1]) {
    const facts = { chainId: 1, fork: 'osaka', from: account, nonce, gas: 60_000n, accessList: [] }
    const fees = { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n }
    signed.push(await signTransaction(signer, prepare(transfer(token, account, 5n), { ...facts, fees })))
  }
  const declaration = declare({ reads: [], writes: [], credits: [] }, 50_000)
  const transactions = signed.map(({ bytes }) => ({ raw: bytes, declaration }))
  const envelope = encodeBatch({ chainId: 1, fork: 'osaka', transactions })
  const decoded = decodeBatch(envelope)
  const footprints = signed.map((one) => footprint(one, declaration))
  const planned = plan(footprints)
  const trie = buildTrie([[new Uint8Array([1]), new Uint8Array([2])]])
  const proven = verifyTrieProof({ root: trie.root, key: new Uint8Array([1]), proof: trie.prove(new Uint8Array([1])) })
  const descriptor = decodeDescriptor(`wpkh(${xpub}/0/*)`, 'mainnet')
  const chain = startChain('mainnet', genesisCheckpoint('mainnet'), 100)
  return {
    account,
    sender: decodeTransaction(signed[0].bytes).value.prepared.from,
    hashes: signed.map(({ hash }) => hash),
    batch: decoded.ok && decoded.value.id === batchIdOf(envelope) && decoded.value.transactions.length,
    lanes: planned.lanes.length,
    why: explain(planned, footprints, 1).reasons.map(sentence),
    empty: Array.from(keccak256(new Uint8Array(0)).subarray(0, 4)),
    proven: proven.ok && Array.from(proven.value),
    path: hdNode(new Uint8Array(32).fill(7)).derive(parsePath("m/84'/0'/0'").value).depth,
    bitcoin: descriptor.ok && encodeAddress(outputAt(descriptor.value[0], 0).script, 'mainnet'),
    genesis: chain.ok && hashText(tipOf(chain.value).hash),
    provider: typeof provider,
  }
}
