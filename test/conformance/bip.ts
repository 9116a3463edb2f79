import assert from 'node:assert/strict'
import { basename } from 'node:path'
import {
  accountOutput,
  decodeAccountKey,
  decodePsbt,
  decodeTransaction,
  encodeAddress,
  encodeTransaction,
  p2tr,
  signingRequests,
  singleKeyAccount,
  taprootTweak,
} from '../../sdk/bitcoin/index.ts'
import { rawTransaction } from '../../sdk/bitcoin/transaction.ts'
import { currentEngine } from '../../sdk/crypto/engine.ts'
import type { Decoded } from '../../sdk/errors.ts'
import {
  hdNode,
  mnemonicFromEntropy,
  parseExtendedKey,
  parseMnemonic,
  parsePath,
  seedOf,
} from '../../sdk/keys/index.ts'
import { feerate, fromHex, type Hex, toHex } from '../../sdk/units.ts'
import { type Bip327, bip327Cases, isBip327 } from './bip327.ts'
import { asRecord, filesBelow, readBytes, readJson } from './files.ts'
import type { Case, Suite } from './suite.ts'

type Json = Readonly<Record<string, string>>

/**
 * Published vectors of Bitcoin's proposals: BIP-32, 39 (English), 84, 86, 174, 327, 340 and 341, each told by its shape.
 * What they say of script trees and foreign sighashes is judged as far as this SDK does it.
 */
export const bip: Suite = {
  *cases(path) {
    for (const file of filesBelow(path)) {
      const name = basename(file)
      if (/\.csv(?:\.gz)?$/.test(file)) yield* bip340Cases(name, new TextDecoder().decode(readBytes(file)))
      else if (/\.json(?:\.gz)?$/.test(file)) yield* jsonCases(name, readJson(file))
    }
  },
}

function* jsonCases(name: string, json: unknown): Iterable<Case> {
  const record = asRecord(json)
  if (record?.english) yield* bip39Cases(name, record as Parameters<typeof bip39Cases>[1])
  if (record?.keyPathSpending) yield* bip341Cases(name, record as unknown as Bip341)
  if (record && isBip327(record)) yield* bip327Cases(name, record as unknown as Bip327)
  if (!Array.isArray(json)) return
  const first = asRecord(json[0]) ?? {}
  if ('chains' in first) yield* bip32Cases(name, json)
  if ('section' in first && 'base64' in first) yield* bip174Cases(name, json)
  if ('rootpub' in first) yield* accountCases(name, json)
}

interface Bip32Vector {
  readonly name: string
  readonly seed: string
  readonly chains: readonly { readonly path: string; readonly xpub: string; readonly xprv: string }[]
  readonly invalid?: readonly { readonly key: string; readonly reason: string }[]
}

function* bip32Cases(file: string, vectors: readonly Bip32Vector[]): Iterable<Case> {
  for (const { name, seed, chains, invalid = [] } of vectors) {
    for (const { path, xpub, xprv } of chains) {
      yield {
        name: `${file} ${name} ${path}`,
        check() {
          const node = hdNode(bytes(seed)).derive(must(parsePath(path)))
          assert.deepEqual([node.extendedPublicKey(), node.extendedSecretKey()], [xpub, xprv])
        },
      }
      const step = /^(.*)\/(\d+)$/.exec(path)
      const parent = chains.find((chain) => chain.path === step?.[1])
      if (!step || !parent) continue
      yield {
        name: `${file} ${name} ${path} from its public parent`,
        check() {
          const child = must(decodeAccountKey({ xpub: parent.xpub, network: 'mainnet', steps: [Number(step[2])] }))
          const { publicKey, chainCode } = must(decodeAccountKey({ xpub, network: 'mainnet' })).node
          assert.deepEqual(child.node, { publicKey, chainCode })
        },
      }
    }
    for (const { key, reason } of invalid)
      yield {
        name: `${file} ${name} ${reason} (${key.slice(0, 4)})`,
        check() {
          assert.ok(!parseExtendedKey(key).ok)
          assert.ok(!decodeAccountKey({ xpub: key, network: 'mainnet' }).ok)
        },
      }
  }
}

