import { type TxHash, txHash, txid, type Verified } from 'lanekit'
import { rpcNode } from 'lanekit/adapters'
import { type ConfirmedTransaction, createBitcoinClient } from 'lanekit/client'
import { hashText } from 'lanekit/verify'
import { type Included, provenReceipt } from 'lanekit/wallet'
import { bitcoinOptions, bitcoinPlace } from './bitcoin.ts'
import { type Answer, type Asked, type Command, type Facts, refuse, usage } from './command.ts'
import type { Terminal } from './terminal.ts'

const rpc = {
  type: 'string',
  value: 'URL',
  help: 'an Ethereum node, over JSON-RPC; LANEKIT_RPC when left out',
} as const
const block = { type: 'string', value: 'HASH', help: 'the block it must be in, from a source that you trust' } as const

const about = [
  'The block is fetched whole and checked against its hash; transaction and receipt are proven against its roots.',
  'The level is node: of the header itself nothing is proven. --block lifts that to your own trust in its hash.',
]

export const verifyTx: Command = {
  name: 'verify tx',
  words: 'HASH',
  wordsMin: 1,
  wordsMax: 1,
  summary: 'proves that a block holds a transaction',
  about: [
    ...about,
    'A hash without 0x is a Bitcoin transaction: headers are checked in full from the checkpoint on, the one with the most',
    'work counts, and the transaction is proven in it. The level is confirmed, with depth and work.',
  ],
  options: { rpc, block, ...bitcoinOptions },
  run: (asked, terminal) =>
    /^[0-9a-fA-F]{64}$/.test(asked.words[0] ?? '')
      ? provenOnBitcoin(asked, terminal)
      : proven(asked, terminal, (included) => ({ facts: placeOf(included), lines: [placeLine(included)] })),
}

export const verifyReceipt: Command = {
  name: 'verify receipt',
  words: 'HASH',
  wordsMin: 1,
  wordsMax: 1,
  summary: 'proves what became of a transaction',
  about,
  options: { rpc, block },
  run: (asked, terminal) =>
    proven(asked, terminal, (included) => {
      const { receipt } = included
      const { outcome, cumulativeGasUsed, type } = receipt
      const text = typeof outcome === 'string' ? outcome : `state root ${hex(outcome.stateRoot)}`
      const logs = receipt.logs.map(({ address, topics, data }) => ({
        address,
        topics: topics.map(hex),
        data: hex(data),
      }))
      const paint = outcome === 'failed' ? terminal.bad : terminal.good
      return {
        facts: { ...placeOf(included), type, outcome: text, cumulativeGasUsed, logs },
        lines: [
          placeLine(included),
          `outcome: ${paint(text)}; gas used up to and with it: ${cumulativeGasUsed.toLocaleString('en-US')}`,
          ...logs.map(({ address, topics, data }) => `log of ${address}: ${[...topics, data].join(' ')}`),
        ],
      }
    }),
}

async function proven(
  asked: Asked,
  terminal: Terminal,
  told: (included: Included) => { readonly facts: Facts; readonly lines: readonly string[] },
): Promise<Answer> {
  const url = asked.text('rpc') ?? terminal.env.LANEKIT_RPC
  const [word = ''] = asked.words
  const expected = asked.text('block')?.toLowerCase()
  if (url === undefined) return usage(`no node is named: give --rpc URL, or set LANEKIT_RPC`)
  if (!URL.canParse(url)) return usage('the address of the node is no URL')
  if (!isWord(word)) return usage(`'${word}' is not a transaction hash (0x and 64 digits)`)
  if (expected !== undefined && !isWord(expected)) return usage('--block wants a block hash (0x and 64 digits)')
  const hash: TxHash = txHash(word)
  const found = await terminal.during('Fetching the block', () => provenReceipt(rpcNode({ url }), hash))
  if (!found) return refuse('verify/not-included', 'the node knows of no block that holds the transaction')
  if (expected !== undefined && found.value.blockHash !== expected)
    return refuse('verify/other-block', `the transaction is in block ${found.value.blockHash}`)
  const { facts, lines } = told(found.value)
  return {
    end: 'ok',
    facts: { hash, ...facts, verdict: found.verdict },
    lines: [...lines, verdictLine(found, terminal)],
  }
}

async function provenOnBitcoin(asked: Asked, terminal: Terminal): Promise<Answer> {
  const place = bitcoinPlace(asked, terminal)
  if ('end' in place) return place
  const id = txid(asked.words[0] ?? '')
  const found = await terminal.during('Following the headers', async () => {
    const client = await createBitcoinClient(place)
    return client.inclusion(id)
  })
  if (!found) return refuse('verify/not-included', 'no node proves that the chain holds the transaction')
  return toldOfBitcoin(id, found, terminal)
}

function toldOfBitcoin(id: string, { value, verdict }: ConfirmedTransaction, { bold }: Terminal): Answer {
  const { index } = value
  const block = { height: value.block.height, hash: hashText(value.block.hash) }
  const { level, confirmations, work, sources } = verdict
  const anchor = { ...verdict.anchor, hash: hashText(verdict.anchor.hash) }
  const tip = { ...verdict.tip, hash: hashText(verdict.tip.hash) }
  const seen = new Date(1_000 * tip.time).toISOString()
  return {
    end: 'ok',
    facts: { txid: id, block, index, verdict: { level, anchor, confirmations, work, tip, sources } },
    lines: [
      `transaction ${id} is number ${index} of block ${block.height}, ${block.hash}`,
      `${bold(`level ${level}`)}: ${confirmations} deep under ${work} hashes, headers followed from block ${anchor.height} on`,
      `the newest block is ${tip.height}, of ${seen}: an old one may mean that newer ones are withheld`,
    ],
  }
}

function placeOf({ blockNumber, blockHash, index }: Included): Facts {
  return { blockNumber, blockHash, index }
}

function placeLine({ hash, blockNumber, blockHash, index }: Included): string {
  return `transaction ${hash} is number ${index} of block ${blockNumber}, ${blockHash}`
}

function verdictLine({ verdict }: Verified<Included>, { bold }: Terminal): string {
  const { level, anchor, proven: claims } = verdict
  return `${bold(`level ${level}`)}: ${claims.join(' and ')} proven against ${anchor.kind} ${anchor.hash}`
}

function isWord(text: string): boolean {
  return /^0x[0-9a-fA-F]{64}$/.test(text)
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`
}
