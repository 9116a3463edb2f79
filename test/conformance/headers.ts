import assert from 'node:assert/strict'
import { basename, dirname } from 'node:path'
import { toBigInt } from '../../sdk/rlp.ts'
import { fromHex, joinBytes, sameBytes, toHex } from '../../sdk/units.ts'
import { hashNumber } from '../../sdk/verify/bitcoin/header.ts'
import {
  type BitcoinBlock,
  type BitcoinHeader,
  bitcoinNetworks,
  decodeChain,
  decodeHeader,
  decodeTarget,
  decodeTransaction,
  encodeChain,
  encodeTarget,
  extendChain,
  extendMax,
  genesisCheckpoint,
  hashText,
  headerSize,
  meetsOwnTarget,
  proveInclusion,
  tipOf,
  verifyBlock,
  verifyInclusion,
} from '../../sdk/verify/bitcoin/index.ts'
import { merkleRoot } from '../../sdk/verify/bitcoin/merkle.ts'
import { rulesOf } from '../../sdk/verify/bitcoin/network.ts'
import { periodLength, retargetedBits } from '../../sdk/verify/bitcoin/rules.ts'
import { anchorAt, bytesOf, difficultyOf, extended, held, nowSeconds, started, workOfBits } from './bitcoin.ts'
import { asRecord, filesBelow, readBytes } from './files.ts'
import { spvFunctionCases } from './spvFunctions.ts'
import type { Case, Suite } from './suite.ts'

type Json = Readonly<Record<string, unknown>>

/** One file, and a way to those beside it that speak of the same things. */
interface Source {
  readonly name: string
  readonly bytes: Uint8Array
  readonly text: string
  readonly json: unknown
  readonly textBeside: (pattern: RegExp) => string
}

/** Bitcoin headers, blocks, checkpoints and proofs of inclusion; each file is read as what it looks like. */
export const headers: Suite = {
  *cases(path) {
    const files = filesBelow(path)
    for (const file of files) {
      const source = sourceOf(file, files)
      const cases = [...casesOf(source)]
      if (cases.length > 0) yield* cases
      else yield { name: source.name, skip: 'it is in no format of this suite' }
    }
  },
}

function sourceOf(file: string, files: readonly string[]): Source {
  const bytes = readBytes(file)
  const text = /\.(?:bin|gz)$/.test(file) ? '' : new TextDecoder().decode(bytes)
  const textBeside = (pattern: RegExp) => {
    const other = files.find((one) => dirname(one) === dirname(file) && pattern.test(basename(one)))
    return other === undefined ? '' : new TextDecoder().decode(readBytes(other))
  }
  return { name: basename(file), bytes, text, json: parsed(text), textBeside }
}

