import { Psbt as LibraryPsbt } from 'bitcoinjs-lib/src/psbt'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Account,
  accountOutput,
  applySignatures,
  type Candidate,
  combinePsbts,
  createPsbt,
  type DerivedKey,
  decodePsbt,
  decodeTransaction,
  dustLimit,
  encodeTransaction,
  finalizePsbt,
  hardened,
  type InputSignature,
  inputWeightMax,
  type Psbt,
  psbtPartsMax,
  reviewPsbt,
  type SigningRequest,
  type SpendInput,
  type SpendOutput,
  selectCoins,
  sequenceReplaceable,
  signingRequests,
} from '../../../sdk/bitcoin/index.ts'
import { encodeMultisig } from '../../../sdk/bitcoin/multisig.ts'
import { p2pkh, p2sh, p2wpkh, p2wsh, witnessScriptPubKey } from '../../../sdk/bitcoin/script.ts'
import { txidBytes, txidOfUnsigned } from '../../../sdk/bitcoin/transaction.ts'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import { feerate, fromHex, height, sats, txid } from '../../../sdk/units.ts'
import { multisigOf3, seeded, trAccount, wpkhAccount } from './fixtures.ts'
import { must } from './must.ts'

const rate = feerate(5_000)
const feerateMax = feerate(100_000)
const stranger = witnessScriptPubKey(0, new Uint8Array(20).fill(7))
const changePath = { chain: 'change', index: 0 } as const

/** What the holder of a seed answers to the requests for its keys. */
function answers(seed: number, requests: readonly SigningRequest[]): InputSignature[] {
  const { fingerprint, secretKeyAt } = seeded(seed)
  return requests
    .filter(({ key }) => key.fingerprint === fingerprint)
    .map(({ input, scheme, digest, key, tweak }) => {
      const engine = currentEngine()
      const { publicKey, path } = key
      if (scheme === 'ecdsa') return { input, publicKey, signature: engine.sign(digest, secretKeyAt(path)) }
      const tweaked = tweak && engine.tweakXOnlySecretKey(secretKeyAt(path), tweak)
      if (!tweaked) throw new Error('A taproot request has a tweak.')
      return { input, publicKey, signature: engine.schnorrSign(digest, tweaked, new Uint8Array(32)) }
    })
}

let funded = 0

/** A coin of the account, and a transaction that made it. */
function fund(account: Account, value: bigint): SpendInput & { readonly previous: Uint8Array } {
  const keyPath = { chain: 'receive', index: funded % 3 } as const
  const { script } = accountOutput(account, keyPath)
  funded += 1
  const unsigned = {
    version: 2,
    inputs: [{ outpoint: { txid: txid(funded.toString(16).padStart(64, '0')), index: 0 }, sequence: 0xffffffff }],
    outputs: [
      { script: Uint8Array.of(0x51), value: sats(1_000n) },
      { script, value: sats(value) },
    ],
    locktime: 0,
  }
  const outpoint = { txid: txidOfUnsigned(unsigned), index: 1 }
  const coin = { outpoint, value: sats(value), script, height: height(100), coinbase: false, keyPath }
  return { coin, account, previous: encodeTransaction(unsigned, [[Uint8Array.of(1)]]) }
}

function candidateOf({ coin, account }: SpendInput): Candidate {
  return { coin, inputWeight: inputWeightMax(account[coin.keyPath.chain]) }
}

/** Pays `amount` from an account, change back to it. */
function spend(account: Account, inputs: readonly SpendInput[], amount: bigint): Psbt {
  const payment: SpendOutput = { script: stranger, value: sats(amount) }
  const selection = selectCoins({
    candidates: inputs.map(candidateOf),
    outputs: [payment],
    changeScript: accountOutput(account, changePath).script,
    feerate: rate,
  })
  if (!selection.ok) throw new Error(selection.reason)
  const change = selection.change ? [{ ...selection.change, ours: { account, keyPath: changePath } }] : []
  const chosen = selection.candidates.map(({ coin }) => inputs.find((input) => input.coin === coin) as SpendInput)
  return must(createPsbt({ inputs: chosen, outputs: [payment, ...change], locktime: height(812) }))
}

