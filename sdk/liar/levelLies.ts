import { fieldsOf, flipped } from './change.ts'
import type { Lie } from './lies.ts'

const filters = ['getblockfilter']
const signedBlocks = ['lanekit_sequencedBlock']
const heads = ['latest']
/** More than any real answer, and small enough to send. */
const hugeBytes = 100_000

function on(name: string, change: (value: unknown) => unknown) {
  return (result: unknown) => ({ ...fieldsOf(result), [name]: change(fieldsOf(result)[name]) })
}

/** bitcoind writes hexadecimal without a prefix. */
function plain(change: (text: unknown) => unknown) {
  return (text: unknown) => String(change(`0x${String(text)}`)).replace(/^0x/, '')
}

/** Lies of a source of block filters (BIP-158, bitcoind's `getblockfilter`). One source alone can hide a spend: ask two. */
export const filterLies: readonly Lie[] = [
  { name: 'empty-filter', claim: 'the block pays and spends nothing', about: filters, tell: on('filter', () => '00') },
  { name: 'changed-filter', claim: 'another filter', about: filters, tell: on('filter', plain(flipped)) },
  {
    name: 'truncated-filter',
    claim: 'the filter ends early',
    about: filters,
    tell: on('filter', (text) => String(text).slice(0, -4)),
  },
  {
    name: 'huge-filter-count',
    claim: 'a filter of four thousand million items',
    about: filters,
    tell: on('filter', (text) => `feffffffff${String(text).slice(2)}`),
  },
  { name: 'no-filter', claim: 'the block has no filter', about: filters, tell: () => null },
  { name: 'not-a-filter', claim: 'an answer of another shape', about: filters, tell: () => ({ filter: 'none' }) },
]

/** Lies of a node whose sequencer signs its blocks (`lanekit_sequencedBlock`). Signatures cannot be made. */
export const sequencedLies: readonly Lie[] = [
  {
    name: 'changed-block',
    claim: 'the sequencer signed another block',
    about: signedBlocks,
    tell: on('header', flipped),
  },
  { name: 'changed-signature', claim: 'a signature of it', about: signedBlocks, tell: on('signature', flipped) },
  {
    name: 'unsigned-block',
    claim: 'a block by word alone',
    about: signedBlocks,
    tell: on('signature', () => `0x${'00'.repeat(65)}`),
  },
  {
    name: 'short-signature',
    claim: 'a signature of another length',
    about: signedBlocks,
    tell: on('signature', (text) => String(text).slice(0, -2)),
  },
  {
    name: 'huge-block',
    claim: 'a header of a hundred thousand bytes',
    about: signedBlocks,
    tell: on('header', () => `0x${'c1'.repeat(hugeBytes)}`),
  },
  { name: 'no-signed-block', claim: 'there is no block', about: signedBlocks, tell: () => null },
]

/** Lies of a server that hands on what a rollup's sequencer gossips (`GET /latest`). */
export const headLies: readonly Lie[] = [
  { name: 'changed-payload', claim: 'the sequencer signed another payload', about: heads, tell: on('data', flipped) },
  { name: 'changed-head-signature', claim: 'a signature of it', about: heads, tell: on('signature', flipped) },
  {
    name: 'unsigned-head',
    claim: 'a head by word alone',
    about: heads,
    tell: on('signature', () => `0x${'00'.repeat(65)}`),
  },
  {
    name: 'truncated-payload',
    claim: 'the payload ends early',
    about: heads,
    tell: on('data', (text) => String(text).slice(0, 200)),
  },
  {
    name: 'other-state',
    claim: 'a payload of another state',
    about: heads,
    // After the root of the beacon block, the parent's hash and the account that is paid.
    tell: on('data', (text) => `${String(text).slice(0, 170)}${'5a'.repeat(32)}${String(text).slice(234)}`),
  },
  { name: 'not-a-head', claim: 'an answer of another shape', about: heads, tell: () => ({ data: 'none' }) },
]
