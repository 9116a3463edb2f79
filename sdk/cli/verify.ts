import { type TxHash, txHash, type Verified } from 'lanekit'
import { rpcNode } from 'lanekit/adapters'
import { type Included, provenReceipt } from 'lanekit/wallet'
import { type Answer, type Asked, type Facts, type Run, refuse, usage } from './command.ts'
import type { Terminal } from './terminal.ts'

export const verifyTx: Run = (asked, terminal) =>
  proven(asked, terminal, (included) => ({ facts: placeOf(included), lines: [placeLine(included)] }))

export const verifyReceipt: Run = (asked, terminal) =>
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
  })

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