function signedBy(psbt: Psbt, ...seeds: readonly number[]): Psbt {
  return seeds.reduce(
    (next, seed) => must(applySignatures(next, answers(seed, must(signingRequests(next, feerateMax))))),
    psbt,
  )
}

/** The PSBT after a change that no honest program makes. */
function tampered(psbt: Psbt, change: (library: LibraryPsbt) => void): Psbt {
  const library = LibraryPsbt.fromBuffer(psbt.slice())
  change(library)
  return must(decodePsbt(library.toBuffer()))
}

const accounts = [
  ['BIP-84', wpkhAccount(), [1]],
  ['BIP-86', trAccount(), [1]],
  ['2 of 3', multisigOf3(), [1, 3]],
] as const

describe.each(accounts)('a %s payment', (_, account, seeds) => {
  const inputs = [fund(account, 40_000n), fund(account, 70_000n), fund(account, 5_000n)]

  it('is made, signed and finished, and comes out as planned', () => {
    const psbt = spend(account, inputs, 90_000n)
    const signed = must(finalizePsbt(signedBy(psbt, ...seeds), feerateMax))
    const transaction = must(decodeTransaction(signed.bytes))
    expect(transaction).toMatchObject({ txid: signed.txid, version: 2, locktime: 812, weight: signed.weight })
    expect(transaction.inputs.map(({ sequence }) => sequence)).toEqual([sequenceReplaceable, sequenceReplaceable])
    expect(transaction.inputs.every(({ scriptSig }) => scriptSig.length === 0)).toBe(true)
    const change = 110_000n - 90_000n - signed.fee
    expect(transaction.outputs.map(({ value }) => value)).toEqual([change, 90_000n].sort((a, b) => Number(a - b)))
    // Signatures are a byte or two shorter than planned for.
    const review = must(reviewPsbt(psbt, account))
    expect(review).toMatchObject({ fee: signed.fee, spent: 90_000n + signed.fee })
    expect(signed.weight).toBeLessThanOrEqual(review.weight)
    expect(signed.weight).toBeGreaterThan(review.weight - 5 * seeds.length * transaction.inputs.length)
  })

  it('asks each key once, until it has answered', () => {
    const psbt = spend(account, inputs, 90_000n)
    const requests = must(signingRequests(psbt, feerateMax))
    expect(requests).toHaveLength(2 * accountOutput(account, changePath).keys.length)
    expect(new Set(requests.map(({ key }) => key.fingerprint)).size).toBe(requests.length / 2)
    const [seed] = seeds
    const left = must(signingRequests(signedBy(psbt, seed), feerateMax))
    expect(left).toEqual(requests.filter(({ key }) => key.fingerprint !== seeded(seed).fingerprint))
  })

  it('takes equal answers twice, and wrong ones never', () => {
    const psbt = spend(account, inputs, 90_000n)
    const [seed] = seeds
    const given = answers(seed, must(signingRequests(psbt, feerateMax)))
    const once = must(applySignatures(psbt, given))
    expect(must(applySignatures(once, given))).toEqual(once)
    const [first, second] = given as [InputSignature, InputSignature]
    const flipped = first.signature.slice()
    flipped[40] = (flipped[40] as number) ^ 1
    for (const wrong of [
      { ...first, signature: flipped },
      { ...first, signature: second.signature },
      { ...first, signature: first.signature.subarray(0, 63) },
      { ...first, signature: new Uint8Array(64) },
      { ...first, input: 2 },
      ...(account.receive.kind === 'tr' ? [] : [{ ...first, publicKey: second.publicKey.slice().fill(2) }]),
    ])
      expect(applySignatures(psbt, [wrong]).ok).toBe(false)
  })

  it('is not finished without its signatures', () => {
    const psbt = spend(account, inputs, 90_000n)
    expect(finalizePsbt(psbt, feerateMax)).toMatchObject({ ok: false, reason: expect.stringContaining('signature') })
  })

  it('with an absurd fee is neither signed nor finished', () => {
    const [input] = inputs as [SpendInput]
    const outputs = [{ script: stranger, value: sats(dustLimit(stranger)) }]
    const psbt = must(createPsbt({ inputs: [input], outputs, locktime: height(0) }))
    const refusal = { ok: false, reason: expect.stringContaining('fee') }
    expect(signingRequests(psbt, feerateMax)).toMatchObject(refusal)
    expect(finalizePsbt(signedByForce(psbt), feerateMax)).toMatchObject(refusal)

    function signedByForce(psbt: Psbt): Psbt {
      const requests = must(signingRequests(psbt, feerate(10_000_000)))
      return must(
        applySignatures(
          psbt,
          seeds.flatMap((seed) => answers(seed, requests)),
        ),
      )
    }
  })

  it('of more than its coins is refused', () => {
    const [input] = inputs as [SpendInput]
    const psbt = must(
      createPsbt({ inputs: [input], outputs: [{ script: stranger, value: sats(40_001n) }], locktime: height(0) }),
    )
    expect(signingRequests(psbt, feerateMax).ok).toBe(false)
    expect(reviewPsbt(psbt, account).ok).toBe(false)
  })

  it('with a sighash that leaves something open is not signed', () => {
    for (const sighashType of [2, 3, 0x81, 0x82]) {
      const open = tampered(spend(account, inputs, 90_000n), (library) => library.updateInput(0, { sighashType }))
      expect(signingRequests(open, feerateMax)).toMatchObject({ ok: false, reason: expect.stringContaining('cover') })
    }
  })

  it('that lies about an amount is not signed', () => {
    const lie = tampered(spend(account, inputs, 90_000n), (library) => {
      const input = library.data.inputs[0] as (typeof library.data.inputs)[0]
      input.witnessUtxo = { script: input.witnessUtxo?.script ?? stranger, value: 41_000n }
    })
    expect(signingRequests(lie, feerateMax)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('claims another'),
    })
  })

  it('never makes a function throw, whatever happens to its bytes', () => {
    const psbt = signedBy(spend(account, inputs, 90_000n), seeds[0])
    const given = answers(2, must(signingRequests(psbt, feerateMax)))
    fc.assert(
      fc.property(fc.nat({ max: psbt.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = psbt.slice()
        bytes[at] = (bytes[at] as number) ^ flip
        const decoded = decodePsbt(bytes)
        if (!decoded.ok) return
        signingRequests(decoded.value, feerateMax)
        reviewPsbt(decoded.value, account)
        applySignatures(decoded.value, given)
        finalizePsbt(decoded.value, feerateMax)
        combinePsbts(psbt, decoded.value)
      }),
      { numRuns: 40 },
    )
  })
})

