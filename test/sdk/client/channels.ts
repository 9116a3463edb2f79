import type { BitcoinBackend } from '../../../edge/local/bitcoinBackend.ts'
import { decodeTransaction, encodeAddress, p2wpkh } from '../../../sdk/bitcoin/index.ts'
import { closingDigest, closingTransaction, fundingOutput, type Opening } from '../../../sdk/channel/index.ts'
import { currentEngine } from '../../../sdk/crypto/index.ts'
import { height, sats, type Txid } from '../../../sdk/units.ts'
import { must } from '../bitcoin/must.ts'

// Published test keys, for nothing else.
const [payerSecret, payeeSecret] = [new Uint8Array(32).fill(0x11), new Uint8Array(32).fill(0x22)]
const { publicKey, sign } = currentEngine()
const [payerKey, payeeKey] = [publicKey(payerSecret), publicKey(payeeSecret)]

/** An opening without its funding. Another expiry is another funding script. */
export function offer(expiry: number, capacity = 50_000n): Omit<Opening, 'funding'> {
  return {
    terms: {
      network: 'regtest',
      payeeKey,
      payeeScript: p2wpkh(payeeKey),
      closeFee: sats(500n),
      confirmationsMin: 2,
      capacityMin: sats(1_000n),
      capacityMax: sats(1_000_000n),
      expiryBlocksMin: 150,
      expiryBlocksMax: 1_000,
      marginBlocks: 144,
    },
    payerKey,
    payerScript: p2wpkh(payerKey),
    capacity: sats(capacity),
    expiry: height(expiry),
  }
}

/** Pays for a channel; the payment waits for a block. */
export async function fund(backend: BitcoinBackend, offered: Omit<Opening, 'funding'>): Promise<Opening> {
  const { script, value } = fundingOutput(offered)
  return { ...offered, funding: await backend.fund(encodeAddress(script, 'regtest') ?? '', value) }
}

/** The channel's closing that pays `paid`, signed by both. */
export function closing(opening: Opening, paid = 10_000n): { readonly raw: Uint8Array; readonly txid: Txid } {
  const fee = opening.terms.closeFee
  const digest = closingDigest(opening, sats(paid), fee) ?? new Uint8Array(32)
  const [payerSignature, payeeSignature] = [payerSecret, payeeSecret].map((secret) =>
    sign(digest, secret).slice(0, 64),
  ) as [Uint8Array, Uint8Array]
  const raw = closingTransaction(opening, sats(paid), { fee, payerSignature, payeeSignature })
  return { raw, txid: must(decodeTransaction(raw)).txid }
}