function* bip39Cases(file: string, languages: Readonly<Record<string, readonly string[][]>>): Iterable<Case> {
  for (const [language, vectors] of Object.entries(languages)) {
    if (language !== 'english') yield { name: `${file} ${language}`, skip: 'the SDK speaks the English list' }
    else
      for (const [entropy = '', text = '', seed, rootKey] of vectors)
        yield {
          name: `${file} ${entropy}`,
          check() {
            const mnemonic = must(parseMnemonic(text))
            assert.equal(mnemonicFromEntropy(bytes(entropy)), mnemonic)
            const derived = seedOf(mnemonic, 'TREZOR')
            assert.equal(digits(derived), seed)
            assert.equal(hdNode(derived).extendedSecretKey(), rootKey)
          },
        }
  }
}

/** BIP-84 and BIP-86: an account of the mnemonic, and its first addresses. */
function* accountCases(file: string, [header, account, ...addresses]: readonly Json[]): Iterable<Case> {
  const purpose = /m\/(84|86)'\/0'\/0'/.exec(account?.label ?? '')?.[1]
  if (!header?.mnemonic || !account || !purpose) return
  const root = hdNode(seedOf(must(parseMnemonic(header.mnemonic))))
  const node = root.derive(must(parsePath(`m/${purpose}'/0'/0'`)))
  yield {
    name: `${file} account key`,
    check() {
      const key = must(decodeAccountKey({ xpub: account.xpub as string, network: 'mainnet' }))
      assert.equal(key.xpub, node.extendedPublicKey())
    },
  }
  for (const vector of addresses)
    yield {
      name: `${file} ${vector.label}`,
      check() {
        const key = must(decodeAccountKey({ xpub: account.xpub as string, network: 'mainnet' }))
        const [, chain, index] = /\/([01])\/(\d+)$/.exec(vector.label as string) as unknown as [string, string, string]
        const output = accountOutput(singleKeyAccount(purpose === '84' ? 'wpkh' : 'tr', 'mainnet', key), {
          chain: chain === '0' ? 'receive' : 'change',
          index: Number(index),
        })
        const publicKey = digits(output.keys[0]?.publicKey ?? new Uint8Array(0))
        assert.equal(encodeAddress(output.script, 'mainnet'), vector.address)
        if (vector.pubkey) assert.equal(publicKey, vector.pubkey)
        if (vector.internal_key) assert.equal(publicKey.slice(2), vector.internal_key)
        if (vector.scriptPubKey) assert.equal(digits(output.script), vector.scriptPubKey)
      },
    }
}

function* bip174Cases(file: string, vectors: readonly Json[]): Iterable<Case> {
  for (const { section, case: title, base64 = '', hex } of vectors) {
    const encodings = [...new Set([toHex(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))), `0x${hex}`])]
    yield {
      name: `${file} ${section}: ${title}`,
      check() {
        for (const encoding of encodings) {
          const psbt = decodePsbt(fromHex(encoding as Hex))
          assert.equal(psbt.ok, section !== 'invalid', `decoded: ${psbt.ok}`)
          if (section === 'signer-must-fail') assert.ok(!signingRequests(must(psbt), feerate(10_000_000)).ok)
        }
      },
    }
  }
}

function* bip340Cases(file: string, csv: string): Iterable<Case> {
  const [head = '', ...rows] = csv.split(/\r?\n/).filter(Boolean)
  if (!head.startsWith('index,secret key,public key,aux_rand,message,signature')) return
  for (const row of rows) {
    const [index, secretKey = '', publicKey = '', auxRand = '', message = '', signature = '', result, comment] =
      row.split(',')
    yield {
      name: `${file} ${index} ${comment}`,
      check() {
        const engine = currentEngine()
        if (secretKey) {
          assert.equal(digits(engine.publicKey(bytes(secretKey))).slice(2), publicKey.toLowerCase())
          const signed = engine.schnorrSign(bytes(message), bytes(secretKey), bytes(auxRand))
          assert.equal(digits(signed), signature.toLowerCase())
        }
        const valid = engine.schnorrVerify(bytes(signature), bytes(message), bytes(publicKey))
        assert.equal(valid, result === 'TRUE')
      },
    }
  }
}