describe('fields that do not go together', () => {
  it('are refused, never thrown over', () => {
    const psbts = accounts.map(([_, account, seeds]) =>
      signedBy(spend(account, [fund(account, 50_000n)], 30_000n), seeds[0]),
    )
    const fieldsOf = (psbt: Psbt) => Object.entries(LibraryPsbt.fromBuffer(psbt.slice()).data.inputs[0] ?? {})
    const foreign: readonly (readonly [string, unknown])[] = [
      ...psbts.flatMap(fieldsOf),
      ['redeemScript', stranger],
      ['tapMerkleRoot', new Uint8Array(32)],
      ['finalScriptWitness', Uint8Array.of(9)],
      ['finalScriptSig', new Uint8Array(0)],
      ['sighashType', 1],
    ]
    const mixed = fc.tuple(fc.constantFrom(...psbts), fc.subarray([...foreign], { minLength: 1, maxLength: 3 }))
    fc.assert(
      fc.property(mixed, ([psbt, fields]) => {
        const library = LibraryPsbt.fromBuffer(psbt.slice())
        for (const [name, value] of fields)
          Object.defineProperty(library.data.inputs[0], name, { value, enumerable: true, configurable: true })
        const decoded = decodePsbt(library.data.toBuffer())
        if (!decoded.ok) return
        for (const [, account] of accounts) reviewPsbt(decoded.value, account)
        const requests = signingRequests(decoded.value, feerateMax)
        if (requests.ok) applySignatures(decoded.value, answers(2, requests.value))
        finalizePsbt(decoded.value, feerateMax)
      }),
      { numRuns: 40 },
    )
  })
})

