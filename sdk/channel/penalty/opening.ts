import { fundingScriptOf } from '../../bitcoin/bolt3/index.ts'
import { type Output, p2wsh } from '../../bitcoin/index.ts'
import { sha256 } from '../../crypto/engine.ts'
import { encodeRlp } from '../../rlp.ts'
import { type ChannelId, channelId, sameBytes, toHex } from '../../units.ts'
import { type Draft, type DraftFault, type Opening, penaltyFormat, rangeFault, type Terms } from './terms.ts'
import { draftItem, encodeTerms } from './termsCodec.ts'

/** Identity of a channel: SHA-256 of its format and its draft, whose keys nobody uses twice. [TW5] */
export function channelIdOf(draft: Draft): ChannelId {
  const known = ids.get(draft)
  if (known) return known
  const id = channelId(toHex(sha256(encodeRlp([new TextEncoder().encode(penaltyFormat), draftItem(draft)]))))
  ids.set(draft, id)
  return id
}

/** A draft never changes, and its identity is asked for with every message. */
const ids = /* @__PURE__ */ new WeakMap<Draft, ChannelId>()

/**
 * Judges a draft as the accepter does before it takes it, and the opener before it sends it.
 *
 * @param own - The terms the accepter gave.
 * @returns Nothing when it may be taken. [TW6]
 */
export function draftFault(draft: Draft, own: Terms): DraftFault | null {
  return sameBytes(encodeTerms(draft.terms), encodeTerms(own)) ? rangeFault(draft) : 'other-terms'
}

/** Script of the funding output. [TW1] */
export function fundingScript({ draft, accepterKeys }: Pick<Opening, 'draft' | 'accepterKeys'>): Uint8Array {
  return fundingScriptOf(draft.keys.funding, accepterKeys.funding)
}

/** The output that the opener has to fund. [TW1] */
export function fundingOutput(opening: Pick<Opening, 'draft' | 'accepterKeys'>): Output {
  return { script: p2wsh(fundingScript(opening)), value: opening.draft.capacity }
}