interface Bip341 {
  readonly scriptPubKey: readonly {
    readonly given: { readonly internalPubkey: string }
    readonly intermediary: { readonly merkleRoot: string | null; readonly tweak: string }
    readonly expected: { readonly scriptPubKey: string; readonly bip350Address: string }
  }[]
  readonly keyPathSpending: readonly {
    readonly given: {
      readonly rawUnsignedTx: string
      readonly utxosSpent: readonly { readonly scriptPubKey: string; readonly amountSats: number }[]
    }
    readonly inputSpending: readonly {
      readonly given: {
        readonly txinIndex: number
        readonly internalPrivkey: string
        readonly merkleRoot: string | null
        readonly hashType: number
      }
      readonly intermediary: {
        readonly internalPubkey: string
        readonly tweak: string
        readonly tweakedPrivkey: string
        readonly sigHash: string
      }
      readonly expected: { readonly witness: readonly string[] }
    }[]
    readonly auxiliary: { readonly fullySignedTx: string }
  }[]
}

function* bip341Cases(file: string, { scriptPubKey, keyPathSpending }: Bip341): Iterable<Case> {
  for (const { given, intermediary, expected } of scriptPubKey)
    yield {
      name: `${file} output of ${given.internalPubkey.slice(0, 8)}`,
      check() {
        const merkleRoot = intermediary.merkleRoot === null ? null : bytes(intermediary.merkleRoot)
        assert.equal(digits(taprootTweak(bytes(given.internalPubkey), merkleRoot)), intermediary.tweak)
        const script = p2tr(bytes(given.internalPubkey), merkleRoot)
        assert.equal(script && digits(script), expected.scriptPubKey)
        assert.equal(script && encodeAddress(script, 'mainnet'), expected.bip350Address)
      },
    }
  for (const { given, inputSpending, auxiliary } of keyPathSpending) {
    const spent = given.utxosSpent
    const unsigned = rawTransaction(must(decodeTransaction(bytes(given.rawUnsignedTx))))
    for (const { given, intermediary, expected } of inputSpending)
      yield {
        name: `${file} key path of input ${given.txinIndex}`,
        check() {
          const engine = currentEngine()
          const internalKey = engine.publicKey(bytes(given.internalPrivkey)).subarray(1)
          assert.equal(digits(internalKey), intermediary.internalPubkey)
          const tweak = taprootTweak(internalKey, given.merkleRoot === null ? null : bytes(given.merkleRoot))
          assert.equal(digits(tweak), intermediary.tweak)
          const secretKey = engine.tweakXOnlySecretKey(bytes(given.internalPrivkey), tweak)
          assert.ok(secretKey)
          assert.equal(digits(secretKey), intermediary.tweakedPrivkey)
          const digest = unsigned.hashForWitnessV1(
            given.txinIndex,
            spent.map(({ scriptPubKey }) => bytes(scriptPubKey)),
            spent.map(({ amountSats }) => BigInt(amountSats)),
            given.hashType,
          )
          assert.equal(digits(digest), intermediary.sigHash)
          const signature = digits(engine.schnorrSign(digest, secretKey, new Uint8Array(32)))
          const sighash = given.hashType === 0 ? '' : given.hashType.toString(16).padStart(2, '0')
          assert.deepEqual([signature + sighash], expected.witness)
        },
      }
    yield {
      name: `${file} transactions, read and written`,
      check() {
        const unsigned = must(decodeTransaction(bytes(given.rawUnsignedTx)))
        assert.equal(digits(encodeTransaction(unsigned)), given.rawUnsignedTx)
        const signed = must(decodeTransaction(bytes(auxiliary.fullySignedTx)))
        assert.deepEqual(
          signed.inputs.map(({ outpoint }) => outpoint),
          unsigned.inputs.map(({ outpoint }) => outpoint),
        )
      },
    }
  }
}

function bytes(text: string): Uint8Array {
  return fromHex(`0x${text}`)
}

function digits(value: Uint8Array): string {
  return toHex(value).slice(2)
}

function must<value>(decoded: Decoded<value>): value {
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.reason)
  return decoded.value
}
