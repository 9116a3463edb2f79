import type { BitcoinBackend } from '../../../../edge/local/bitcoinBackend.ts'
import { esploraServer } from '../../../../edge/local/ledger/esploraServer.ts'
import { createLedger } from '../../../../edge/local/ledger/ledger.ts'
import { esplora } from '../../../../sdk/adapters/esplora.ts'
import { memory } from '../../../../sdk/adapters/memory.ts'
import {
  accountOutput,
  decodeAccountKey,
  decodeAddress,
  encodeAddress,
  networks,
  singleKeyAccount,
} from '../../../../sdk/bitcoin/index.ts'
import { p2pkh, p2sh, p2wsh, witnessScriptPubKey } from '../../../../sdk/bitcoin/script.ts'
import { currentEngine } from '../../../../sdk/crypto/engine.ts'
import { accepted, type Decoded } from '../../../../sdk/errors.ts'
import { createBitcoinKeyring } from '../../../../sdk/keys/index.ts'
import type { BitcoinNode } from '../../../../sdk/ports.ts'
import { feerate, type Sats, sats, type Txid } from '../../../../sdk/units.ts'
import { type Coins, type CoinsParts, createCoins } from '../../../../sdk/wallet/bitcoin/coins.ts'
import { keyringBitcoinSigner, type LocalBitcoinSigner } from '../../../../sdk/wallet/bitcoin/signer.ts'
import { must } from '../../bitcoin/must.ts'

/** The ledger in this process, asked without a socket. */
export type Ground = Omit<BitcoinBackend, 'url' | 'fetch' | 'stop'>

export function quickLedger(): Ground {
  const ledger = createLedger()
  ledger.mine(110)
  const { fetch } = esploraServer(ledger)
  const done = (outcome: Decoded<unknown>) => (outcome.ok ? accepted(null) : outcome)
  return {
    name: 'ledger',
    node: esplora({
      url: 'http://ledger',
      network: 'regtest',
      minFeerate: feerate(100),
      fetch: async (input, init) => fetch(new Request(input, init)),
    }),
    mine: async (blocks) => ledger.mine(blocks),
    mineOnly: async (raws) => done(ledger.mineOnly(raws)),
    reorg: async (depth, raws) => done(ledger.reorg(depth, raws)),
    fund: async (address, value) => ledger.fund(address, value),
  }
}

let seeds = 0

/** A signer that no other test has. */
export function freshSigner(): LocalBitcoinSigner {
  seeds += 1
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, seeds)
  new DataView(seed.buffer).setUint32(4, process.pid)
  return keyringBitcoinSigner(createBitcoinKeyring(seed, networks.regtest))
}

/** A wallet on a backend; what is not given is new. */
export async function openCoins(
  backend: Pick<BitcoinBackend, 'node'>,
  parts: Partial<CoinsParts> = {},
): Promise<Coins> {
  return createCoins({
    keys: freshSigner(),
    store: memory(),
    network: 'regtest',
    nodes: [backend.node],
    gapLimit: gapLimitSmall,
    ...parts,
  })
}

/** What a scan does it does for twenty unused scripts as for four: each costs the tests a question at every look. */
export const gapLimitSmall = 4

/** A wallet with coins in blocks. */
export async function fundedCoins(
  backend: Ground,
  values: readonly bigint[] = [1_000_000n],
  parts: Partial<CoinsParts> = {},
): Promise<Coins> {
  const coins = await openCoins(backend, parts)
  for (const value of values) {
    await backend.fund(await coins.address(), sats(value))
    await backend.mine(1)
  }
  return coins
}

/** Pays the first addresses of a signer's BIP-84 account, in blocks, without a wallet. */
export async function fund(ground: Ground, keys: LocalBitcoinSigner, values: readonly bigint[]): Promise<void> {
  for (const [index, value] of values.entries()) await ground.fund(await receiveAddress(keys, index), sats(value))
  await ground.mine(1)
}

/** An address of a signer's BIP-84 account, without a wallet. */
export async function receiveAddress(keys: LocalBitcoinSigner, index: number): Promise<string> {
  const { xpub, ...origin } = await keys.accountKey('wpkh')
  const account = singleKeyAccount('wpkh', 'regtest', must(decodeAccountKey({ xpub, network: 'regtest', origin })))
  return encodeAddress(accountOutput(account, { chain: 'receive', index }).script, 'regtest') as string
}

/** What a call that should not be refused returned. */
export function done<result extends { readonly ok: boolean }>(result: result): Extract<result, { readonly ok: true }> {
  if (!result.ok)
    throw new Error(
      `Refused: ${JSON.stringify(result, (_, value) => (typeof value === 'bigint' ? `${value}` : value))}`,
    )
  return result as Extract<result, { readonly ok: true }>
}

/** An address of every kind, that of `number` for each. */
export function strangers(number: number): Readonly<Record<'p2pkh' | 'p2sh' | 'p2wpkh' | 'p2wsh' | 'p2tr', string>> {
  const key = currentEngine().publicKey(new Uint8Array(32).fill(number))
  const hash = currentEngine().hash160(key)
  const address = (script: Uint8Array) => encodeAddress(script, 'regtest') as string
  return {
    p2pkh: address(p2pkh(hash)),
    p2sh: address(p2sh(hash)),
    p2wpkh: address(witnessScriptPubKey(0, hash)),
    p2wsh: address(p2wsh(key)),
    p2tr: address(witnessScriptPubKey(1, key.subarray(1))),
  }
}

/** What stands unspent on an address, by a node's word. */
export async function heldBy(node: BitcoinNode, address: string): Promise<bigint> {
  const coins = await node.coins(must(decodeAddress(address, 'regtest')))
  return coins.reduce((sum, { value }) => sum + value, 0n)
}

export const paying = (address: string, value: bigint): { readonly address: string; readonly value: Sats } => ({
  address,
  value: sats(value),
})

export const rate = (satsPerVbyte: number) => ({ feerate: feerate(satsPerVbyte * 1_000) })

/** Heights by transaction, as the node has them: `null` while none. */
export async function minedAt({ node }: Ground, txid: Txid): Promise<number | null> {
  return (await node.inclusion(txid))?.height ?? null
}
