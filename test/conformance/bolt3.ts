import assert from 'node:assert/strict'
import { basename } from 'node:path'
import {
  type CommitmentTerms,
  commitmentKey,
  commitmentNumberOf,
  commitmentOf,
  commitmentSecretKey,
  fundingScriptOf,
  fundingWitness,
  htlcTransactions,
  htlcWitness,
  obscured,
  revealedSecret,
  revocationKey,
  revocationSecretKey,
  type SecretStore,
  secretAt,
  withSecret,
} from '../../sdk/bitcoin/bolt3/index.ts'
import { encodeTransaction, p2wpkh, p2wsh } from '../../sdk/bitcoin/index.ts'
import { p2pkh } from '../../sdk/bitcoin/script.ts'
import { derSignature } from '../../sdk/bitcoin/segwit.ts'
import { rawTransaction, txidOfUnsigned } from '../../sdk/bitcoin/transaction.ts'
import { currentEngine } from '../../sdk/crypto/engine.ts'
import { msats, sats, toHex, txid } from '../../sdk/units.ts'
import { commitmentNumber, hex, htlcSecrets, htlcs, keys, secrets, termsOf } from './bolt3Keys.ts'
import { asRecord, jsonFilesBelow, readJson } from './files.ts'
import type { Case, Suite } from './suite.ts'

type Json = Readonly<Record<string, string>>

/** BOLT-3, Appendices B to F, each told by its shape: funding, commitments and HTLC transactions, secrets, keys. */
export const bolt3: Suite = {
  *cases(path) {
    for (const file of jsonFilesBelow(path)) {
      const json = readJson(file)
      const record = asRecord(json)
      const name = basename(file)
      if (record?.['funding tx']) yield* fundingCases(name, record as Json)
      if (record?.internal_secrets) yield* commitmentCases(name, record as unknown as AppendixC)
      if (record?.generation) yield* secretCases(name, record as unknown as AppendixD)
      if (record?.revocationprivkey) yield* keyCases(name, record as Json)
      if (Array.isArray(json) && asRecord(json[0])?.ExpectedCommitmentTxHex) yield* anchorCases(name, json)
    }
  },
}

function* fundingCases(file: string, json: Json): Iterable<Case> {
  const at = (name: string) => json[name] as string
  const script = () => fundingScriptOf(hex(at('local_funding_pubkey')), hex(at('remote_funding_pubkey')))
  yield {
    name: `${file} funding witness script`,
    check() {
      assert.equal(digits(script()), at('funding witness script'))
      // The lesser key comes first, whoever's it is.
      assert.deepEqual(script(), fundingScriptOf(hex(at('remote_funding_pubkey')), hex(at('local_funding_pubkey'))))
    },
  }
  yield {
    name: `${file} funding transaction`,
    check() {
      const { hash160, publicKey, sign } = currentEngine()
      const secretKey = hex(at('Block 1 coinbase privkey').slice(0, 64))
      const key = publicKey(secretKey)
      const unsigned = {
        version: 2,
        inputs: [
          { outpoint: { txid: txid(at('input txid')), index: Number(at('input index')) }, sequence: 0xffffffff },
        ],
        outputs: [
          { script: p2wsh(script()), value: sats(BigInt(at('funding satoshis'))) },
          { script: p2wpkh(key), value: sats(BigInt(at('change satoshis'))) },
        ],
        locktime: 0,
      }
      const raw = rawTransaction(unsigned)
      const signature = derSignature(sign(raw.hashForSignature(0, p2pkh(hash160(key)), 1), secretKey))
      raw.setInputScript(0, Uint8Array.of(signature.length, ...signature, key.length, ...key))
      assert.equal(digits(raw.toBuffer()), at('funding tx'))
    },
  }
}

interface AppendixC {
  readonly common: Json
  readonly internal_secrets: Json
  readonly tests: readonly {
    readonly name: string
    readonly to_local_msat: number
    readonly to_remote_msat: number
    readonly local_feerate_per_kw: number
    readonly base_fee: number
    readonly outputs: readonly { readonly kind: string; readonly amount_sat: number; readonly wscript?: string }[]
    readonly htlcs: readonly { readonly output: number; readonly htlc: number; readonly signed_tx: string }[]
    readonly remote_signature: string
    readonly local_signature: string
    readonly signed_commit_tx: string
  }[]
}

