import { createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { memory } from '../../../sdk/adapters/memory.ts'
import { systemRandom } from '../../../sdk/adapters/system.ts'
import { webCipher } from '../../../sdk/adapters/webCipher.ts'
import { currentEngine, keccak256 } from '../../../sdk/crypto/engine.ts'
import { SdkError } from '../../../sdk/errors.ts'
import { accountsMax, addressOfKey, entropyOf, parseMnemonic } from '../../../sdk/keys/index.ts'
import type { Cipher, SignRequest, Store, StoredRecord, StoreWrite } from '../../../sdk/ports.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../../sdk/rlp.ts'
import { type Address, fromHex, type Hex, toHex } from '../../../sdk/units.ts'
import { createVault, openVault, passwordBytesMax, type Vault } from '../../../sdk/wallet/vault.ts'
import {
  decodeContent,
  decodeRecord,
  kdfIterationsDefault,
  kdfIterationsMax,
  kdfIterationsMin,
  type SealedRecord,
} from '../../../sdk/wallet/vaultRecord.ts'
import { refusalOf } from '../../contracts/contract.ts'
import { must, testAccounts, testMnemonic } from '../keys/published.ts'

const password = 'correct horse'
const web = webCipher()
/** WebCrypto, with the password's derivation made quick: which iterations are asked for is tested, their cost is not. */
const cipher: Cipher = {
  ...web,
  pbkdf2: (input) =>
    web.pbkdf2(input.hash === 'SHA-256' ? { ...input, iterations: Math.ceil(input.iterations / 50_000) } : input),
}

/** A place for one vault, as tabs share it. */
function place() {
  const records = new Map<string, StoredRecord>()
  const ports = { store: memory(records), cipher, random: systemRandom }
  return { records, ports, create: { ...ports, password, mnemonic: testMnemonic }, open: { ...ports, password } }
}

function storedIn(records: ReadonlyMap<string, StoredRecord>): StoredRecord {
  return records.get('vault') as StoredRecord
}

function sealedIn(records: ReadonlyMap<string, StoredRecord>): SealedRecord {
  const record = must(decodeRecord(storedIn(records).bytes))
  if (record.kind !== 'sealed') throw new Error(record.what)
  return record
}

function request(account: string): SignRequest {
  const payload = new TextEncoder().encode('payload')
  return { kind: 'message', account: account as Address, digest: keccak256(payload), payload }
}

describe('createVault and openVault', () => {
  it('keep the same accounts, which sign', async () => {
    const { create, open } = place()
    const created = await createVault({ ...create, accounts: 3 })
    expect(await created.accounts()).toEqual(testAccounts)
    const opened = await openVault(open)
    expect(await opened.accounts()).toEqual(testAccounts)
    const asked = request(testAccounts[2] as string)
    const signature = await opened.sign(asked)
    const signer = currentEngine().recover(signature, asked.digest)
    expect(signer && addressOfKey(signer)).toBe(testAccounts[2])
    expect(await created.sign(asked)).toEqual(signature)
    expect(await refusalOf(opened.sign(request(`0x${'11'.repeat(20)}`)))).toBe('keys/unknown-account')
  })

  it('without a mnemonic make a new one each time', async () => {
    const [one, other] = await Promise.all(
      [place(), place()].map(async ({ ports }) => (await createVault({ ...ports, password })).revealMnemonic(password)),
    )
    expect(parseMnemonic(one as string).ok).toBe(true)
    expect(one?.split(' ').length).toBe(12)
    expect(one).not.toBe(other)
  })

  it('store a record that anyone can open by the documented format, and only with the password', async () => {
    const { records, ports } = place()
    const random = vi.fn(systemRandom)
    await createVault({ ...ports, cipher: web, random, password: 'A\u030angstro\u0308m', mnemonic: testMnemonic })
    const [associated, sealed] = listOf(storedIn(records).bytes)
    const [format, version, kdf, iterations, passwordSalt, sealSalt, aes, nonce] = listOf(associated)
    expect([format, kdf, aes].map(String)).toEqual(
      ['lanekit vault', 'PBKDF2-HMAC-SHA-256', 'AES-256-GCM'].map(bytesText),
    )
    expect([version, iterations]).toEqual([quantity(1), quantity(600_000)])
    expect(random.mock.results.map(({ value }) => value)).toEqual([passwordSalt, sealSalt, nonce])

    const passwordKey = pbkdf2Sync('\u00c5ngstr\u00f6m', passwordSalt as Uint8Array, 600_000, 32, 'sha256')
    const key = pbkdf2Sync(passwordKey, sealSalt as Uint8Array, 1, 32, 'sha256')
    const gcm = createDecipheriv('aes-256-gcm', key, nonce as Uint8Array).setAAD(associated as Uint8Array)
    gcm.setAuthTag((sealed as Uint8Array).subarray(-16))
    const content = Buffer.concat([gcm.update((sealed as Uint8Array).subarray(0, -16)), gcm.final()])
    expect(listOf(Uint8Array.from(content))).toEqual([entropyOf(must(parseMnemonic(testMnemonic))), quantity(1)])
  })

  it('still open a record of version 1 stored earlier', async () => {
    const { records, open } = place()
    records.set('vault', { version: 7, bytes: fromHex(storedEarlier) })
    const vault = await openVault({ ...open, cipher: web })
    expect(await vault.accounts()).toEqual(testAccounts.slice(0, 2))
  })

  it('take a password as the same however its letters are composed', async () => {
    const { create, open } = place()
    await createVault({ ...create, password: 'caf\u00e9' })
    expect(await refusalOf(openVault({ ...open, password: 'cafe\u0301' }))).toBe('none')
    expect(await refusalOf(openVault({ ...open, password: 'cafe' }))).toBe('vault/wrong-password')
  })

  it('use the iterations asked for, within the limits', async () => {
    const { records, create } = place()
    for (const kdfIterations of [0, 1.5, kdfIterationsMin - 1, kdfIterationsMax + 1, Number.NaN])
      expect(await refusalOf(createVault({ ...create, kdfIterations }))).toBe('units/out-of-range')
    await createVault({ ...create, kdfIterations: kdfIterationsMin })
    expect(sealedIn(records).header.iterations).toBe(kdfIterationsMin)
    expect(kdfIterationsDefault).toBe(600_000)
  })
})

describe('createVault', () => {
  it.each([
    ['an empty password', { password: '' }, 'vault/malformed-password'],
    ['an endless password', { password: 'x'.repeat(passwordBytesMax + 1) }, 'vault/malformed-password'],
    ['a long password in bytes', { password: '€'.repeat(passwordBytesMax / 2) }, 'vault/malformed-password'],
    ['half a surrogate pair', { password: 'x\ud800' }, 'vault/malformed-password'],
    ['a malformed mnemonic', { mnemonic: testMnemonic.replace('junk', 'jnuk') }, 'keys/malformed-mnemonic'],
    ['no accounts', { accounts: 0 }, 'units/out-of-range'],
    ['too many accounts', { accounts: accountsMax + 1 }, 'units/out-of-range'],
  ])('refuses %s, and stores nothing', async (_, wrong, code) => {
    const { records, create } = place()
    expect(await refusalOf(createVault({ ...create, ...wrong }))).toBe(code)
    expect(records.size).toBe(0)
  })

  it('never takes the place of a vault that is there, not even one it cannot read', async () => {
    const { records, create } = place()
    await createVault(create)
    const before = storedIn(records)
    const pbkdf2 = vi.fn(cipher.pbkdf2)
    const again = createVault({ ...create, cipher: { ...cipher, pbkdf2 }, password: 'another' })
    expect(await refusalOf(again)).toBe('store/conflict')
    expect(pbkdf2).not.toHaveBeenCalled()
    expect(storedIn(records)).toEqual(before)
    records.set('vault', { version: 1, bytes: new Uint8Array(3) })
    expect(await refusalOf(createVault(create))).toBe('store/conflict')
    expect(storedIn(records).bytes).toEqual(new Uint8Array(3))
  })

  it('of two that race one wins, and its password opens', async () => {
    const { create, open } = place()
    const passwords = ['one', 'other']
    const ends = await Promise.all(passwords.map((password) => refusalOf(createVault({ ...create, password }))))
    expect([...ends].sort()).toEqual(['none', 'store/conflict'])
    const winner = passwords[ends.indexOf('none')] as string
    expect(await refusalOf(openVault({ ...open, password: winner }))).toBe('none')
  })
})

describe('openVault', () => {
  it('tells a missing vault', async () => {
    expect(await refusalOf(openVault(place().open))).toBe('vault/missing')
  })

  it('tells a wrong password, loses nothing by it, and opens with the right one after', async () => {
    const { records, create, open } = place()
    await createVault(create)
    const before = storedIn(records)
    for (const wrong of ['', 'correct hors', 'Correct horse', `${password} `, 'x'.repeat(9_999), '\ud800'])
      expect(await refusalOf(openVault({ ...open, password: wrong }))).toBe('vault/wrong-password')
    expect(storedIn(records)).toEqual(before)
    expect(await refusalOf(openVault(open))).toBe('none')
  })

  const fields = async () => {
    const { records, create } = place()
    await createVault(create)
    const [associated, sealed] = listOf(storedIn(records).bytes)
    return { header: [...listOf(associated)], sealed: sealed as Uint8Array }
  }
  const withField = (at: number, value: RlpItem) => async () => {
    const { header, sealed } = await fields()
    header[at] = value
    return encodeRlp([encodeRlp(header), sealed])
  }

  it.each<[string, string, () => Promise<Uint8Array>]>([
    ['vault/malformed', 'no bytes', async () => new Uint8Array(0)],
    ['vault/malformed', 'other bytes', async () => new TextEncoder().encode('{"vault":1}')],
    ['vault/malformed', 'another format', withField(0, new TextEncoder().encode('lanekit walls'))],
    ['vault/malformed', 'iterations that weaken', withField(3, quantity(kdfIterationsMin - 1))],
    ['vault/malformed', 'iterations that stall', withField(3, quantity(kdfIterationsMax + 1))],
    ['vault/malformed', 'iterations beyond number', withField(3, quantity(1n << 90n))],
    ['vault/malformed', 'no iterations', withField(3, new Uint8Array(0))],
    ['vault/malformed', 'a short password salt', withField(4, new Uint8Array(15))],
    ['vault/malformed', 'a short seal salt', withField(5, new Uint8Array(0))],
    ['vault/malformed', 'a long nonce', withField(7, new Uint8Array(16))],
    ['vault/malformed', 'a list for a field', withField(4, [])],
    ['vault/malformed', 'a field more', withField(8, new Uint8Array(0))],
    [
      'vault/malformed',
      'less than a tag',
      async () => encodeRlp([encodeRlp((await fields()).header), new Uint8Array(15)]),
    ],
    [
      'vault/malformed',
      'a part more',
      async () => {
        const { header, sealed } = await fields()
        return encodeRlp([encodeRlp(header), sealed, sealed])
      },
    ],
    ['vault/unsupported', 'a newer version', withField(1, quantity(2))],
    ['vault/unsupported', 'another key derivation', withField(2, new TextEncoder().encode('argon2id'))],
    ['vault/unsupported', 'another cipher', withField(6, new TextEncoder().encode('AES-128-GCM'))],
  ])('says %s for %s, before any work on the password', async (code, _, bytes) => {
    const { records, open } = place()
    records.set('vault', { version: 1, bytes: await bytes() })
    const pbkdf2 = vi.fn(cipher.pbkdf2)
    expect(await refusalOf(openVault({ ...open, cipher: { ...cipher, pbkdf2 } }))).toBe(code)
    expect(pbkdf2).not.toHaveBeenCalled()
  })

  it('an altered byte anywhere opens nothing, and never asks for iterations beyond the limits', async () => {
    const { records, create, open } = place()
    await createVault(create)
    const { version, bytes } = storedIn(records)
    const asked: number[] = []
    const pbkdf2: Cipher['pbkdf2'] = (input) => {
      if (input.hash === 'SHA-256' && input.iterations > 1) asked.push(input.iterations)
      return web.pbkdf2({ ...input, iterations: 1 })
    }
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice()
      altered[at] = (altered[at] as number) ^ (1 << (at % 8))
      records.set('vault', { version, bytes: altered })
      const code = await refusalOf(openVault({ ...open, cipher: { ...cipher, pbkdf2 } }))
      expect(['vault/malformed', 'vault/unsupported', 'vault/wrong-password'], `byte ${at}`).toContain(code)
    }
    expect(asked.length).toBeGreaterThan(50)
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(kdfIterationsMin)
    expect(Math.max(...asked)).toBeLessThanOrEqual(kdfIterationsMax)
  })

  it('no bytes make the decoders throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        decodeRecord(bytes)
        decodeRecord(encodeRlp([encodeRlp([new TextEncoder().encode('lanekit vault'), quantity(1), bytes]), bytes]))
        decodeContent(bytes)
        decodeContent(encodeRlp([bytes, bytes]))
      }),
    )
  })

  it('passes on what the store says', async () => {
    const { open } = place()
    await open.store.close()
    expect(await refusalOf(openVault(open))).toBe('store/unavailable')
  })
})

