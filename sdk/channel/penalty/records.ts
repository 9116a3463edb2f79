import { type KnownSecret, secretIndex, secretStoreMax } from '../../bitcoin/bolt3/index.ts'
import { currentEngine } from '../../crypto/engine.ts'
import { accepted, type Decoded, refused, unreachable } from '../../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../rlp.ts'
import { inMsats } from '../../units.ts'
import { asBytes, asFixed, asList, asMsats, asName, asNumber, asOptional, asSats } from '../fields.ts'
import { changesFrom, changesItem, htlcFieldsFrom, htlcIdMax, signaturesFrom, signaturesItem } from './changesCodec.ts'
import { type Content, contentAfter, type Htlc, sumOf } from './content.ts'
import { numberMax } from './messages.ts'
import {
  type Channel,
  type Exchange,
  endCauses,
  isLive,
  type Live,
  type LiveChannel,
  noSession,
  type PeerPoint,
  type Shutdown,
  type SignedClosing,
} from './state.ts'
import { type DraftFault, htlcsMaxMax, limitsOf, type Opening, otherSide, type Side } from './terms.ts'
import { draftFrom, draftItem, keysFrom, keysItem, openingFrom, openingItem } from './termsCodec.ts'

/**
 * Longest record of a channel: every HTLC that the terms allow on both sides, a full batch in flight, and the secrets of a
 * million updates.
 */
export const recordBytesMax = 4_096

const closingBytesMax = 400

const version = 1
/** By their number in records: only ever added to. */
const phases = [
  ...['offered', 'taken', 'signing', 'accepted', 'declined'],
  ...['funding', 'open', 'closing', 'ending', 'behind'],
] as readonly Channel['phase'][]
const sides: readonly Side[] = ['opener', 'accepter']
/** By their number in records: only ever added to. */
const declineFaults = [
  ...['other-terms', 'malformed-draft', 'capacity-out-of-range', 'pushed-too-much', 'busy', 'abandoned'],
  'withdrawn',
] as readonly (DraftFault | 'abandoned')[]
const states = ['idle', 'proposed', 'answered'] as const
/** By their number in records: only ever added to. */
const origins = ['own', 'backup', 'proven'] as const

/** The record of a channel: all of it but its secrets, which come from the seed, and its session. */
export function encodeChannel(channel: Channel): Uint8Array {
  const head = [quantity(version), quantity(phases.indexOf(channel.phase)), quantity(sides.indexOf(channel.own))]
  return encodeRlp([...head, isLive(channel) ? liveItem(channel) : earlyItem(channel), restItem(channel)])
}

/**
 * Reads a record, and refuses one that no channel could have left. Never throws.
 *
 * Funds at risk: of a record that may be old, say so by `origin: 'backup'`, and store what comes back before anything else, or
 * an old state is broadcast and punished. [TW29]
 */
export function decodeChannel(bytes: Uint8Array, origin: 'own' | 'backup' = 'own'): Decoded<Channel> {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 5) : undefined
  if (!parts) return refused('the record has the wrong shape')
  if (asNumber(parts[0], version) !== version) return refused('the record is of another version')
  const phase = asName(parts[1], phases)
  const own = asName(parts[2], sides)
  if (!phase || !own) return refused('the record has no known phase or side')
  if (phases.indexOf(phase) < phases.indexOf('funding')) return earlyFrom(phase, own, parts[3], parts[4])
  const live = liveFrom(own, parts[3])
  if (!live.ok) return live
  const stored = origin === 'backup' ? { ...live.value, origin } : live.value
  return withRest(phase, stored, parts[4])
}

function earlyItem(channel: Exclude<Channel, LiveChannel>): RlpItem {
  switch (channel.phase) {
    case 'taken':
      return [draftItem(channel.draft), keysItem(channel.accepterKeys)]
    case 'signing':
      return openingItem(channel.opening)
    case 'accepted':
      return [draftItem(channel.draft), keysItem(channel.keys)]
    default:
      return [draftItem(channel.draft)]
  }
}

function restItem(channel: Channel): RlpItem {
  switch (channel.phase) {
    case 'declined':
      return [quantity(declineFaults.indexOf(channel.fault))]
    case 'funding': {
      const { isReady, isPeerReady } = channel
      return [flag(isReady), flag(isPeerReady)]
    }
    case 'open':
      return shutdownItem(channel.shutdown)
    case 'closing':
      return [channel.asked ? [quantity(channel.asked.fee)] : [], channel.signed ? closingItem(channel.signed) : []]
    case 'ending':
      return [quantity(endCauses.indexOf(channel.cause))]
    case 'offered':
    case 'taken':
    case 'signing':
    case 'accepted':
    case 'behind':
      return []
    default:
      return unreachable(channel)
  }
}

