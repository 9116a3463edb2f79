import type { Cipher, CipherInput } from '../../sdk/ports.ts'
import { fromHex, type Hex } from '../../sdk/units.ts'
import { type Contract, type Rule, same } from './contract.ts'

/** The rules of the `Cipher` port. */
export function cipherContract(name: string, cipher: Cipher): Contract {
  return { name, rules: [...keyRules(cipher), ...sealRules(cipher)] }
}

/**
 * PBKDF2-HMAC-SHA-256 from RFC 7914, section 11. No RFC has SHA-512, so its case is the first English vector of
 * BIP-39, which is PBKDF2 of the words with the salt "mnemonic" and the passphrase.
 */
const derivations = [
  {
    hash: 'SHA-256',
    password: 'passwd',
    salt: 'salt',
    iterations: 1,
    key: '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
  },
  {
    hash: 'SHA-256',
    password: 'Password',
    salt: 'NaCl',
    iterations: 80_000,
    key: '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
  },
  {
    hash: 'SHA-512',
    password: `${'abandon '.repeat(11)}about`,
    salt: 'mnemonicTREZOR',
    iterations: 2_048,
    key: 'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
  },
] as const

/** The AES-256 cases with a 96-bit nonce of McGrew and Viega's GCM specification, appendix B, submitted to NIST. */
const longKey = 'feffe9928665731c6d6a8f9467308308'.repeat(2)
const longText =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
const longSealed =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'
const zeros = '00'.repeat(32)
const sealings = [
  {
    test: 13,
    key: zeros,
    nonce: zeros.slice(0, 24),
    text: '',
    associated: '',
    sealed: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    test: 14,
    key: zeros,
    nonce: zeros.slice(0, 24),
    text: zeros.slice(0, 32),
    associated: '',
    sealed: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    test: 15,
    key: longKey,
    nonce: 'cafebabefacedbaddecaf888',
    text: longText,
    associated: '',
    sealed: `${longSealed}b094dac5d93471bdec1a502270e3cc6c`,
  },
  {
    test: 16,
    key: longKey,
    nonce: 'cafebabefacedbaddecaf888',
    text: longText.slice(0, 120),
    associated: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    sealed: `${longSealed.slice(0, 120)}76fc6ece0f4e1768cddf8853bb2d551b`,
  },
]

function keyRules(cipher: Cipher): Rule[] {
  return derivations.map(({ hash, password, salt, iterations, key }) => ({
    title: `[CI1] PBKDF2 of ${hash}, ${iterations} iterations, is the published key at every size`,
    async check() {
      for (const size of [64, 32, 20]) {
        const derived = await cipher.pbkdf2({ hash, password: utf8(password), salt: utf8(salt), iterations, size })
        same(derived, bytes(key).slice(0, size), `${size} bytes`)
      }
    },
  }))
}

function sealRules(cipher: Cipher): Rule[] {
  return [
    ...sealings.map(({ test, sealed, ...vector }) => ({
      title: `[CI2] AES-256-GCM test case ${test} of the specification, both ways`,
      async check() {
        const input = inputOf(vector)
        same(await cipher.seal(input), bytes(sealed), 'sealed')
        same(await cipher.open({ ...input, bytes: bytes(sealed) }), input.bytes, 'opened')
      },
    })),
    {
      title: '[CI3] one flipped bit anywhere, of bytes, tag, nonce, key or associated data, opens nothing',
      async check() {
        const input = inputOf({ ...(sealings[3] as (typeof sealings)[number]) })
        const sealed = { ...input, bytes: await cipher.seal(input) }
        for (const part of ['bytes', 'nonce', 'key', 'associated'] as const) {
          for (let at = 0; at < sealed[part].length; at++) {
            const flipped = sealed[part].slice()
            flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
            same(await cipher.open({ ...sealed, [part]: flipped }), undefined, `${part}, byte ${at}`)
          }
        }
      },
    },
    {
      title: '[CI4] bytes cut short, down to none, open nothing',
      async check() {
        const input = inputOf({ ...(sealings[1] as (typeof sealings)[number]) })
        const sealed = await cipher.seal(input)
        for (let size = 0; size < sealed.length; size++)
          same(await cipher.open({ ...input, bytes: sealed.slice(0, size) }), undefined, `${size} bytes`)
      },
    },
    {
      title: '[CI5] a view is read as itself, and no input is changed',
      async check() {
        const whole = Uint8Array.from({ length: 96 }, (_, at) => at)
        const before = whole.slice()
        const input: CipherInput = {
          key: whole.subarray(1, 33),
          nonce: whole.subarray(33, 45),
          bytes: whole.subarray(45, 80),
          associated: whole.subarray(80, 90),
        }
        const sealed = await cipher.seal(input)
        same(await cipher.open({ ...input, bytes: sealed }), before.slice(45, 80), 'opened')
        await cipher.pbkdf2({ hash: 'SHA-256', password: input.key, salt: input.nonce, iterations: 1, size: 32 })
        same(whole, before, 'the inputs')
      },
    },
    {
      title: '[CI6] keys and nonces of another size are refused, never used',
      async check() {
        const input = inputOf({ ...(sealings[1] as (typeof sealings)[number]) })
        for (const wrong of [{ key: new Uint8Array(16) }, { key: new Uint8Array(0) }, { nonce: new Uint8Array(16) }])
          for (const call of [cipher.seal, cipher.open])
            same(await settles(call({ ...input, ...wrong })), 'rejected', JSON.stringify(Object.keys(wrong)))
      },
    },
  ]
}

function inputOf(vector: { key: string; nonce: string; text: string; associated: string }): CipherInput {
  return {
    key: bytes(vector.key),
    nonce: bytes(vector.nonce),
    bytes: bytes(vector.text),
    associated: bytes(vector.associated),
  }
}

async function settles(call: Promise<unknown>): Promise<'resolved' | 'rejected'> {
  const [{ status }] = await Promise.allSettled([call])
  return status === 'fulfilled' ? 'resolved' : 'rejected'
}

function bytes(digits: string): Uint8Array {
  return fromHex(`0x${digits}` as Hex)
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