function* commitmentCases(file: string, { common, internal_secrets, tests }: AppendixC): Iterable<Case> {
  yield {
    name: `${file} keys of all commitments`,
    check() {
      const terms = termsOf('plain', 0, 546)
      const { balance } = keys
      const { holder, other } = keys.htlc()
      const [factor = '', number = ''] = (common.obscured_commitment_number as string).split(' ^ ')
      assert.equal(terms.factor, Number(factor))
      assert.equal(obscured(obscured(Number(number), terms.factor), terms.factor), Number(number))
      assert.deepEqual([balance.revocation, balance.delayed, holder, other].map(digits), [
        common.local_revocation_pubkey,
        common.local_delayedpubkey,
        common.local_htlcpubkey,
        common.remote_htlcpubkey,
      ])
      assert.equal(digits(terms.fundingScript), common.funding_wscript)
      const delayed = commitmentSecretKey(secrets.localDelayed, currentEngine().publicKey(secrets.perCommitment))
      assert.deepEqual([htlcSecrets.local, htlcSecrets.remote, delayed].map(digits), [
        common.local_privkey?.slice(0, 64),
        internal_secrets.remote_privkey?.slice(0, 64),
        internal_secrets.local_delayed_privkey?.slice(0, 64),
      ])
    },
  }
  for (const test of tests) {
    const wanted = {
      toLocal: BigInt(test.to_local_msat),
      toRemote: BigInt(test.to_remote_msat),
      remoteSignature: test.remote_signature,
      commitment: test.signed_commit_tx,
      htlcs: test.htlcs.map(({ signed_tx }) => signed_tx),
    }
    yield {
      name: `${file} ${test.name}`,
      check() {
        const { outputs } = checkCommitment(termsOf('plain', test.local_feerate_per_kw, 546), wanted)
        // The text names the outputs in no order, and not always the balances.
        const made = outputs.map(({ value, witnessScript }) => `${value} ${witnessScript ? digits(witnessScript) : ''}`)
        for (const { amount_sat, wscript = '' } of test.outputs) assert.ok(made.includes(`${amount_sat} ${wscript}`))
        const numbers = outputs.flatMap((output) => (output.kind === 'htlc' ? [output.htlc.number] : []))
        assert.deepEqual(
          numbers,
          test.htlcs.map(({ htlc }) => htlc),
        )
      },
    }
  }
}

interface AnchorVector {
  readonly Name: string
  readonly LocalBalance: number
  readonly RemoteBalance: number
  readonly DustLimitSatoshis: number
  readonly FeePerKw: number
  readonly HtlcDescs: readonly { readonly RemoteSigHex: string; readonly ResolutionTxHex: string }[]
  readonly ExpectedCommitmentTxHex: string
  readonly RemoteSigHex: string
}

function* anchorCases(file: string, vectors: readonly AnchorVector[]): Iterable<Case> {
  for (const vector of vectors)
    yield {
      name: `${file} ${vector.Name}`,
      check() {
        checkCommitment(termsOf('anchors', vector.FeePerKw, vector.DustLimitSatoshis), {
          toLocal: BigInt(vector.LocalBalance),
          toRemote: BigInt(vector.RemoteBalance),
          remoteSignature: vector.RemoteSigHex,
          commitment: vector.ExpectedCommitmentTxHex,
          htlcs: vector.HtlcDescs.map(({ ResolutionTxHex }) => ResolutionTxHex),
        })
      },
    }
}