function liveItem(channel: Live): RlpItem {
  const { opening, base, exchange, signatures, points, secrets, turn, preimages, origin } = channel
  return [
    openingItem(opening),
    contentItem(base),
    [quantity(states.indexOf(exchange.state)), exchange.state === 'idle' ? [] : changesItem(exchange.changes)],
    signaturesItem(signatures),
    [peerPointItem(points.current), peerPointItem(points.next)],
    secrets.map(({ index, secret }) => [quantity(index), secret]),
    quantity(turn),
    [...preimages],
    quantity(origins.indexOf(origin)),
  ]
}

function earlyFrom(
  phase: Channel['phase'],
  own: Side,
  item: RlpItem | undefined,
  rest: RlpItem | undefined,
): Decoded<Channel> {
  if (phase === 'signing') {
    const opening = openingFrom(item)
    if (!opening.ok) return opening
    if (!asList(rest, 0) || own !== 'opener') return noRest
    return accepted({ phase, own, draft: opening.value.draft, opening: opening.value })
  }
  const hasKeys = phase === 'taken' || phase === 'accepted'
  const parts = asList(item, hasKeys ? 2 : 1)
  const draft = draftFrom(parts?.[0])
  if (!draft.ok) return draft
  const keys = hasKeys ? keysFrom(parts?.[1]) : undefined
  if (phase === 'declined') {
    const fault = asName(asList(rest, 1)?.[0], declineFaults)
    return fault ? accepted({ phase, own, draft: draft.value, fault }) : noRest
  }
  if (!asList(rest, 0)) return noRest
  if (phase === 'offered' && own === 'opener') return accepted({ phase, own, draft: draft.value })
  if (phase === 'taken' && own === 'opener' && keys)
    return accepted({ phase, own, draft: draft.value, accepterKeys: keys })
  if (phase === 'accepted' && own === 'accepter' && keys) return accepted({ phase, own, draft: draft.value, keys })
  return noRest
}

function withRest(phase: Channel['phase'], live: Live, rest: RlpItem | undefined): Decoded<Channel> {
  switch (phase) {
    case 'funding': {
      const [isReady, isPeerReady] = (asList(rest, 2) ?? []).map(flagFrom)
      return isReady === undefined || isPeerReady === undefined
        ? noRest
        : accepted({ ...live, phase, isReady, isPeerReady })
    }
    case 'open': {
      const shutdown = shutdownFrom(rest)
      return shutdown ? accepted({ ...live, phase, shutdown }) : noRest
    }
    case 'closing': {
      const parts = asList(rest, 2)
      const asked = asOptional(parts?.[0], (item) => {
        const fee = asSats(asList(item, 1)?.[0])
        return fee === undefined ? undefined : { fee }
      })
      const signed = asOptional(parts?.[1], closingFrom)
      const isQuiet = live.exchange.state === 'idle' && live.base.htlcs.length === 0
      return asked === undefined || signed === undefined || !isQuiet
        ? noRest
        : accepted({ ...live, phase, asked, signed })
    }
    case 'ending': {
      const cause = asName(asList(rest, 1)?.[0], endCauses)
      return cause ? accepted({ ...live, phase, cause }) : noRest
    }
    default:
      return phase === 'behind' && asList(rest, 0) ? accepted({ ...live, phase }) : noRest
  }
}

function liveFrom(own: Side, item: RlpItem | undefined): Decoded<Live> {
  const parts = asList(item, 9)
  if (!parts) return refused('the state has the wrong shape')
  const opening = openingFrom(parts[0])
  if (!opening.ok) return opening
  const base = contentFrom(parts[1])
  const signatures = signaturesFrom(parts[3])
  const [current, next] = (asList(parts[4], 2) ?? []).map(peerPointFrom)
  const secrets = secretsFrom(parts[5])
  const turn = asNumber(parts[6], numberMax)
  const preimages = bytesFrom(parts[7])
  const origin = asName(parts[8], origins)
  if (!base || !signatures || !current || !next || !secrets || turn === undefined || !preimages || !origin)
    return refused('a field of the state is malformed')
  const exchange = exchangeFrom(opening.value, own, base, parts[2])
  if (!exchange) return refused('the update of the state is malformed')
  if (sumOf(base) !== inMsats(opening.value.draft.capacity))
    return refused('the amounts of the state contradict each other')
  if (base.number > 0 && !secrets.some(({ index }) => index === secretIndex(base.number - 1)))
    return refused('the secrets of the state are not those of its number')
  const points = { current, next }
  const common = { own, opening: opening.value, base, exchange, signatures, points, secrets, turn, preimages, origin }
  return accepted({ ...common, session: noSession })
}

function peerPointItem({ point, key }: PeerPoint): RlpItem {
  return [point, key ?? none]
}

/** Reads a point and its key; nothing when one of them is none. */
function peerPointFrom(item: RlpItem): PeerPoint | undefined {
  const parts = asList(item, 2)
  const [point, key] = [asFixed(parts?.[0], 33), asBytes(parts?.[1], 33)]
  const { isPublicKey } = currentEngine()
  if (!point || !isPublicKey(point) || !key || (key.length > 0 && !isPublicKey(key))) return undefined
  return { point, key: key.length > 0 ? key : null }
}

