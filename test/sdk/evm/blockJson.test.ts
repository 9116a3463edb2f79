import { describe, expect, it } from 'vitest'
import { decodeHeader } from '../../../sdk/evm/block.ts'
import { headerFromJson, receiptFromJson } from '../../../sdk/evm/blockJson.ts'
import { bloomOf, decodeReceipt } from '../../../sdk/evm/receipt.ts'
import { address, fromHex, toHex } from '../../../sdk/units.ts'

const hash = (byte: string) => `0x${byte.repeat(32)}`

const block = {
  hash: hash('aa'),
  parentHash: hash('01'),
  sha3Uncles: hash('02'),
  miner: `0x${'AB'.repeat(20)}`,
  stateRoot: hash('04'),
  transactionsRoot: hash('05'),
  receiptsRoot: hash('06'),
  logsBloom: `0x${'00'.repeat(256)}`,
  difficulty: '0x0',
  number: '0x10',
  gasLimit: '0x1c9c380',
  gasUsed: '0x5208',
  timestamp: '0x67be0db3',
  extraData: '0x',
  mixHash: hash('0e'),
  nonce: '0x0000000000000000',
}
const london = { ...block, baseFeePerGas: '0x7' }
const shanghai = { ...london, withdrawalsRoot: hash('11') }
const cancun = { ...shanghai, blobGasUsed: '0x0', excessBlobGas: '0x20000', parentBeaconBlockRoot: hash('14') }
const prague = { ...cancun, requestsHash: hash('15') }

function without(json: object, name: string): object {
  return Object.fromEntries(Object.entries(json).filter(([key]) => key !== name))
}

function eraOf(json: unknown): string {
  const bytes = headerFromJson(json)
  if (!bytes.ok) return bytes.reason
  const header = decodeHeader(bytes.value)
  return header.ok ? header.value.era : header.reason
}

describe('a block in JSON', () => {
  it('becomes a header of the era whose fields it has', () => {
    expect([block, london, shanghai, cancun, prague].map(eraOf)).toEqual([
      'frontier',
      'london',
      'shanghai',
      'cancun',
      'prague',
    ])
  })

  it('may have further fields, absent ones as null, and numbers with leading zeros', () => {
    const strange = {
      ...london,
      totalDifficulty: '0x1',
      l1BlockNumber: 7,
      size: null,
      withdrawalsRoot: null,
      number: '0x0010',
    }
    expect(headerFromJson(strange)).toEqual(headerFromJson(london))
  })

  it.each(Object.keys(without(block, 'hash')))('without %s is refused', (name) => {
    expect(eraOf(without(prague, name))).toBe(`the block's ${name} is missing or malformed`)
  })

  it.each(['baseFeePerGas', 'withdrawalsRoot', 'blobGasUsed', 'excessBlobGas', 'parentBeaconBlockRoot'])(
    'of a later fork without %s is refused, not read with its fields moved',
    (name) => {
      expect(eraOf(without(prague, name))).toBe(`the block's ${name} is missing`)
    },
  )

  it('with half of the fields that Cancun brought is refused', () => {
    expect(eraOf({ ...shanghai, blobGasUsed: '0x0' })).toBe("no fork's header has 18 fields")
  })

  it.each([
    ['number', 16],
    ['number', '16'],
    ['number', '0x'],
    ['number', '-0x1'],
    ['number', '0x1g'],
    ['number', `0x1${'0'.repeat(64)}`],
    ['parentHash', '0xabc'],
    ['parentHash', ['0x']],
    ['logsBloom', true],
  ])('with %s = %j is refused', (name, value) => {
    expect(eraOf({ ...block, [name]: value })).toBe(`the block's ${name} is missing or malformed`)
  })

  it('with a field of another length is refused', () => {
    expect(eraOf({ ...block, parentHash: '0x0102' })).toBe("the header's parent hash is malformed")
    expect(eraOf({ ...block, gasUsed: `0x1${'0'.repeat(16)}` })).toBe("the header's gas used is malformed")
  })

  it.each([null, undefined, 7, 'block', [], [block]])('that is %j is refused', (json) => {
    expect(eraOf(json)).toBe('the block is not an object')
  })
})

