import { Transaction } from 'bitcoinjs-lib'
import { accepted, type Decoded, refused } from '../../../sdk/errors.ts'
import { type Sats, sats, type Txid, toHex, txid } from '../../../sdk/units.ts'
import { hash256 } from './block.ts'

/** An amount, and the script that must be satisfied to spend it. */
export interface Output {
  readonly script: Uint8Array
  readonly value: Sats
}

export interface Outpoint {
  readonly txid: Txid
  readonly index: number
}

export interface LedgerTransaction {
  readonly txid: Txid
  /** Hash of all bytes, in wire order (BIP-141). */
  readonly wtxid: Uint8Array
  readonly version: number
  readonly inputs: readonly {
    readonly outpoint: Outpoint
    readonly sequence: number
    readonly scriptSig: Uint8Array
    readonly witness: readonly Uint8Array[]
  }[]
  readonly outputs: readonly Output[]
  readonly locktime: number
  /** In weight units (BIP-141). */
  readonly weight: number
  readonly raw: Uint8Array
}

export function decodeTransaction(raw: Uint8Array): Decoded<LedgerTransaction> {
  try {
    const read = Transaction.fromBuffer(raw.slice())
    return accepted({
      txid: txid(read.getId()),
      wtxid: hash256(raw),
      version: read.version,
      inputs: read.ins.map(({ hash, index, sequence, script, witness }) => ({
        outpoint: { txid: txid(toHex(hash.slice().reverse()).slice(2)), index },
        sequence,
        scriptSig: script,
        witness,
      })),
      outputs: read.outs.map(({ script, value }) => ({ script, value: sats(value) })),
      locktime: read.locktime,
      weight: read.weight(),
      raw,
    })
  } catch {
    return refused('the bytes are no transaction')
  }
}

/** An outpoint as text, to key maps with. */
export function outpointKey({ txid, index }: Outpoint): string {
  return `${txid}:${index}`
}
