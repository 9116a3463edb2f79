import assert from 'node:assert/strict'
import { currentEngine } from '../../sdk/crypto/engine.ts'
import {
  aggregateMusigKeys,
  aggregateMusigNonces,
  joinMusigParts,
  type Musig,
  type MusigTweak,
  makeMusigNonce,
  signMusigPart,
  sortMusigKeys,
  verifyMusigPart,
} from '../../sdk/crypto/musig2.ts'
import { fromHex, toHex } from '../../sdk/units.ts'
import type { Case } from './suite.ts'

type Hex = string

interface Fault {
  readonly error?: { readonly type: string; readonly signer?: number | null }
  readonly comment?: string
}

interface Lists {
  readonly key_indices: readonly number[]
  readonly nonce_indices: readonly number[]
  readonly tweak_indices?: readonly number[]
  readonly is_xonly?: readonly boolean[]
}

/** One of the seven files of BIP-327, told by its fields. */
export interface Bip327 {
  readonly sk: Hex
  readonly pubkeys: readonly Hex[]
  readonly sorted_pubkeys?: readonly Hex[]
  readonly tweaks: readonly Hex[]
  readonly pnonces?: readonly Hex[]
  readonly secnonces?: readonly Hex[]
  readonly secnonce?: Hex
  readonly aggnonces: readonly Hex[]
  readonly aggnonce: Hex
  readonly msgs: readonly Hex[]
  readonly msg: Hex
  readonly psigs?: readonly Hex[]
  readonly test_cases?: readonly NonceCase[]
  readonly valid_test_cases: readonly never[]
  readonly error_test_cases: readonly never[]
  readonly sign_error_test_cases: readonly SignCase[]
  readonly verify_fail_test_cases: readonly VerifyCase[]
  readonly verify_error_test_cases: readonly VerifyCase[]
}

interface NonceCase extends Record<'sk' | 'aggpk' | 'msg' | 'extra_in', Hex | null> {
  readonly rand_: Hex
  readonly pk: Hex
  readonly expected_secnonce: Hex
  readonly expected_pubnonce: Hex
}

interface SignCase extends Lists, Fault {
  readonly aggnonce_index?: number
  readonly aggnonce?: Hex
  readonly msg_index?: number
  readonly signer_index: number
  readonly secnonce_index?: number
  readonly expected: Hex
}

interface VerifyCase extends Lists, Fault {
  readonly sig: Hex
  readonly msg_index: number
  readonly signer_index: number
}

/** True for any of the seven. */
export function isBip327(json: object): boolean {
  return 'sorted_pubkeys' in json || 'pnonces' in json || 'secnonces' in json || isOneOf(json, 'rand_', 'key_indices')
}

function isOneOf(json: object, ...fields: readonly string[]): boolean {
  const lists = Object.values(json).filter(Array.isArray)
  return lists.some(([first]) => typeof first === 'object' && first !== null && fields.some((field) => field in first))
}

/** BIP-327: MuSig2, as @scure/btc-signer does it behind this SDK's door. */
export function* bip327Cases(file: string, json: Bip327): Iterable<Case> {
  if (json.sorted_pubkeys) yield* keySortCases(file, json, json.sorted_pubkeys)
  else if (json.test_cases) yield* nonceCases(file, json.test_cases)
  else if (json.psigs) yield* joinCases(file, json, json.psigs)
  else if (json.secnonces) yield* signCases(file, json, json.secnonces)
  else if (json.secnonce) yield* tweakCases(file, json, json.secnonce)
  else if (json.pnonces) yield* nonceSumCases(file, json, json.pnonces)
  else yield* keySumCases(file, json)
}

function* keySortCases(file: string, { pubkeys }: Bip327, sorted: readonly Hex[]): Iterable<Case> {
  yield { name: `${file} sorted`, check: () => assert.deepEqual(sortMusigKeys(all(pubkeys)).map(digits), sorted) }
}

function* keySumCases(file: string, { pubkeys, tweaks, ...cases }: Bip327): Iterable<Case> {
  const made = (one: Lists) => aggregateMusigKeys(picked(pubkeys, one.key_indices), tweaksOf(tweaks, one))
  for (const one of cases.valid_test_cases as readonly (Lists & { expected: Hex })[])
    yield { name: `${file} ${one.key_indices}`, check: () => assert.equal(digits(must(made(one))), one.expected) }
  for (const one of cases.error_test_cases as readonly (Lists & Fault)[])
    yield { name: `${file} ${one.comment}`, check: () => refused(made(one), one) }
}

function* nonceCases(file: string, cases: readonly NonceCase[]): Iterable<Case> {
  for (const [at, one] of cases.entries())
    yield {
      name: `${file} ${at}`,
      check() {
        const optional = (name: 'sk' | 'aggpk' | 'msg' | 'extra_in') =>
          one[name] === null ? undefined : bytes(one[name])
        const fields = {
          secretKey: optional('sk'),
          aggregateKey: optional('aggpk'),
          message: optional('msg'),
          extra: optional('extra_in'),
        }
        const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
        const nonce = makeMusigNonce({ random: bytes(one.rand_), publicKey: bytes(one.pk), ...known })
        assert.deepEqual([digits(nonce.secret), digits(nonce.public)], [one.expected_secnonce, one.expected_pubnonce])
      },
    }
}