describe('addAccount', () => {
  it('adds the next account, here and for whoever opens the vault later', async () => {
    const { create, open } = place()
    const vault = await createVault(create)
    expect(await vault.addAccount()).toBe(testAccounts[1])
    expect(await vault.accounts()).toEqual(testAccounts.slice(0, 2))
    const later = await openVault(open)
    expect(await later.accounts()).toEqual(testAccounts.slice(0, 2))
    expect(await later.addAccount()).toBe(testAccounts[2])
    expect(await vault.addAccount()).not.toBe(testAccounts[2])
    expect((await vault.accounts()).slice(0, 3)).toEqual(testAccounts)
  })

  it('changes nothing when the store does not take it', async () => {
    const { records, create } = place()
    const store = failing(create.store)
    const vault = await createVault({ ...create, store })
    const before = storedIn(records)
    store.fail('store/full')
    expect(await refusalOf(vault.addAccount())).toBe('store/full')
    expect(storedIn(records)).toEqual(before)
    expect(await vault.accounts()).toEqual(testAccounts.slice(0, 1))
    expect(await vault.addAccount()).toBe(testAccounts[1])
  })

  it('of two that race the slower is told, and no account is lost', async () => {
    const { create, open } = place()
    const one = await createVault(create)
    const other = await openVault(open)
    const ends = await Promise.all([refusalOf(one.addAccount()), refusalOf(other.addAccount())])
    expect(ends.sort()).toEqual(['none', 'store/conflict'])
    expect((await (await openVault(open)).accounts()).length).toBe(2)
  })

  it('ends at the most accounts a vault has', async () => {
    const { create } = place()
    const vault = await createVault({ ...create, accounts: accountsMax })
    expect(await refusalOf(vault.addAccount())).toBe('units/out-of-range')
  })
})

