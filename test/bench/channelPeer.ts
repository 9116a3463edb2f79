import { secp256k1 } from '@noble/curves/secp256k1.js'
import { Transaction } from 'bitcoinjs-lib/src/transaction'
import { encodeFundingScript } from '../../sdk/bitcoin/index.ts'
import type { Opening } from '../../sdk/channel/index.ts'

/** What a payment asks of bitcoinjs-lib and noble: each side makes the closing, one signs it, the other verifies. */
export function closeByPeer(opening: Opening, secrets: { readonly payer: Uint8Array }): () => void {
  const { terms, payerKey } = opening
  const script = encodeFundingScript({ payer: payerKey, payee: terms.payeeKey, expiry: opening.expiry })
  let paid = 300n
  const raw = { prehash: false, lowS: true } as const
  return () => {
    paid += 100n
    const signature = secp256k1.sign(digestOf(opening, script, paid), secrets.payer, raw)
    if (!secp256k1.verify(signature, digestOf(opening, script, paid), payerKey, raw))
      throw new Error('It did not verify.')
  }
}

function digestOf({ funding, capacity, terms, payerScript }: Opening, script: Uint8Array, paid: bigint): Uint8Array {
  const transaction = new Transaction()
  transaction.version = 2
  transaction.addInput(Uint8Array.from(Buffer.from(funding.txid, 'hex').reverse()), funding.index, 0xffff_fffd)
  transaction.addOutput(terms.payeeScript, paid)
  transaction.addOutput(payerScript, capacity - paid - terms.closeFee)
  return transaction.hashForWitnessV0(0, script, capacity, Transaction.SIGHASH_ALL)
}