/** The content in flight is made again from its batch: it follows from it. */
function exchangeFrom(opening: Opening, own: Side, base: Content, item: RlpItem | undefined): Exchange | undefined {
  const parts = asList(item, 2)
  const state = asName(parts?.[0], states)
  const changes = changesFrom(parts?.[1])
  if (!state || !changes) return undefined
  if (state === 'idle') return changes.length === 0 ? { state } : undefined
  const by = state === 'proposed' ? own : otherSide(own)
  const changed = contentAfter(limitsOf(opening.draft), base, by, changes)
  return changed.ok ? { state, changes, next: changed.content } : undefined
}

function contentItem({ number, balance, htlcs, added }: Content): RlpItem {
  return [
    quantity(number),
    quantity(balance.opener),
    quantity(balance.accepter),
    htlcs.map(({ by, id, amount, paymentHash, expiry }) => [
      quantity(sides.indexOf(by)),
      quantity(id),
      quantity(amount),
      paymentHash,
      quantity(expiry),
    ]),
    quantity(added.opener),
    quantity(added.accepter),
  ]
}

function contentFrom(item: RlpItem | undefined): Content | undefined {
  const parts = asList(item, 6)
  const number = asNumber(parts?.[0], numberMax)
  const [opener, accepter] = [asMsats(parts?.[1]), asMsats(parts?.[2])]
  const htlcs = htlcsFrom(parts?.[3])
  const added = { opener: asNumber(parts?.[4], htlcIdMax), accepter: asNumber(parts?.[5], htlcIdMax) }
  if (number === undefined || opener === undefined || accepter === undefined || !htlcs) return undefined
  if (added.opener === undefined || added.accepter === undefined) return undefined
  const counts = { opener: added.opener, accepter: added.accepter }
  return { number, balance: { opener, accepter }, htlcs, added: counts }
}

function htlcsFrom(item: RlpItem | undefined): readonly Htlc[] | undefined {
  if (item === undefined || item instanceof Uint8Array || item.length > 2 * htlcsMaxMax) return undefined
  const htlcs = item.map((one): Htlc | undefined => {
    const parts = asList(one, 5)
    const by = asName(parts?.[0], sides)
    const fields = htlcFieldsFrom(parts?.slice(1))
    return by && fields && { by, ...fields }
  })
  return htlcs.every((htlc) => htlc !== undefined) ? (htlcs as readonly Htlc[]) : undefined
}

function secretsFrom(item: RlpItem | undefined): readonly KnownSecret[] | undefined {
  if (item === undefined || item instanceof Uint8Array || item.length > secretStoreMax) return undefined
  const secrets = item.map((one) => {
    const parts = asList(one, 2)
    const index = asNumber(parts?.[0], 2 ** 48 - 1)
    const secret = asFixed(parts?.[1], 32)
    return index === undefined || !secret ? undefined : { index, secret }
  })
  return secrets.every((secret) => secret !== undefined) ? (secrets as readonly KnownSecret[]) : undefined
}

function bytesFrom(item: RlpItem | undefined): readonly Uint8Array[] | undefined {
  if (item === undefined || item instanceof Uint8Array || item.length > htlcsMaxMax) return undefined
  const all = item.map((one) => asFixed(one, 32))
  return all.every((one) => one !== undefined) ? (all as readonly Uint8Array[]) : undefined
}

/** Nothing, an own wish without a fee as one empty list, or with one. */
function shutdownItem({ own, isByPeer }: Shutdown): RlpItem {
  const wish = own === null ? [] : [own.fee === null ? [] : [quantity(own.fee)]]
  return [wish, flag(isByPeer)]
}

function shutdownFrom(item: RlpItem | undefined): Shutdown | undefined {
  const parts = asList(item, 2)
  const own = asOptional(parts?.[0], (wish) => {
    const fee = asOptional(asList(wish, 1)?.[0], (inner) => asSats(asList(inner, 1)?.[0]))
    return fee === undefined ? undefined : { fee }
  })
  const isByPeer = flagFrom(parts?.[1])
  return own === undefined || isByPeer === undefined ? undefined : { own, isByPeer }
}

function closingItem({ fee, closer, transaction }: SignedClosing): RlpItem {
  return [quantity(fee), quantity(sides.indexOf(closer)), transaction]
}

function closingFrom(item: RlpItem | undefined): SignedClosing | undefined {
  const parts = asList(item, 3)
  const fee = asSats(parts?.[0])
  const closer = asName(parts?.[1], sides)
  const transaction = asBytes(parts?.[2], closingBytesMax)
  return fee === undefined || !closer || !transaction ? undefined : { fee, closer, transaction }
}

const none = /* @__PURE__ */ new Uint8Array(0)
const noRest = /* @__PURE__ */ refused('what belongs to the phase is malformed')

function flag(is: boolean): RlpItem {
  return quantity(is ? 1 : 0)
}

function flagFrom(item: RlpItem | undefined): boolean | undefined {
  const value = asNumber(item, 1)
  return value === undefined ? undefined : value === 1
}
