import { asBytes, asList, asNumber } from '../../../channel/fields.ts'
import { type Forward, forwardsFrom, forwardsItem } from '../../../channel/hub/index.ts'
import { SdkError } from '../../../errors.ts'
import { decodeRlp, encodeRlp, quantity } from '../../../rlp.ts'
import type { ChannelId } from '../../../units.ts'
import { encodePenaltyRecord, type PenaltyRecord, penaltyRecordFrom } from './record.ts'

/** What a copy of a channel holds, sealed: its record, and what a hub has on its way over it. [TW53] */
export interface Copy {
  /** Without its funding. */
  readonly record: PenaltyRecord
  readonly forwards: readonly Forward[]
}

const version = 1
/** Far above what an edge keeps. */
const recordBytesMax = 16_384

/** Reads back by {@link copyFrom}. The name of the channel is left out. */
export function encodeCopy(id: ChannelId, { record, forwards }: Copy): Uint8Array {
  // Without the funding: it may be long, it has left by then, and its coins were set aside by a store that is gone.
  const bytes = encodePenaltyRecord({ ...record, funding: null })
  return encodeRlp([quantity(version), bytes, forwardsItem(id, forwards)])
}

/** Reads what {@link encodeCopy} wrote; the channel in it may be old. [TW29] Throws `store/corrupt` for anything else. */
export function copyFrom(id: ChannelId, bytes: Uint8Array): Copy {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 3) : undefined
  const record = asBytes(parts?.[1], recordBytesMax)
  const forwards = forwardsFrom(id, parts?.[2])
  if (asNumber(parts?.[0], version) !== version || !record || !forwards)
    throw new SdkError('store/corrupt', 'A copy of a two-way channel does not read as one.')
  return { record: penaltyRecordFrom(record, 'backup'), forwards }
}
