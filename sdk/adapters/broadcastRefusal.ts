import type { Broadcast, BroadcastCode } from '../ports.ts'
import { quoted } from './http.ts'

/** Codes of bitcoind's `sendrawtransaction` that are a definite no (Bitcoin Core, src/rpc/protocol.h). */
const definite: readonly number[] = [-22, -25, -26, -27]

/**
 * What Bitcoin Core's reject reasons mean, first match first. They are no documented API and have changed with its
 * versions, so that each line names all forms that are around.
 */
const meanings: readonly (readonly [RegExp, BroadcastCode])[] = [
  [/already in (?:utxo set|block chain)|txn-already/i, 'already-known'],
  [/missingorspent|missing.?inputs/i, 'missing-inputs'],
  [/premature-spend-of-coinbase/i, 'coinbase-immature'],
  [/non-BIP68-final/i, 'non-bip68-final'],
  [/non-?final/i, 'non-final'],
  [
    /mempool-conflict|same-nonwitness-data|replacement-adds-unconfirmed|spends-conflicting-tx|too many potential replacements/i,
    'conflict',
  ],
  [/insufficient fee|replacement-failed/i, 'replacement-too-cheap'],
  [/min relay fee not met|mempool min fee not met|mempool full/i, 'fee-too-low'],
  [/absurdly-high-fee|max-fee-exceeded|Fee exceeds maximum/i, 'fee-too-high'],
  [/too-long-mempool-chain|too-large-cluster|too many unconfirmed/i, 'too-long-chain'],
  [/script-verify-flag/i, 'script'],
  [/\bdust\b/i, 'dust'],
  [
    /^TX decode failed|^coinbase$|^bad-cb|^bad-txns-(?:vin|vout|txouttotal|oversize|inputs|prevout|in-belowout|fee)/i,
    'invalid',
  ],
  [
    /nonstandard|^bad-witness|^bad-txns-input-|^version$|^tx-size|^scriptsig|^scriptpubkey|datacarrier|op-return|bare-|too-many-sigops|maxburn/i,
    'nonstandard',
  ],
]

/** The refusal that an error of bitcoind's `sendrawtransaction` stands for; nothing when it is no definite no. */
export function broadcastRefusal(code: number, message: string): (Broadcast & { readonly ok: false }) | undefined {
  if (!definite.includes(code)) return undefined
  const [, meaning = 'other'] = meanings.find(([words]) => words.test(message)) ?? []
  return { ok: false, code: meaning, detail: quoted(message) }
}