/** Makes and signs the commitment of a vector and all its HTLC transactions, and compares every byte. */
function checkCommitment(
  terms: CommitmentTerms,
  wanted: {
    readonly toLocal: bigint
    readonly toRemote: bigint
    readonly remoteSignature: string
    readonly commitment: string
    readonly htlcs: readonly string[]
  },
) {
  const { sign } = currentEngine()
  const inFlight = 1_000n * terms.capacity - wanted.toLocal - wanted.toRemote
  const content = {
    number: commitmentNumber,
    toHolder: msats(wanted.toLocal),
    toOther: msats(wanted.toRemote),
    htlcs: htlcsWorth(inFlight),
  }
  const made = commitmentOf(terms, content, keys)
  assert.equal(commitmentNumberOf(made.unsigned, terms.factor), commitmentNumber)
  const [local, remote] = [secrets.localFunding, secrets.remoteFunding].map((secret) => sign(made.digest, secret)) as [
    Uint8Array,
    Uint8Array,
  ]
  assert.equal(digits(derSignature(remote).slice(0, -1)), wanted.remoteSignature)
  const witness = fundingWitness(terms.fundingScript, [
    { publicKey: terms.fundingKeys.holder, signature: local },
    { publicKey: terms.fundingKeys.other, signature: remote },
  ])
  assert.equal(digits(encodeTransaction(made.unsigned, [witness])), wanted.commitment)

  const parts = { txid: txidOfUnsigned(made.unsigned), balance: keys.balance }
  const second = htlcTransactions(terms, made, parts).map((transaction) => {
    const { kind, unsigned, digest, spent, htlc } = transaction
    const raw = rawTransaction(unsigned)
    const own = raw.hashForWitnessV0(0, spent.witnessScript, spent.value, 1)
    const signatures = { other: sign(digest, htlcSecrets.remote), holder: sign(own, htlcSecrets.local) }
    const witness = htlcWitness(transaction, terms, signatures, kind === 'success' ? htlc.preimage : null)
    return digits(encodeTransaction(unsigned, [witness]))
  })
  assert.deepEqual(second, wanted.htlcs)
  return made
}

/** The appendices have commitments without HTLCs, with the first five, and with the second and the last two: their sum tells. */
function htlcsWorth(inFlight: bigint) {
  const sets = [[], [0, 1, 2, 3, 4], [1, 5, 6]].map((numbers) => htlcs.filter(({ number }) => numbers.includes(number)))
  const found = sets.find((set) => set.reduce((sum, { amount }) => sum + amount, 0n) === inFlight)
  // A fee that takes all of the funder's balance is not told apart from one that does not.
  assert.ok(found, 'HTLCs of this sum are known')
  return found
}

interface AppendixD {
  readonly generation: readonly Json[]
  readonly storage: readonly { readonly name: string; readonly steps: readonly Json[] }[]
}

function* secretCases(file: string, { generation, storage }: AppendixD): Iterable<Case> {
  for (const { name, seed, I, output } of generation)
    yield {
      name: `${file} ${name}`,
      check: () => assert.equal(toHex(secretAt(hex(seed as string), Number(I))), output),
    }
  for (const { name, steps } of storage)
    yield {
      name: `${file} ${name}`,
      check() {
        let store: SecretStore = []
        for (const { I, secret = '', output } of steps) {
          const next = withSecret(store, { index: Number(I), secret: hex(secret) })
          assert.equal(next ? 'OK' : 'ERROR', output)
          store = next ?? store
          if (output === 'OK') assert.equal(toHex(revealedSecret(store, Number(I)) ?? new Uint8Array()), secret)
        }
        if (steps.some(({ output }) => output === 'ERROR')) return
        for (const { I, secret } of steps)
          assert.equal(toHex(revealedSecret(store, Number(I)) ?? new Uint8Array()), secret)
        assert.equal(revealedSecret(store, Number(steps.at(-1)?.I) - 1), undefined)
      },
    }
}

function* keyCases(file: string, json: Json): Iterable<Case> {
  const at = (name: string) => hex(json[name] as string)
  const made: Readonly<Record<string, () => Uint8Array>> = {
    base_point: () => currentEngine().publicKey(at('base_secret')),
    per_commitment_point: () => currentEngine().publicKey(at('per_commitment_secret')),
    localpubkey: () => commitmentKey(at('base_point'), at('per_commitment_point')),
    localprivkey: () => commitmentSecretKey(at('base_secret'), at('per_commitment_point')),
    revocationpubkey: () => revocationKey(at('base_point'), at('per_commitment_point')),
    revocationprivkey: () =>
      revocationSecretKey(
        { secret: at('base_secret'), point: at('base_point') },
        { secret: at('per_commitment_secret'), point: at('per_commitment_point') },
      ),
  }
  for (const [name, make] of Object.entries(made))
    yield { name: `${file} ${name}`, check: () => assert.equal(toHex(make()), json[name]) }
}

function digits(bytes: Uint8Array): string {
  return toHex(bytes).slice(2)
}
