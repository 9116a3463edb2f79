import {
  channelIdOf,
  type Draft,
  type Envelope,
  encodeMessage,
  isAuthentic,
  linkKeyOf,
  type Message,
} from '../../../channel/penalty/index.ts'
import { describeTwoWay, type TwoWayChannel } from './describe.ts'
import { inBackground, inTurn, load, type PenaltyDesk, writeRecord } from './desk.ts'
import { penaltyKeys } from './record.ts'

/** What became of an invitation that was to be withdrawn. */
export type Withdrawn =
  | { readonly ok: true; readonly channel: TwoWayChannel }
  /** Somebody answered before: the channel is what it was, and can be closed once it is open. */
  | { readonly ok: false; readonly refusal: { readonly code: 'answered' | 'not-invited'; readonly detail: string } }

/** Takes an invitation back that nobody has answered: that is stored first, and from then on whoever answers is told no. [TW6] */
export function withdrawInvitation(desk: PenaltyDesk): Promise<Withdrawn> {
  return inTurn(desk, async (): Promise<Withdrawn> => {
    const known = await load(desk)
    if (known.own !== 'accepter') return no('not-invited', 'It was opened here, and no invitation of this wallet.')
    if (known.channel)
      return no(
        'answered',
        'Somebody has answered it already. Close the channel once it is open, if you do not want it.',
      )
    if (!desk.isWithdrawn) await store(desk)
    return { ok: true, channel: describeTwoWay(desk) }
  })
}

/** The record is written with it, so that of a withdrawal and an answer that cross, one is stored. */
async function store(desk: PenaltyDesk): Promise<void> {
  const { id, world, known } = desk
  await writeRecord(desk, known, (record) =>
    world.store.commit([record, { key: penaltyKeys.withdrawn(id), expected: 0, bytes: Uint8Array.of(1) }]),
  )
  desk.isWithdrawn = true
  world.changed(desk)
}

/** The key of the tags between this side and whoever opens a channel, where the word is that one's own; `null` for anybody else's. [TW6] */
export async function linkKeyOfOpener(
  { world, known }: PenaltyDesk,
  envelope: Envelope,
  draft: Draft,
): Promise<Uint8Array | null> {
  const channel = channelIdOf(draft)
  if (envelope.channel !== channel) return null
  const linkKey = linkKeyOf(await world.keys.channelSecret(known.index, draft.keys.funding), channel)
  return isAuthentic(envelope, linkKey) ? linkKey : null
}

/** Who answers what was withdrawn is told so, each time it asks: its coins have not left. */
export async function declineLate(
  desk: PenaltyDesk,
  envelope: Envelope,
  { draft }: Extract<Message, { type: 'open' }>,
): Promise<void> {
  const linkKey = await linkKeyOfOpener(desk, envelope, draft)
  if (!linkKey) return
  const message: Message = { type: 'decline', fault: 'withdrawn' }
  const bytes = encodeMessage({ channel: envelope.channel, from: 'accepter', message }, linkKey)
  inBackground(desk, () => desk.mailbox.post(bytes))
}

function no(code: 'answered' | 'not-invited', detail: string): Withdrawn {
  return { ok: false, refusal: { code, detail } }
}