describe('changePassword', () => {
  it('is one compare-and-set; then only the new password opens', async () => {
    const { records, create, open } = place()
    const vault = await createVault({ ...create, accounts: 2 })
    const commit = vi.spyOn(create.store, 'commit')
    await vault.changePassword({ current: password, next: 'battery staple' })
    expect(commit.mock.calls).toEqual([[[{ key: 'vault', expected: 1, bytes: expect.any(Uint8Array) }]]])
    expect(await refusalOf(openVault(open))).toBe('vault/wrong-password')
    const opened = await openVault({ ...open, password: 'battery staple' })
    expect(await opened.accounts()).toEqual(testAccounts.slice(0, 2))
    expect(await opened.revealMnemonic('battery staple')).toBe(testMnemonic)
    expect(await vault.addAccount()).toBe(testAccounts[2])
    expect(sealedIn(records).header.iterations).toBe(kdfIterationsDefault)
  })

  it.each([
    ['a wrong current password', { current: 'wrong', next: 'battery staple' }, 'vault/wrong-password'],
    ['an empty next password', { current: password, next: '' }, 'vault/malformed-password'],
  ])('refuses %s, and the old one stays', async (_, passwords, code) => {
    const { records, create, open } = place()
    const vault = await createVault(create)
    const before = storedIn(records)
    expect(await refusalOf(vault.changePassword(passwords))).toBe(code)
    expect(storedIn(records)).toEqual(before)
    expect(await refusalOf(openVault(open))).toBe('none')
  })

  it.each([
    ['before the write', false, [password]],
    ['after the write', true, ['battery staple']],
  ])('cut off %s, leaves a vault that exactly one password opens', async (_, applied, opening) => {
    const { create, open } = place()
    const store = failing(create.store)
    const vault = await createVault({ ...create, store })
    store.fail('store/unavailable', applied)
    const change = vault.changePassword({ current: password, next: 'battery staple' })
    expect(await refusalOf(change)).toBe('store/unavailable')
    const opens: string[] = []
    for (const tried of [password, 'battery staple'])
      if ((await refusalOf(openVault({ ...open, password: tried }))) === 'none') opens.push(tried)
    expect(opens).toEqual(opening)
  })

  it('elsewhere is noticed, and nothing is sealed under the old password again', async () => {
    const { records, create, open } = place()
    const vault = await createVault(create)
    await (await openVault(open)).changePassword({ current: password, next: 'battery staple' })
    const before = storedIn(records)
    expect(await refusalOf(vault.addAccount())).toBe('store/conflict')
    expect(await refusalOf(vault.changePassword({ current: password, next: 'x' }))).toBe('vault/wrong-password')
    expect(storedIn(records)).toEqual(before)
  })
})