describe('the proof of amounts', () => {
  it.each([wpkhAccount(), multisigOf3()])('is the previous transaction, before taproot', (account) => {
    const input = fund(account, 50_000n)
    const outputs = [{ script: stranger, value: sats(49_000n) }]
    expect(createPsbt({ inputs: [{ ...input, previous: null }], outputs, locktime: height(0) })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('needs its previous transaction'),
    })
    const bare = tampered(must(createPsbt({ inputs: [input], outputs, locktime: height(0) })), (library) => {
      // The library keeps the bytes behind a setter, so the field is made anew.
      Object.defineProperty(library.data.inputs[0], 'nonWitnessUtxo', { value: undefined, enumerable: false })
    })
    expect(signingRequests(bare, feerateMax)).toMatchObject({
      ok: false,
      reason: 'input 0 does not prove its amount by the previous transaction',
    })
  })

  it('of taproot is the signature itself: another amount gives another digest', () => {
    const input = { ...fund(trAccount(), 50_000n), previous: null }
    const outputs = [{ script: stranger, value: sats(49_000n) }]
    const psbt = must(createPsbt({ inputs: [input], outputs, locktime: height(0) }))
    expect(finalizePsbt(signedBy(psbt, 1), feerateMax).ok).toBe(true)
    const lie = tampered(psbt, (library) => {
      const [fields] = library.data.inputs
      if (fields?.witnessUtxo) fields.witnessUtxo = { ...fields.witnessUtxo, value: 49_500n }
    })
    const digests = [psbt, lie].map((psbt) => must(signingRequests(psbt, feerateMax))[0]?.digest)
    expect(digests[0]).not.toEqual(digests[1])
  })

  it('is wanted of taproot too, beside inputs whose signatures do not cover it', () => {
    // One transaction, two PSBTs. Each proves one coin, and claims that the other is taproot and worth little.
    const mine = [fund(wpkhAccount(), 1_000_000n), fund(wpkhAccount(), 1_000_001n)]
    const outputs = [{ script: stranger, value: sats(1_000_000n) }]
    const honest = must(createPsbt({ inputs: mine, outputs, locktime: height(0) }))
    expect(signingRequests(honest, feerateMax)).toMatchObject({ ok: false, reason: expect.stringContaining('fee') })
    const { script } = accountOutput(trAccount(), changePath)
    for (const at of [0, 1]) {
      const lie = tampered(honest, (library) => {
        for (const name of ['nonWitnessUtxo', 'bip32Derivation'])
          Object.defineProperty(library.data.inputs[at], name, { value: undefined, enumerable: false })
        Object.assign(library.data.inputs[at] as object, { witnessUtxo: { script, value: 1_000n } })
      })
      expect(signingRequests(lie, feerateMax)).toEqual({
        ok: false,
        reason: `input ${at} does not prove its amount by the previous transaction`,
      })
    }
    const mixed = [fund(wpkhAccount(), 9_000n), { ...fund(trAccount(), 9_000n), previous: null }]
    expect(
      createPsbt({ inputs: mixed, outputs: [{ script: stranger, value: sats(17_000n) }], locktime: height(0) }).ok,
    ).toBe(false)
  })

  it('is refused in a PSBT of others when it is of another transaction, or is none', () => {
    const psbt = spend(wpkhAccount(), [fund(wpkhAccount(), 50_000n)], 40_000n)
    const made = must(decodeTransaction(fund(wpkhAccount(), 50_000n).previous))
    for (const [previous, reason] of [
      [encodeTransaction(made), 'input 0 has a previous transaction of another name'],
      [Uint8Array.of(1, 2, 3), 'input 0 has a previous transaction of another name'],
    ] as const) {
      const lie = tampered(psbt, (library) => {
        Object.defineProperty(library.data.inputs[0], 'nonWitnessUtxo', { value: previous, enumerable: true })
      })
      expect(signingRequests(lie, feerateMax)).toEqual({ ok: false, reason })
    }
  })

  it('is refused when it is of another transaction, or lacks the output', () => {
    const input = fund(wpkhAccount(), 50_000n)
    const outputs = [{ script: stranger, value: sats(49_000n) }]
    const make = (change: Partial<SpendInput>) =>
      createPsbt({ inputs: [{ ...input, ...change }], outputs, locktime: height(0) }).ok
    expect(make({})).toBe(true)
    expect(make({ previous: fund(wpkhAccount(), 50_000n).previous })).toBe(false)
    expect(make({ previous: Uint8Array.of(1, 2, 3) })).toBe(false)
    expect(make({ coin: { ...input.coin, value: sats(50_001n) } })).toBe(false)
    expect(make({ coin: { ...input.coin, outpoint: { ...input.coin.outpoint, index: 2 } } })).toBe(false)
    expect(make({ coin: { ...input.coin, keyPath: { chain: 'change', index: 9 } } })).toBe(false)
    expect(make({ account: trAccount() })).toBe(false)
  })
})