function* casesOf(source: Source): Iterable<Case> {
  const { name, text, json } = source
  if (name.endsWith('.bin')) yield* headerFileCases(source)
  if (name.endsWith('.gz')) yield* blockCases(source)
  if (text.startsWith('TXT CHECKPOINTS 1\n')) yield* bitcoinjCases(source)
  if (/^\[\s*\[\s*"[0-9a-f]{64}",\s*\d+\s*\]/.test(text)) yield* electrumCases(source)
  if (/^(?:[0-9a-f]{64}\s*)+$/.test(text)) yield* transactionIdCases(source)
  if (name === 'README.md') yield* nextWorkCases(text)
  yield* branchCases(name, json)
  yield* filterBlockCases(json)
  yield* transactionSizeCases(json)
  yield* stretchCases(name, json)
  yield* spvFunctionCases(name, json)
}

/** Headers one after the other, from block 0 of a network. */
function* headerFileCases({ name, bytes }: Source): Iterable<Case> {
  const first = bytes.subarray(0, headerSize)
  const network = bitcoinNetworks.find((one) => sameBytes(genesisCheckpoint(one).header, first))
  if (network === undefined) return yield { name, skip: 'it starts with block 0 of no known network' }
  const count = bytes.length / headerSize
  let chain = started(network, genesisCheckpoint(network))
  for (let from = 1; from < count; from += extendMax) {
    const to = Math.min(from + extendMax, count)
    const check = () => {
      const next = extended(chain, bytes.subarray(from * headerSize, to * headerSize))
      assert.deepEqual([next.place, next.reorg, tipOf(next.chain).height], ['best', null, to - 1])
      assert.deepEqual(held(decodeChain(network, encodeChain(next.chain))), next.chain)
      chain = next.chain
    }
    yield { name: `${name} headers ${from} to ${to - 1}`, check }
  }
}

/** A block as it travels: its roots, and a proof for some of its transactions. */
function* blockCases({ name, bytes }: Source): Iterable<Case> {
  yield { name: `${name} block`, check: () => void held(verifyBlock(bytes)) }
  const block = verifyBlock(bytes)
  if (!block.ok) return
  const last = block.value.transactions.length - 1
  for (const index of new Set([0, Math.min(1, last), last >> 1, last]))
    yield { name: `${name} inclusion of transaction ${index}`, check: () => checkInclusion(block.value, index) }
}

function checkInclusion({ header, transactions }: BitcoinBlock, index: number): void {
  const txids = transactions.map(({ txid }) => txid)
  const [first, transaction] = [transactions[0]?.bytes, transactions[index]?.bytes]
  assert.ok(first && transaction)
  const coinbase = { bytes: first, path: held(proveInclusion(txids, 0)).path }
  const proof = { ...held(proveInclusion(txids, index)), coinbase }
  const claim = { header: header.bytes, transaction, proof }
  assert.deepEqual(held(verifyInclusion(claim)).transaction.txid, txids[index])
  assert.equal(verifyInclusion({ ...claim, proof: { ...proof, index: index ^ 1 } }).ok, false)
}

/** The vectors of BIP-158: of their filters nothing is used, but their blocks are real ones of testnet. */
function* filterBlockCases(json: unknown): Iterable<Case> {
  const [titles, ...rows] = asArray(json).map(asArray)
  if (!String(titles?.[0]).startsWith('Block Height,Block Hash,Block,')) return
  for (const [height, hash, block] of rows) {
    const check = () => {
      const { header } = held(verifyBlock(bytesOf(block)))
      assert.equal(hashText(header.hash), hash)
      assert.ok(meetsOwnTarget(header))
    }
    yield { name: `testnet block ${height}`, check }
  }
}

/** Branches of regtest, each a list of whole blocks. All regtest headers have one target, so the longer is the heavier. */
function* branchCases(name: string, json: unknown): Iterable<Case> {
  const branches = asArray(json).map(asArray)
  const isBlock = (block: unknown) => typeof block === 'string' && /^[0-9a-f]{162,}$/.test(block)
  if (branches.length === 0 || !branches.every((branch) => branch.length > 0 && branch.every(isBlock))) return
  let chain = started('regtest', genesisCheckpoint('regtest'))
  const heights = new Map([[hashText(chain.best.hash), 0]])
  for (const [number, branch] of branches.entries()) {
    const blocks = branch.map(bytesOf)
    for (const [index, block] of blocks.entries())
      yield { name: `${name} branch ${number} block ${index}`, check: () => void held(verifyBlock(block)) }
    const check = () => {
      const links = blocks.map((block) => held(decodeHeader(block.subarray(0, headerSize))))
      for (const { hash, previous } of links)
        heights.set(hashText(hash), (heights.get(hashText(previous)) ?? Number.NaN) + 1)
      const [before, parent] = [tipOf(chain), links[0]?.previous ?? new Uint8Array(0)]
      const last = hashText(links.at(-1)?.hash ?? new Uint8Array(0))
      const heavier = (heights.get(last) ?? 0) > before.height
      const { place, reorg, chain: next } = extended(chain, joinBytes(...links.map(({ bytes }) => bytes)))
      const left = sameBytes(parent, before.hash) ? 0 : before.height - (heights.get(hashText(parent)) ?? 0)
      assert.equal(place, heavier ? 'best' : 'rival')
      assert.equal(reorg?.depth ?? 0, heavier ? left : 0)
      assert.equal(hashText(tipOf(next).hash), heavier ? last : hashText(before.hash))
      chain = next
    }
    yield { name: `${name} branch ${number}`, check }
  }
}

/** bitcoinj: for each period base64 of chain work (12 or 32 bytes), height and header. Electrum's must agree. */
function* bitcoinjCases({ name, text, textBeside }: Source): Iterable<Case> {
  const checkpoints = text.trim().split('\n').slice(3).map(readBitcoinj)
  const others = electrumPeriods(textBeside(/^electrum.*checkpoints\.json$/))
  for (const [index, { height, work, header }] of checkpoints.entries()) {
    const check = () => {
      const { bits, previous } = header
      const before = checkpoints[index - 1]
      const bitsBefore = before?.header.bits ?? rulesOf('mainnet').easiestBits
      const workBefore = before?.work ?? workOfBits(bitsBefore)
      assert.ok(meetsOwnTarget(header))
      assert.equal(height, (index + 1) * periodLength)
      // The first header of the old period is in the work before; its other 2,015 and the first of the new one follow.
      assert.equal(work, workBefore + 2_015n * workOfBits(bitsBefore) + workOfBits(bits))
      assert.ok(isStep(held(decodeTarget(bitsBefore)), held(decodeTarget(bits))))
      const other = others[index]
      if (other) assert.deepEqual([hashText(previous), held(decodeTarget(bits))], [other.hash, other.target])
    }
    yield { name: `${name} height ${height}${others[index] ? ', agreeing with Electrum' : ''}`, check }
  }
}

function readBitcoinj(line: string): {
  readonly work: bigint
  readonly height: number
  readonly header: BitcoinHeader
} {
  const bytes = Uint8Array.from(Buffer.from(line, 'base64'))
  return {
    work: toBigInt(bytes.slice(0, -headerSize - 4)),
    height: Number(toBigInt(bytes.slice(-headerSize - 4, -headerSize))),
    header: held(decodeHeader(bytes.slice(-headerSize))),
  }
}

/** Electrum: for each period the hash of its last block, and the target of the period after it. */
function* electrumCases({ name, text }: Source): Iterable<Case> {
  const periods = electrumPeriods(text)
  const easiest = held(decodeTarget(rulesOf('mainnet').easiestBits))
  for (const [index, { hash, target }] of periods.entries()) {
    const check = () => {
      const before = periods[index - 1]?.target ?? easiest
      assert.equal(held(decodeTarget(encodeTarget(target))), target)
      assert.ok(target <= easiest && isStep(before, target))
      assert.ok(hashNumber(fromHex(`0x${hash}`).reverse()) <= before)
    }
    yield { name: `${name} period ${index}`, check }
  }
}

function electrumPeriods(text: string): readonly { readonly hash: string; readonly target: bigint }[] {
  // The targets are beyond what JSON numbers keep exactly, so they are read from the text.
  return [...text.matchAll(/"([0-9a-f]{64})",\s*(\d+)/g)].map(([, hash = '', target = '']) => ({
    hash,
    target: BigInt(target),
  }))
}

/** At most four times easier or harder, but for the low end that compact form cuts off. */
function isStep(before: bigint, after: bigint): boolean {
  return after <= before * 4n && after >= before / 4n - before / 0x8000n
}

/** BIP-54: a transaction can be proven exactly when it is valid there, that is, not of 64 bytes. */
function* transactionSizeCases(json: unknown): Iterable<Case> {
  const coinbase = bytesOf(`0100000001${'00'.repeat(32)}ffffffff0451515151ffffffff01${'00'.repeat(8)}015100000000`)
  for (const { comment, tx, valid } of sizedTransactions(json)) {
    const check = () => {
      const transaction = bytesOf(tx)
      const txids = [coinbase, transaction].map((bytes) => held(decodeTransaction(bytes)).txid)
      const header = genesisCheckpoint('regtest').header.slice()
      header.set(held(merkleRoot(txids)), 36)
      const proof = held(proveInclusion(txids, 1))
      for (const first of [null, { bytes: coinbase, path: held(proveInclusion(txids, 0)).path }])
        assert.equal(verifyInclusion({ header, transaction, proof: { ...proof, coinbase: first } }).ok, valid)
    }
    yield { name: `BIP-54 ${comment}`, check }
  }
}

/** BIP-53: ids of the transactions of 64 bytes on mainnet. Their bytes stand among the vectors of BIP-54. */
function* transactionIdCases({ name, text, textBeside }: Source): Iterable<Case> {
  const told = sizedTransactions(parsed(textBeside(/^bip54-txsize\.json$/)))
  const known = told.map(({ tx }) => held(decodeTransaction(bytesOf(tx))))
  for (const id of text.trim().split(/\s+/)) {
    const transaction = known.find(({ txid }) => hashText(txid) === id)
    if (transaction) yield { name: `${name} ${id}`, check: () => assert.equal(transaction.strippedSize, 64) }
    else yield { name: `${name} ${id}`, skip: 'its bytes are in no bip54-txsize.json beside it' }
  }
}

function sizedTransactions(json: unknown): readonly Json[] {
  const entries = asArray(json).map((entry) => asRecord(entry) ?? {})
  return entries.every(({ tx, valid }) => typeof tx === 'string' && typeof valid === 'boolean') ? entries : []
}

/** Retargets that a README lists: (first time, last height, last time, old bits → new bits). */
function* nextWorkCases(text: string): Iterable<Case> {
  for (const [name, first, last, before, after] of text.matchAll(/\((\d+), \d+, (\d+), (\w{8}) → (\w{8})\)/g)) {
    const period = { time: Number(first), bits: Number(`0x${before}`) }
    const check = () => assert.equal(retargetedBits(rulesOf('mainnet'), period, Number(last)), Number(`0x${after}`))
    yield { name: `next work ${name}`, check }
  }
}

/** A stretch of mainnet from the middle of a period, with a retarget or an orphan in it. */
function* stretchCases(name: string, json: unknown): Iterable<Case> {
  const record = asRecord(json)
  const [genesis, bad] = [asRecord(record?.genesis), asRecord(record?.badHeader)]
  if (record === undefined || genesis?.hex === undefined) return
  const chain = [record.chain, record.preRetargetChain, record.postRetargetChain].flatMap(asArray).map(asJson)
  for (const entry of [genesis, ...chain])
    yield { name: `${name} header ${entry.height}`, check: () => checkFields(entry) }
  const period = asRecord(record.oldPeriodStart)
  const periodTime = period && held(decodeHeader(bytesOf(period.hex))).time
  const begin = () => started('mainnet', anchorAt(Number(genesis.height), bytesOf(genesis.hex), periodTime))
  yield { name: `${name} chain`, check: () => assert.equal(extended(begin(), headersOf(chain)).place, 'best') }
  for (const [key, orphan] of Object.entries(record).map(([key, value]) => [key, asJson(value)] as const)) {
    if (!key.startsWith('orphan')) continue
    const shared = chain.filter(({ height }) => Number(height) < Number(orphan.height))
    const check = () => {
      const astray = extended(begin(), headersOf([...shared, orphan])).chain
      const { place, reorg } = extended(astray, headersOf(chain))
      assert.deepEqual([place, reorg?.depth, reorg?.from.height], ['best', 1, orphan.height])
      assert.equal(extended(extended(begin(), headersOf(chain)).chain, headersOf([orphan])).place, 'rival')
    }
    yield { name: `${name} ${key}`, check }
  }
  if (bad) {
    const check = () => assert.equal(extendChain(begin(), bytesOf(bad.hex), { nowSeconds }).ok, false)
    yield { name: `${name} badHeader`, check }
  }
}

function checkFields(entry: Json): void {
  const header = held(decodeHeader(bytesOf(entry.hex)))
  assert.ok(meetsOwnTarget(header))
  const fields: Json = {
    digest: `0x${hashText(header.hash)}`,
    version: header.version,
    prev_block: `0x${hashText(header.previous)}`,
    merkle_root: toHex(header.merkleRoot), // In wire order, unlike the other hashes of these files.
    timestamp: header.time,
    difficulty: Number(difficultyOf(header.bits)),
  }
  for (const [key, value] of Object.entries(fields)) if (key in entry) assert.equal(value, entry[key], key)
}

function headersOf(entries: readonly Json[]): Uint8Array {
  return joinBytes(...entries.map(({ hex }) => bytesOf(hex)))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function asArray(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : []
}

function asJson(json: unknown): Json {
  return asRecord(json) ?? {}
}