describe('saves', () => {
  it('draw a fresh seal salt and nonce each, and a fresh password salt with each password', async () => {
    const { records, create } = place()
    const vault = await createVault(create)
    const headers = [sealedIn(records).header]
    await vault.addAccount()
    headers.push(sealedIn(records).header)
    await vault.changePassword({ current: password, next: password })
    headers.push(sealedIn(records).header)
    const distinct = (part: 'sealSalt' | 'nonce' | 'passwordSalt') =>
      new Set(headers.map((header) => toHex(header[part]))).size
    expect([distinct('sealSalt'), distinct('nonce'), distinct('passwordSalt')]).toEqual([3, 3, 2])
  })
})

describe('lock', () => {
  const calls: [string, (vault: Vault) => Promise<unknown>][] = [
    ['accounts', (vault) => vault.accounts()],
    ['sign', (vault) => vault.sign(request(testAccounts[0] as string))],
    ['addAccount', (vault) => vault.addAccount()],
    ['revealMnemonic', (vault) => vault.revealMnemonic(password)],
    ['changePassword', (vault) => vault.changePassword({ current: password, next: 'x' })],
  ]

  it.each(calls)('then %s throws keys/locked and changes nothing', async (_, call) => {
    const { records, create, open } = place()
    const vault = await createVault(create)
    const before = storedIn(records)
    vault.lock()
    vault.lock()
    expect(await refusalOf(call(vault))).toBe('keys/locked')
    expect(storedIn(records)).toEqual(before)
    expect(await refusalOf(openVault(open))).toBe('none')
  })

  it.each(['pbkdf2', 'open', 'seal'] as const)(
    'in the middle of a save, at %s, never seals under zeros',
    async (at) => {
      const { create, open } = place()
      let trap: (() => void) | undefined
      const trapped: Cipher = {
        ...cipher,
        [at]: (input: never) => {
          trap?.()
          return cipher[at](input)
        },
      }
      const vault = await createVault({ ...create, cipher: trapped })
      trap = vault.lock
      await refusalOf(vault.addAccount())
      expect(await refusalOf(vault.accounts())).toBe('keys/locked')
      expect(await refusalOf(openVault(open))).toBe('none')
      const again = await openVault({ ...open, cipher: trapped })
      trap = again.lock
      await refusalOf(again.changePassword({ current: password, next: 'battery staple' }))
      expect(await refusalOf(openVault({ ...open, password: 'battery staple' }))).toBe('none')
    },
  )
})