function* nonceSumCases(file: string, { ...cases }: Bip327, nonces: readonly Hex[]): Iterable<Case> {
  type Sum = Fault & { readonly pnonce_indices: readonly number[]; readonly expected: Hex }
  const made = (one: Sum) => aggregateMusigNonces(picked(nonces, one.pnonce_indices))
  for (const one of cases.valid_test_cases as readonly Sum[])
    yield { name: `${file} ${one.pnonce_indices}`, check: () => assert.equal(digits(must(made(one))), one.expected) }
  for (const one of cases.error_test_cases as readonly Sum[])
    yield { name: `${file} ${one.comment}`, check: () => refused(made(one), one) }
}

function* signCases(file: string, json: Bip327, secnonces: readonly Hex[]): Iterable<Case> {
  const { pubkeys, aggnonces, msgs, sk, pnonces = [] } = json
  const sign = (one: SignCase) => {
    const publicKeys = picked(pubkeys, one.key_indices)
    const terms = {
      nonce: bytes(aggnonces[one.aggnonce_index ?? 0]),
      publicKeys,
      message: bytes(msgs[one.msg_index ?? 0]),
    }
    return signMusigPart(terms, bytes(secnonces[one.secnonce_index ?? 0]), bytes(sk))
  }
  const verify = (one: Omit<VerifyCase, 'sig'>, part: Uint8Array) =>
    verifyMusigPart(
      { publicKeys: picked(pubkeys, one.key_indices), message: bytes(msgs[one.msg_index]) },
      { part, nonces: picked(pnonces, one.nonce_indices), signer: one.signer_index },
    )
  for (const [at, one] of (json.valid_test_cases as readonly (SignCase & VerifyCase)[]).entries())
    yield {
      name: `${file} valid ${at}`,
      check() {
        const part = must(sign(one))
        assert.equal(digits(part), one.expected)
        assert.equal(must(verify(one, part)), true)
      },
    }
  for (const one of json.sign_error_test_cases)
    yield { name: `${file} ${one.comment}`, check: () => refused(sign(one), one) }
  for (const one of json.verify_fail_test_cases)
    yield {
      name: `${file} ${one.comment}`,
      check() {
        const judged = verify(one, bytes(one.sig))
        assert.ok(!judged.ok || !judged.value)
      },
    }
  for (const one of json.verify_error_test_cases)
    yield { name: `${file} ${one.comment}`, check: () => refused(verify(one, bytes(one.sig)), one) }
}

function* tweakCases(file: string, json: Bip327, secnonce: Hex): Iterable<Case> {
  const made = (one: Lists) => {
    const tweaks = tweaksOf(json.tweaks, one)
    const publicKeys = picked(json.pubkeys, one.key_indices)
    return signMusigPart(
      { nonce: bytes(json.aggnonce), publicKeys, message: bytes(json.msg), tweaks },
      bytes(secnonce),
      bytes(json.sk),
    )
  }
  for (const one of json.valid_test_cases as readonly (SignCase & Fault)[])
    yield { name: `${file} ${one.comment}`, check: () => assert.equal(digits(must(made(one))), one.expected) }
  for (const one of json.error_test_cases as readonly SignCase[])
    yield { name: `${file} ${one.comment}`, check: () => refused(made(one), one) }
}

function* joinCases(file: string, json: Bip327, psigs: readonly Hex[]): Iterable<Case> {
  type Join = SignCase & { readonly psig_indices: readonly number[] }
  const termsOf = (one: Join) => ({
    nonce: bytes(one.aggnonce),
    publicKeys: picked(json.pubkeys, one.key_indices),
    message: bytes(json.msg),
    tweaks: tweaksOf(json.tweaks, one),
  })
  const made = (one: Join) => joinMusigParts(termsOf(one), picked(psigs, one.psig_indices))
  for (const [at, one] of (json.valid_test_cases as readonly Join[]).entries())
    yield {
      name: `${file} valid ${at}`,
      check() {
        const signature = must(made(one))
        assert.equal(digits(signature), one.expected)
        const { publicKeys, tweaks, message } = termsOf(one)
        const key = must(aggregateMusigKeys(publicKeys, tweaks))
        assert.ok(currentEngine().schnorrVerify(signature, message, key), 'it is a signature of BIP-340')
      },
    }
  for (const one of json.error_test_cases as readonly Join[])
    yield { name: `${file} ${one.comment}`, check: () => refused(made(one), one) }
}

function refused(judged: Musig<unknown>, { error }: Fault): void {
  assert.ok(!judged.ok)
  if (error?.type === 'invalid_contribution') assert.equal(judged.signer, error.signer ?? null)
}

function tweaksOf(tweaks: readonly Hex[], { tweak_indices = [], is_xonly = [] }: Lists): readonly MusigTweak[] {
  return tweak_indices.map((index, at) => ({ tweak: bytes(tweaks[index]), isXOnly: is_xonly[at] === true }))
}

function picked(list: readonly Hex[], indices: readonly number[]): readonly Uint8Array[] {
  return indices.map((index) => bytes(list[index]))
}

function all(list: readonly Hex[]): readonly Uint8Array[] {
  return list.map(bytes)
}

function bytes(text: Hex | undefined): Uint8Array {
  return fromHex(`0x${text}`)
}

function digits(value: Uint8Array): string {
  return toHex(value).slice(2).toUpperCase()
}

function must<value>(judged: Musig<value>): value {
  assert.ok(judged.ok, judged.ok ? '' : judged.reason)
  return judged.value
}
