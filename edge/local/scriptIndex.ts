import { Block } from 'bitcoinjs-lib'
import type { BitcoinNode } from '../../sdk/ports.ts'
import { height, toHex } from '../../sdk/units.ts'
import { hash256 } from './ledger/block.ts'
import { hashOf } from './ledger/script.ts'
import { decodeTransaction } from './ledger/transaction.ts'

/**
 * Which script a hash stands for: every output of the chain that a node has, and of what was broadcast through us. A node is
 * asked about scripts, and Esplora's users name them by hash. For test chains: it reads every block once.
 */
export interface ScriptIndex {
  readonly script: (hash: string) => Promise<Uint8Array | undefined>
  /** Of a transaction that no block holds yet. */
  readonly learn: (raw: Uint8Array) => void
}

const headerSize = 80

export function createScriptIndex(node: Pick<BitcoinNode, 'tip' | 'headers' | 'block'>): ScriptIndex {
  const scripts = new Map<string, Uint8Array>()
  /** Hashes of the blocks that were read, by height. */
  const read: string[] = []
  let turn: Promise<unknown> = Promise.resolve()

  const keep = (outputs: readonly { readonly script: Uint8Array }[]) => {
    for (const { script } of outputs) scripts.set(hashOf(script), script)
  }

  /** Reads what is new, and what a reorganisation put in the place of what was read. */
  async function catchUp(): Promise<void> {
    const { height: top } = await node.tip()
    while (read.length > 0 && (read.length - 1 > top || read.at(-1) !== (await hashAt(read.length - 1)))) read.pop()
    for (let at = read.length; at <= top; at++) {
      const header = await node.headers(height(at), 1)
      if (header.length !== headerSize) return
      const hash = hash256(header)
      const block = await node.block(hash)
      if (!block) return
      for (const { outs } of Block.fromBuffer(block).transactions ?? []) keep(outs)
      read.push(toHex(hash))
    }
  }

  async function hashAt(at: number): Promise<string> {
    return toHex(hash256(await node.headers(height(at), 1)))
  }

  return {
    script: async (hash) => {
      const known = scripts.get(hash)
      if (known) return known
      const end = turn.then(catchUp)
      turn = end.catch(() => undefined)
      await end
      return scripts.get(hash)
    },
    learn: (raw) => {
      const decoded = decodeTransaction(raw)
      if (decoded.ok) keep(decoded.value.outputs)
    },
  }
}
