import { txid } from 'lanekit'
import { type ConfirmedTransaction, createBitcoinClient } from 'lanekit/client'
import { hashText } from 'lanekit/verify'
import { bitcoinPlace } from './bitcoin.ts'
import { type Answer, type Run, refuse } from './command.ts'
import type { Terminal } from './terminal.ts'

export const verifyBitcoinTx: Run = async (asked, terminal) => {
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