describe('secrets', () => {
  it('are in no stored byte, and in nothing printed or serialised', async () => {
    const { records, create } = place()
    const vault = await createVault(create)
    const entropy = entropyOf(must(parseMnemonic(testMnemonic)))
    expect(toHex(storedIn(records).bytes)).not.toContain(toHex(entropy).slice(2))
    const shown = `${inspect(vault, { depth: 9, showHidden: true })}${JSON.stringify(vault)}`
    for (const secret of [password, 'junk', entropy.join(', '), toHex(entropy).slice(2)])
      expect(shown).not.toContain(secret)
  })

  it('are in no error', async () => {
    const { create, open } = place()
    const secret = 'a secret typed in the wrong field'
    const errors = await Promise.all([
      failureOf(createVault({ ...create, mnemonic: secret })),
      failureOf(createVault({ ...create, mnemonic: testMnemonic.replace('junk', 'secret') })),
      failureOf(createVault({ ...create, password: secret.repeat(99) })),
      createVault(create).then(() => failureOf(openVault({ ...open, password: secret }))),
    ])
    for (const error of errors) expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('secret')
  })
})

/** A vault of the test mnemonic and two accounts, under this file's password and the fewest iterations. */
const storedEarlier: Hex =
  '0xf88ab864f8628d6c616e656b6974207661756c74019350424b4446322d484d41432d5348412d323536830186a0907f5e90b0073d73700bded795cd09a11b908613f2dde5838f2b365b610fb848fae78b4145532d3235362d47434d8ca81edab7ef4daf3b99a31a11a3b569bc33c9c238e34c76f2e8cbbc83f46fffcb0f2937b1226377f92de6fc590c759153'

function listOf(item: RlpItem | undefined): readonly RlpItem[] {
  const decoded = must(decodeRlp(item as Uint8Array))
  if (decoded instanceof Uint8Array) throw new Error('It is no list.')
  return decoded
}

function bytesText(name: string): string {
  return String(new TextEncoder().encode(name))
}

async function failureOf(call: Promise<unknown>): Promise<SdkError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof SdkError) return error
  throw new Error('It did not fail as it should.')
}

/** A store whose next commit fails on demand, before or after it was applied. */
function failing(store: Store) {
  let next: { readonly code: 'store/full' | 'store/unavailable'; readonly applied: boolean } | undefined
  return {
    ...store,
    fail: (code: 'store/full' | 'store/unavailable', applied = false) => {
      next = { code, applied }
    },
    commit: async (writes: readonly StoreWrite[]) => {
      const failure = next
      next = undefined
      if (!failure || failure.applied) await store.commit(writes)
      if (failure) throw new SdkError(failure.code, 'The store fails as told.')
    },
  }
}
