import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { decodeInvoice, expirySecondsDefault, type SignedInvoice, signInvoice } from '../../sdk/bitcoin/bolt11/index.ts'
import { decodeAddress, scriptKind } from '../../sdk/bitcoin/index.ts'
import { currentEngine, sha256 } from '../../sdk/crypto/engine.ts'
import { fromHex, toHex } from '../../sdk/units.ts'
import { asRecord, jsonFilesBelow, readJson } from './files.ts'
import type { Case, Suite } from './suite.ts'

interface Example {
  readonly description: string
  readonly invoice: string
  readonly details: readonly string[]
}

interface Examples {
  readonly node_private_key: string
  readonly valid: readonly Example[]
  readonly invalid: readonly Example[]
}

/** The examples of BOLT-11: what the specification says of each, in its own words. */
export const bolt11: Suite = {
  *cases(path) {
    for (const file of jsonFilesBelow(path)) {
      const record = asRecord(readJson(file))
      if (record?.node_private_key && record.valid) yield* exampleCases(basename(file), record as unknown as Examples)
    }
  },
}

function* exampleCases(file: string, { node_private_key, valid, invalid }: Examples): Iterable<Case> {
  const secretKey = fromHex(`0x${node_private_key}`)
  for (const [at, example] of valid.entries())
    yield {
      name: `${file} valid ${at + 1}: ${example.description.slice(0, 60)}`,
      check() {
        const decoded = decodeInvoice(example.invoice)
        assert.ok(decoded.ok, decoded.ok ? '' : decoded.reason)
        const invoice = decoded.value
        checkExample(example, invoice, secretKey)
        // What was read is written again, and signed by the same key reads the same.
        const again = decodeInvoice(signInvoice(invoice, secretKey))
        assert.deepEqual(again, { ok: true, value: { ...invoice, payee: currentEngine().publicKey(secretKey) } })
      },
    }
  for (const [at, { description, invoice }] of invalid.entries())
    yield {
      name: `${file} invalid ${at + 1}: ${description}`,
      check: () => assert.ok(!decodeInvoice(invoice).ok),
    }
}

function checkExample({ description, invoice: text, details }: Example, invoice: SignedInvoice, secretKey: Uint8Array) {
  const said = [description, ...details].join('\n')
  // The example of a high S kept the recovery id of the low one, so that what is recovered is nobody's known key.
  if (!description.includes('high-S'))
    assert.equal(toHex(invoice.payee), payeeOf(description) ?? toHex(currentEngine().publicKey(secretKey)))
  const network = /^ln(bcrt|tbs|tb|bc)/i.exec(text)?.[1]?.toLowerCase()
  assert.equal(invoice.network, { bc: 'mainnet', tb: 'testnet4', tbs: 'signet', bcrt: 'regtest' }[network as 'bc'])
  const unit = { milli: 10n ** 8n, micro: 10n ** 5n, pico: 0n }
  const [, digits, name] = /amount \((\d+) (milli|micro|pico)-bitcoin/.exec(said) ?? []
  if (digits) {
    const expected = name === 'pico' ? BigInt(digits) / 10n : BigInt(digits) * unit[name as keyof typeof unit]
    assert.equal(invoice.amount, expected)
  } else if (/^lnbc1/.test(text)) assert.equal(invoice.amount, null)
  const created = /timestamp \((\d+)\)/.exec(said)?.[1]
  if (created) assert.equal(invoice.createdSeconds, Number(created))
  if (!description.includes('amount in pico-BTC')) {
    assert.equal(toHex(invoice.paymentHash), `0x${'00010203040506070809'.repeat(3)}0102`)
    assert.equal(toHex(invoice.paymentSecret), `0x${'11'.repeat(32)}`)
  }
  const list =
    'One piece of chocolate cake, one icecream cone, one pickle, one slice of swiss cheese, one slice of salami, one lollypop, one piece of cherry pie, one sausage, one cupcake, and one slice of watermelon'
  if (invoice.description.kind === 'hash')
    assert.deepEqual(invoice.description.hash, sha256(new TextEncoder().encode(list)))
  const expiry = /within one (minute|week)/.exec(said)?.[1]
  assert.equal(invoice.expirySeconds, expiry ? { minute: 60, week: 604_800 }[expiry as 'week'] : expirySecondsDefault)
  const address =
    /fallback (?:\(\w+\) )?address (\w{26,})/.exec(description) ?? /fallback \(\w+\) address (\w+)/.exec(description)
  if (address?.[1]) {
    const script = decodeAddress(address[1], invoice.network)
    assert.ok(script.ok)
    assert.deepEqual(invoice.fallbacks, [script.value])
    assert.notEqual(scriptKind(script.value), 'other')
  }
  const via = /via nodes (\w{66}) then (\w{66})/.exec(description)
  if (via)
    assert.deepEqual(
      invoice.routes.map((hops) => hops.map(({ node }) => toHex(node).slice(2))),
      [via.slice(1)],
    )
  if (/features 8, 14 and 99/.test(description)) assert.deepEqual(invoice.features, [8, 14, 99])
  const metadata = /metadata (0x\w+)/.exec(description)?.[1]
  assert.equal(invoice.metadata && toHex(invoice.metadata), metadata ?? null)
}

function payeeOf(description: string): string | undefined {
  const key = /@(0[23]\w{64})/.exec(description)?.[1]
  return key && `0x${key}`
}
