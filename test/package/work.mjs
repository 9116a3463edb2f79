// The same small job for every platform: each room does something, and the answers are to be equal everywhere.
// Copied into scratch projects, so it imports the package as its users do.
import { createVault, mnemonicSigner, transfer } from 'lanekit'
import { memory } from 'lanekit/adapters'
import { batchIdOf, declare, decodeBatch, encodeBatch, explain, footprint, plan, sentence } from 'lanekit/batch'
import { accountOutput, decodeAccountKey, encodeAddress, p2wpkh, singleKeyAccount } from 'lanekit/bitcoin'
import { decodeTerms, encodeTerms } from 'lanekit/channel'
import { createMailbox } from 'lanekit/client'
import { provider } from 'lanekit/connect'
import { currentEngine, keccak256 } from 'lanekit/crypto'
import { decodeTransaction, prepare } from 'lanekit/evm'
import { hdNode, parsePath } from 'lanekit/keys'
import { localTillSigner } from 'lanekit/till'
import { buildTrie, verifyTrieProof } from 'lanekit/trie'
import { genesisCheckpoint, hashText, startChain, tipOf } from 'lanekit/verify'
import { signTransaction } from 'lanekit/wallet'
import { mnemonicBitcoinSigner } from 'lanekit/wallet/bitcoin'

const mnemonic = 'test test test test test test test test test test test junk'
const network = 'mainnet'

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
    bitcoin: await firstAddress(cipher),
    terms: decodeTerms(encodeTerms(terms())).value?.closeFee === 400n,
    client: typeof createMailbox,
    till: typeof localTillSigner([new Uint8Array(32).fill(9)]).sign,
    genesis: chain.ok && hashText(tipOf(chain.value).hash),
    provider: typeof provider,
  }
}

/** Of the mnemonic that BIP-84 publishes. */
async function firstAddress(cipher) {
  const published = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'
  const signer = await mnemonicBitcoinSigner({ mnemonic: published, cipher, network })
  const { xpub, fingerprint, path } = await signer.accountKey('wpkh')
  const key = decodeAccountKey({ xpub, network, origin: { fingerprint, path } })
  const { script } = accountOutput(singleKeyAccount('wpkh', network, key.value), { chain: 'receive', index: 0 })
  return encodeAddress(script, network)
}

/** What a payee asks of a channel. */
function terms() {
  const payeeKey = currentEngine().publicKey(new Uint8Array(32).fill(9))
  const blocks = { expiryBlocksMin: 20, expiryBlocksMax: 2_000, marginBlocks: 10, confirmationsMin: 2 }
  const money = { closeFee: 400n, capacityMin: 5_000n, capacityMax: 1_000_000n }
  return { network, payeeKey, payeeScript: p2wpkh(payeeKey), ...money, ...blocks }
}