describe('a 2 of 3 payment among signers', () => {
  const account = multisigOf3()
  const inputs = [fund(account, 60_000n)]

  it('is joined from copies signed apart, in any order', () => {
    const psbt = spend(account, inputs, 30_000n)
    const [a, c] = [signedBy(psbt, 1), signedBy(psbt, 3)]
    const one = must(finalizePsbt(must(combinePsbts(a, c)), feerateMax))
    const other = must(finalizePsbt(must(combinePsbts(c, a)), feerateMax))
    expect(one).toEqual(other)
    expect(one).toEqual(must(finalizePsbt(signedBy(psbt, 3, 1), feerateMax)))
  })

  it('waits for the second signature, and does with three', () => {
    const psbt = spend(account, inputs, 30_000n)
    expect(finalizePsbt(signedBy(psbt, 2), feerateMax)).toEqual({ ok: false, reason: 'input 0 has 1 of 2 signatures' })
    const witness = (signed: Psbt) =>
      must(decodeTransaction(must(finalizePsbt(signed, feerateMax)).bytes)).inputs[0]?.witness
    expect(witness(signedBy(psbt, 1, 2, 3))).toHaveLength(4)
    expect(witness(signedBy(psbt, 1, 2))).toHaveLength(4)
  })

  it('is not joined with another payment', () => {
    const psbt = spend(account, inputs, 30_000n)
    expect(combinePsbts(psbt, spend(account, inputs, 30_001n)).ok).toBe(false)
    expect(combinePsbts(psbt)).toEqual({ ok: true, value: psbt })
  })

  it('is not finished with a wrong signature that somebody else put in', () => {
    const psbt = spend(account, inputs, 30_000n)
    const [other] = signedByLibrary(signedBy(spend(account, inputs, 29_000n), 3))
    const poisoned = tampered(signedBy(psbt, 1), (library) => library.updateInput(0, { partialSig: [other] }))
    expect(finalizePsbt(poisoned, feerateMax)).toEqual({ ok: false, reason: 'input 0 has a wrong signature' })
    // The right one takes its place.
    const given = answers(3, must(signingRequests(psbt, feerateMax)))
    expect(finalizePsbt(must(applySignatures(poisoned, given)), feerateMax).ok).toBe(true)

    function signedByLibrary(psbt: Psbt) {
      return LibraryPsbt.fromBuffer(psbt.slice()).data.inputs[0]?.partialSig as [
        { pubkey: Uint8Array; signature: Uint8Array },
      ]
    }
  })
})

