import assert from 'node:assert/strict'
import { accepted, type Decoded, refused } from '../../sdk/errors.ts'
import { decodeTransaction, transactionHash } from '../../sdk/evm/codec.ts'
import { checkUnderFork, type Fork } from '../../sdk/evm/fork.ts'
import { readChain, recoverSender } from '../../sdk/evm/sender.ts'
import type { Prepared } from '../../sdk/evm/transaction.ts'
import { malformation } from '../../sdk/evm/validity.ts'
import { bytesOf, numberOf, readWire, type Wire } from '../../sdk/evm/wire.ts'
import { type Address, address, chainId, fromHex, isHex, toHex, wei } from '../../sdk/units.ts'
import { asRecord, jsonFilesBelow, readJson } from './files.ts'
import { type Case, runSuite, type Suite, type Summary } from './suite.ts'

/**
 * TransactionTests of ethereum/tests: raw bytes, and for each fork the sender, hash and intrinsic gas, or the reason
 * of the refusal. The chain is mainnet. Forks that this library knows are run; where a file names none of them,
 * the newest older one is run by cancun's rules, as long as it is not older than London.
 */
export const transactionTests: Suite = {
  *cases(path) {
    for (const file of jsonFilesBelow(path))
      for (const [name, vector] of Object.entries(asRecord(readJson(file)) ?? {}))
        yield* casesOf(name, asRecord(vector) ?? {})
  },
}

/** Runs the suite on a file or folder of its format. */
export async function run(path: string): Promise<Summary> {
  return runSuite({ name: 'transaction-tests', suite: transactionTests, path })
}

const known: Readonly<Record<string, Fork>> = { Cancun: 'cancun', Prague: 'prague', Osaka: 'osaka' }
/** Their rules for a transaction's form are cancun's; only initcode has no limit before Shanghai. */
const close = ['Shanghai', 'Paris', 'London']

function* casesOf(name: string, { result, txbytes }: Readonly<Record<string, unknown>>): Iterable<Case> {
  const results = asRecord(result)
  if (!results || !isHex(txbytes)) return
  const bytes = fromHex(txbytes)
  const forks = Object.keys(known).filter((fork) => results[fork])
  const newest = close.find((fork) => results[fork])
  for (const fork of forks.length || !newest ? forks : [newest])
    yield { name: `${name} ${fork}`, check: () => check(bytes, known[fork] ?? 'cancun', asRecord(results[fork]) ?? {}) }
  if (forks.length === 0 && !newest) yield { name, skip: 'is for forks before London alone' }
}

function check(bytes: Uint8Array, fork: Fork, expected: Readonly<Record<string, unknown>>): void {
  const verdict = judge(bytes, fork)
  if (expected.exception !== undefined) {
    assert.ok(!verdict.ok, `is taken, but should be refused: ${String(expected.exception)}`)
    return
  }
  assert.ok(verdict.ok, `is refused: ${verdict.ok ? '' : verdict.reason}`)
  assert.equal(verdict.value.sender, expected.sender)
  assert.equal(verdict.value.intrinsic, BigInt(expected.intrinsicGas as string))
  assert.equal(transactionHash(bytes), expected.hash)
}

/** What a node of mainnet would say of the bytes, before it looks at any state. */
function judge(bytes: Uint8Array, fork: Fork): Decoded<{ readonly sender: Address; readonly intrinsic: bigint }> {
  const wire = readWire(bytes)
  if (!wire.ok) return wire
  const chain = readChain(wire.value)
  if (!chain.ok) return chain
  if (chain.value !== null && chain.value !== 1n) return refused('is for another chain')
  const sender = recoverSender(wire.value)
  if (!sender.ok) return sender
  const prepared = wire.value.type === 0 ? readLegacy(wire.value, sender.value) : readOurs(bytes)
  if (!prepared.ok) return prepared
  const reason = malformation(prepared.value)
  if (reason) return refused(reason)
  const gas = checkUnderFork(prepared.value, fork)
  if (!gas.ok) return gas
  // What goes out from here holds to the stricter door as well, which asks for a chain id and a nonce that is a number.
  const ours = chain.value !== null && numberOf(wire.value, 'nonce') <= Number.MAX_SAFE_INTEGER
  if (ours) assert.deepEqual(readOurs(bytes), prepared)
  return accepted({ sender: sender.value, intrinsic: gas.value.intrinsic })
}

function readOurs(bytes: Uint8Array): Decoded<Prepared> {
  const decoded = decodeTransaction(bytes)
  return decoded.ok ? accepted(decoded.value.prepared) : decoded
}

/** A legacy transaction of any nonce, and without a chain id, as if it were one of ours. */
function readLegacy(wire: Wire, from: Address): Decoded<Prepared> {
  const nonce = numberOf(wire, 'nonce')
  if (nonce >= 2n ** 64n - 1n) return refused('the nonce is beyond EIP-2681')
  const to = bytesOf(wire, 'to')
  return accepted({
    stage: 'prepared',
    chainId: chainId(1),
    from,
    to: to.length ? address(toHex(to)) : null,
    value: wei(numberOf(wire, 'value')),
    data: bytesOf(wire, 'input'),
    nonce: nonce <= Number.MAX_SAFE_INTEGER ? Number(nonce) : 0,
    gas: numberOf(wire, 'gas'),
    pricing: { type: 'legacy', gasPrice: wei(numberOf(wire, 'gasPrice')) },
  })
}