const log = {
  address: `0x${'Cd'.repeat(20)}`,
  topics: [hash('1a'), hash('1b')],
  data: '0x1234',
  logIndex: '0x0',
  removed: false,
}
const logs = [
  {
    address: address(log.address),
    topics: log.topics.map((topic) => fromHex(topic as `0x${string}`)),
    data: fromHex('0x1234'),
  },
]
const receipt = {
  type: '0x2',
  status: '0x1',
  cumulativeGasUsed: '0x5208',
  logsBloom: toHex(bloomOf(logs)),
  logs: [log],
  transactionHash: hash('ff'),
  contractAddress: null,
}

function read(json: unknown) {
  const bytes = receiptFromJson(json)
  return bytes.ok ? decodeReceipt(bytes.value) : bytes
}

function reasonOf(json: unknown): string {
  const decoded = read(json)
  return decoded.ok ? 'accepted' : decoded.reason
}

describe('a receipt in JSON', () => {
  it('becomes the receipt it tells of', () => {
    expect(read(receipt)).toEqual({
      ok: true,
      value: { type: 'eip1559', outcome: 'succeeded', cumulativeGasUsed: 21_000n, logs },
    })
    expect(read({ ...receipt, type: '0x0', status: '0x0' })).toMatchObject({
      ok: true,
      value: { type: 'legacy', outcome: 'failed' },
    })
  })

  it('of before EIP-2718 has no type, and of before Byzantium a root for its status', () => {
    const old = { ...without(without(receipt, 'type'), 'status'), root: hash('77') }
    expect(read(old)).toMatchObject({
      ok: true,
      value: { type: 'legacy', outcome: { stateRoot: fromHex(`0x${'77'.repeat(32)}`) } },
    })
    expect(reasonOf({ ...old, type: '0x2' })).toBe('a typed receipt holds a state root for its outcome')
    expect(read({ ...receipt, root: '0x' })).toEqual(read(receipt))
  })

  it('with a bloom filter that is not that of its logs is refused', () => {
    expect(reasonOf({ ...receipt, logs: [] })).toBe("the receipt's bloom is not that of its logs")
    expect(reasonOf({ ...receipt, logs: [{ ...log, topics: [hash('1a')] }] })).toBe(
      "the receipt's bloom is not that of its logs",
    )
  })

  it.each([
    ['cumulativeGasUsed', undefined, "the receipt's cumulativeGasUsed is missing or malformed"],
    ['cumulativeGasUsed', 21_000, "the receipt's cumulativeGasUsed is missing or malformed"],
    ['logs', undefined, "the receipt's logs is missing or malformed"],
    ['logs', {}, "the receipt's logs is missing or malformed"],
    ['logs', [7], 'the log is not an object'],
    ['logs', [{ ...log, data: '0x1' }], "the log's data is missing or malformed"],
    ['logs', [{ ...log, topics: 'none' }], "the log's topics is missing or malformed"],
    ['logs', [{ ...log, topics: [7] }], 'log 0: a topic is not 32 bytes'],
    ['logs', [{ ...log, topics: ['0x12'] }], 'log 0: a topic is not 32 bytes'],
    ['logs', [{ ...log, topics: Array(5).fill(hash('1a')) }], 'log 0: it has more than four topics'],
    ['logs', [{ ...log, address: '0x12' }], 'log 0: its address is malformed'],
    ['status', '0x2', "the receipt's outcome is malformed"],
    ['status', undefined, "the receipt's root is missing or malformed"],
    ['status', true, "the receipt's status is missing or malformed"],
    ['type', '0x5', 'the receipt is of no known type'],
    ['type', '0x7e', 'the receipt is of no known type'],
    ['type', '0xf8', 'the receipt is not canonical RLP: the item is cut short'],
    ['type', '0x0102', 'the receipt is not canonical RLP: bytes follow the item'],
    ['type', 2, "the receipt's type is missing or malformed"],
    ['logsBloom', undefined, "the receipt's logsBloom is missing or malformed"],
    ['logsBloom', '0x00', "the receipt's bloom is malformed"],
  ])('with %s = %j is refused', (name, value, reason) => {
    expect(reasonOf({ ...receipt, [name]: value })).toBe(reason)
  })

  it.each([null, undefined, 7, 'receipt', []])('that is %j is refused', (json) => {
    expect(reasonOf(json)).toBe('the receipt is not an object')
  })
})