describe('a PSBT of another wallet', () => {
  const { hash160 } = currentEngine()
  const [key, second] = accountOutput(multisigOf3(), changePath).keys as [DerivedKey, DerivedKey]
  const multisig = encodeMultisig({ required: 2, publicKeys: [key.publicKey, second.publicKey] })
  const program = p2wpkh(key.publicKey)

  /** An input that pays to `script`, its keys named as the owner's wallet would. */
  function imported(script: Uint8Array, fields: object = {}): Psbt {
    const transaction = {
      version: 2,
      inputs: [{ outpoint: { txid: txid('44'.repeat(32)), index: 0 }, sequence: 0 }],
      outputs: [{ script, value: sats(20_000n) }],
      locktime: 0,
    }
    const library = new LibraryPsbt()
    library.addInput({
      hash: txidBytes(txidOfUnsigned(transaction)),
      index: 0,
      nonWitnessUtxo: encodeTransaction(transaction),
      bip32Derivation: [key, second].map(({ publicKey, fingerprint, path }) => ({
        pubkey: publicKey,
        masterFingerprint: fromHex(`0x${fingerprint}`),
        path: ['m', ...path.map((step) => (step >= hardened ? `${step - hardened}'` : step))].join('/'),
      })),
      ...fields,
    })
    library.addOutput({ script: stranger, value: 19_000n })
    return must(decodePsbt(library.toBuffer()))
  }

  it.each([
    ['P2PKH', p2pkh(hash160(key.publicKey)), {}, 1, 0],
    ['P2SH-P2WPKH', p2sh(hash160(program)), { redeemScript: program }, 1, 2],
    ['P2SH multisig', p2sh(hash160(multisig)), { redeemScript: multisig }, 2, 0],
    [
      'P2SH-P2WSH multisig',
      p2sh(hash160(p2wsh(multisig))),
      { redeemScript: p2wsh(multisig), witnessScript: multisig },
      2,
      4,
    ],
    ['bare multisig', multisig, {}, 2, 0],
  ])('is signed and finished, of %s', (_, script, fields, required, stack) => {
    const psbt = imported(script, fields)
    const requests = must(signingRequests(psbt, feerateMax))
    expect(requests).toHaveLength(required)
    const seeds = [1, 2, 3].filter((seed) => requests.some(({ key }) => key.fingerprint === seeded(seed).fingerprint))
    const signed = must(finalizePsbt(signedBy(psbt, ...seeds), feerateMax))
    const [input] = must(decodeTransaction(signed.bytes)).inputs
    expect(input?.witness).toHaveLength(stack)
    expect(input?.scriptSig.length).toBeGreaterThan(stack === 0 ? 100 : 20)
  })

  it.each([
    ['a redeem script of another output', p2sh(hash160(program)), { redeemScript: p2wpkh(second.publicKey) }],
    ['no redeem script', p2sh(hash160(program)), {}],
    ['a witness script of another output', p2wsh(multisig), { witnessScript: multisig.slice(1) }],
    ['taproot behind P2SH, which anybody can spend', p2sh(hash160(taprootScript())), { redeemScript: taprootScript() }],
    ['a script that is none of ours', p2wsh(Uint8Array.of(0x51)), { witnessScript: Uint8Array.of(0x51) }],
    ['data', Uint8Array.of(0x6a), {}],
  ])('is refused with %s', (_, script, fields) => {
    expect(signingRequests(imported(script, fields), feerateMax)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^input 0 has a (redeem |witness )?script that/),
    })
  })

  function taprootScript(): Uint8Array {
    return accountOutput(trAccount(), changePath).script
  }
})

