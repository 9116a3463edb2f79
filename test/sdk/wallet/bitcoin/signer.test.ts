import { describe, expect, it } from 'vitest'
import { memory } from '../../../../sdk/adapters/memory.ts'
import { systemRandom } from '../../../../sdk/adapters/system.ts'
import { webCipher } from '../../../../sdk/adapters/webCipher.ts'
import {
  accountOutput,
  applySignatures,
  type Chain,
  createPsbt,
  decodeAccountKey,
  encodeAddress,
  encodeTransaction,
  finalizePsbt,
  type Network,
  signingRequests,
  singleKeyAccount,
  txidOf,
} from '../../../../sdk/bitcoin/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import type { BitcoinSigner, Store, StoredRecord } from '../../../../sdk/ports.ts'
import { feerate, height, sats, txid } from '../../../../sdk/units.ts'
import { mnemonicBitcoinSigner } from '../../../../sdk/wallet/bitcoin/signer.ts'
import { createVault, openVault } from '../../../../sdk/wallet/vault.ts'
import { refusalOf } from '../../../contracts/contract.ts'
import { publishedMnemonicText as mnemonic, must } from '../../keys/published.ts'

const cipher = webCipher()
const signerOf = (network: Network = 'mainnet') => mnemonicBitcoinSigner({ mnemonic, cipher, network })

async function accountOf(signer: BitcoinSigner, kind: 'wpkh' | 'tr', network: Network) {
  const { xpub, ...origin } = await signer.accountKey(kind)
  return singleKeyAccount(kind, network, must(decodeAccountKey({ xpub, network, origin })))
}

describe('mnemonicBitcoinSigner', () => {
  it.each([
    ['wpkh', 'receive', 0, 'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu'], // BIP-84
    ['wpkh', 'receive', 1, 'bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g'],
    ['wpkh', 'change', 0, 'bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el'],
    ['tr', 'receive', 0, 'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr'], // BIP-86
    ['tr', 'receive', 1, 'bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh'],
    ['tr', 'change', 0, 'bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7'],
  ] as const)('has the address that BIP-84 and BIP-86 list: %s %s %d', async (kind, chain, index, address) => {
    const account = await accountOf(await signerOf(), kind, 'mainnet')
    expect(encodeAddress(accountOutput(account, { chain: chain as Chain, index }).script, 'mainnet')).toBe(address)
  })

  it('has the account key that BIP-84 lists', async () => {
    const { xpub } = await (await signerOf()).accountKey('wpkh')
    const listed =
      'zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs'
    expect(must(decodeAccountKey({ xpub: listed, network: 'mainnet' })).xpub).toBe(xpub)
  })

  it.each(['testnet4', 'signet', 'regtest'] as const)('prints keys that are of %s', async (network) => {
    const signer = await signerOf(network)
    const { xpub, path } = await signer.accountKey('wpkh')
    expect(must(decodeAccountKey({ xpub, network })).xpub).toBe(xpub)
    expect(decodeAccountKey({ xpub, network: 'mainnet' }).ok).toBe(false)
    expect(path[1]).toBe(2 ** 31 + 1)
  })

  it('signs a PSBT of both kinds of coins, which finalizes', async () => {
    const signer = await signerOf()
    const kinds = ['wpkh', 'tr'] as const
    const source = { outpoint: { txid: txid('11'.repeat(32)), index: 0 }, sequence: 0 }
    const inputs = await Promise.all(
      kinds.map(async (kind) => {
        const account = await accountOf(signer, kind, 'mainnet')
        const keyPath = { chain: 'receive', index: 3 } as const
        const { script } = accountOutput(account, keyPath)
        const value = sats(100_000n)
        const previous = encodeTransaction({ version: 2, inputs: [source], outputs: [{ script, value }], locktime: 0 })
        const outpoint = { txid: txidOf(sha256(sha256(previous))), index: 0 }
        return { account, previous, coin: { outpoint, value, script, height: null, coinbase: false, keyPath } }
      }),
    )
    const { script } = (inputs[0] as (typeof inputs)[number]).coin
    const outputs = [{ script, value: sats(199_000n) }]
    const psbt = must(createPsbt({ inputs, outputs, locktime: height(0) }))
    const feerateMax = feerate(10_000)
    const signatures = await Promise.all(
      must(signingRequests(psbt, feerateMax)).map(async ({ input, key, ...request }) => ({
        input,
        publicKey: key.publicKey,
        signature: await signer.sign({ ...request, psbt, path: key.path }),
      })),
    )
    expect(signatures.length).toBe(2)
    expect(must(finalizePsbt(must(applySignatures(psbt, signatures)), feerateMax)).fee).toBe(1_000n)
  })

  it('opens another wallet with a passphrase', async () => {
    const other = await mnemonicBitcoinSigner({ mnemonic, cipher, network: 'mainnet', passphrase: 'x' })
    expect(await other.accountKey('tr')).not.toEqual(await (await signerOf()).accountKey('tr'))
  })

  it('refuses a malformed mnemonic', async () => {
    expect(await refusalOf(mnemonicBitcoinSigner({ mnemonic: 'test junk', cipher, network: 'signet' }))).toBe(
      'keys/malformed-mnemonic',
    )
  })

  it('does nothing once locked', async () => {
    const signer = await signerOf()
    signer.lock()
    await expectLocked(signer)
  })
})

describe('vault.bitcoin', () => {
  const kdfIterations = 100_000
  const place = (store: Store = memory()) => ({ store, cipher, random: systemRandom, password: 'correct horse' })

  it('has the keys of the mnemonic, each network its own, and the same on the next opening', async () => {
    const own = place()
    const vault = await createVault({ ...own, mnemonic, kdfIterations })
    const signer = await vault.bitcoin('regtest')
    expect(await vault.bitcoin('regtest')).toBe(signer)
    expect(await signer.accountKey('wpkh')).toEqual(await (await signerOf('regtest')).accountKey('wpkh'))
    expect(await (await vault.bitcoin('mainnet')).channelKey(0)).toEqual(await (await signerOf()).channelKey(0))
    const again = await openVault(own)
    expect(await (await again.bitcoin('regtest')).channelKey(7)).toEqual(await signer.channelKey(7))
  })

  it('locks them with it, also those that are being opened', async () => {
    const vault = await createVault({ ...place(), mnemonic, kdfIterations })
    const signer = await vault.bitcoin('regtest')
    const opening = vault.bitcoin('mainnet')
    vault.lock()
    await expectLocked(signer)
    expect(await refusalOf(opening)).toBe('keys/locked')
    expect(await refusalOf(vault.bitcoin('regtest'))).toBe('keys/locked')
  })

  it('sends the caller back to the password when it was changed elsewhere', async () => {
    const own = place(memory(new Map<string, StoredRecord>()))
    const vault = await createVault({ ...own, mnemonic, kdfIterations })
    await (await openVault(own)).changePassword({ current: own.password, next: 'another' })
    expect(await refusalOf(vault.bitcoin('regtest'))).toBe('store/conflict')
  })
})

async function expectLocked(signer: BitcoinSigner): Promise<void> {
  const digest = new Uint8Array(32).fill(1)
  for (const call of [
    signer.accountKey('tr'),
    signer.sign({ psbt: digest, scheme: 'ecdsa', digest, path: [], tweak: null }),
    signer.channelKey(0),
    signer.signChannel({ kind: 'update', index: 0, digest, paid: sats(1n) }),
    signer.channelSecret(0, digest),
  ])
    expect(await refusalOf(call)).toBe('keys/locked')
}