describe('a review', () => {
  const account = wpkhAccount()

  it('counts change as ours by deriving it, and a stranger that claims our path as paid', () => {
    const psbt = spend(account, [fund(account, 60_000n)], 30_000n)
    const review = must(reviewPsbt(psbt, account))
    expect(review.outputs.map(({ ours }) => ours)).toEqual([changePath, null])
    expect(review.inputs[0]?.ours).toMatchObject({ chain: 'receive' })
    const lie = tampered(psbt, (library) => {
      const claim = library.data.outputs.find(({ bip32Derivation }) => bip32Derivation)
      const victim = library.data.outputs.find(({ bip32Derivation }) => !bip32Derivation)
      Object.assign(victim as object, { bip32Derivation: claim?.bip32Derivation })
    })
    expect(must(reviewPsbt(lie, account)).spent).toBe(review.spent)
  })

  it('of a payment between two accounts shows each its own', () => {
    const other = trAccount()
    const keyPath = { chain: 'receive', index: 4 } as const
    const { script } = accountOutput(other, keyPath)
    const psbt = must(
      createPsbt({
        inputs: [fund(account, 60_000n), fund(other, 10_000n)],
        outputs: [{ script, value: sats(69_000n), ours: { account: other, keyPath } }],
        locktime: height(0),
      }),
    )
    expect(must(reviewPsbt(psbt, account))).toMatchObject({ spent: 60_000n, fee: 1_000n })
    expect(must(reviewPsbt(psbt, other))).toMatchObject({ spent: -59_000n, outputs: [{ ours: keyPath }] })
    expect(finalizePsbt(signedBy(psbt, 1), feerateMax).ok).toBe(true)
  })
})

describe('a PSBT', () => {
  const account = wpkhAccount()

  it('is refused with bytes behind it, cut, and as garbage', () => {
    const psbt = spend(account, [fund(account, 60_000n)], 30_000n)
    expect(decodePsbt(psbt)).toEqual({ ok: true, value: psbt })
    expect(decodePsbt(Uint8Array.of(...psbt, 0)).ok).toBe(false)
    for (let cut = 0; cut < psbt.length; cut += 7) expect(decodePsbt(psbt.subarray(0, cut)).ok).toBe(false)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => !decodePsbt(bytes).ok))
  })

  it('of a coin twice, or of too many parts, is not made', () => {
    const input = fund(account, 60_000n)
    const output = { script: stranger, value: sats(1_000n) }
    expect(createPsbt({ inputs: [input, input], outputs: [output], locktime: height(0) }).ok).toBe(false)
    const outputs = Array.from({ length: psbtPartsMax + 1 }, () => output)
    expect(createPsbt({ inputs: [input], outputs, locktime: height(0) }).ok).toBe(false)
  })

  it('does not say that an output is ours that is not', () => {
    const outputs = [{ script: stranger, value: sats(1_000n), ours: { account, keyPath: changePath } }]
    expect(createPsbt({ inputs: [fund(account, 60_000n)], outputs, locktime: height(0) }).ok).toBe(false)
  })

  it('keeps fields it does not know', () => {
    const psbt = tampered(spend(account, [fund(account, 60_000n)], 30_000n), (library) => {
      library.addUnknownKeyValToInput(0, { key: Uint8Array.of(0xf0, 1), value: Uint8Array.of(5) })
    })
    const known = LibraryPsbt.fromBuffer(signedBy(psbt, 1).slice()).data.inputs[0]?.unknownKeyVals
    expect(known).toEqual([{ key: Uint8Array.of(0xf0, 1), value: Uint8Array.of(5) }])
  })
})
