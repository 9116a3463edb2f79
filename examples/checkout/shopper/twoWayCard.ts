import { h, type Inside, type Piece } from '../page/tree.ts'
import { brief, count, sat, spanOf, texts } from '../texts.ts'
import type { Act } from './actions.ts'
import { closeButton, pauseButton } from './laneControls.ts'
import type { State, TwoWayLane } from './model.ts'
import { twoWayTexts as say } from './twoWayTexts.ts'
import { figures, offerCard } from './walletCard.ts'

/** The card of a lane that pays both ways, in each of its phases. */
export function twoWayCard(state: State, lane: TwoWayLane, act: Act): Inside {
  if (lane.isElsewhere)
    return [
      h('h3', {}, texts.lane.elsewhereTitle),
      h('p', { role: 'status' }, texts.lane.elsewhere),
      h('button', { class: 'primary', type: 'button', onclick: () => act({ do: 'take-back' }) }, texts.lane.takeBack),
    ]
  switch (lane.phase) {
    case 'invited':
    case 'withdrawn':
    case 'opening':
    case 'declined':
    case 'funding':
      return building(state, lane)
    case 'closed':
      return ended(state, lane, act)
    default:
      return living(state, lane, act)
  }
}

function building(state: State, lane: TwoWayLane): Inside {
  const { progress, words } = lane
  const left = progress ? Math.max(1, progress.need - progress.have) : (state.shop?.twoWay.confirmations ?? 1)
  return [
    h('h3', {}, say.title),
    blocks(lane) ?? h('progress', { max: 1, value: 0, 'aria-label': say.blocks }),
    h('p', { role: 'status' }, words),
    h('p', { class: 'hint' }, say.toGo(spanOf(left * (state.shop?.blockSeconds ?? 600)))),
    away(lane),
  ]
}

function living(state: State, lane: TwoWayLane, act: Act): Inside {
  const { phase, words, balance, capacity, remaining, updates, isPending } = lane
  const isOpen = phase === 'open'
  return [
    isOpen
      ? h('p', { class: 'sum' }, h('strong', {}, sat(remaining)), ' ', h('span', {}, say.remaining))
      : h('p', { class: 'working', role: 'status' }, h('span', { class: 'spinner' }), words),
    blocks(lane) ?? h('progress', { max: String(capacity), value: String(balance), 'aria-label': say.meter }),
    figures([
      [say.yours, sat(balance)],
      [say.shops, sat(capacity - balance)],
      [say.updates, count(updates)],
    ]),
    lane.trouble !== null && h('p', { class: 'fault' }, lane.trouble),
    isPending && h('p', { class: 'hint', role: 'status' }, say.pending),
    away(lane),
    (isOpen || phase === 'closing' || phase === 'restored') && controls(state, lane, act),
  ]
}

/** How many blocks of those that the phase waits for are there. */
function blocks({ progress }: TwoWayLane): Piece | null {
  if (!progress) return null
  const { have, need } = progress
  return h('progress', { key: 'blocks', max: need, value: Math.min(have, need), 'aria-label': say.blocks })
}

function controls(state: State, { phase, delayBlocks }: TwoWayLane, act: Act): Inside {
  const isBusy = state.doing === 'closing' || phase === 'closing'
  return [
    h(
      'div',
      { class: 'row' },
      pauseButton(state, act),
      closeButton({ label: say.close, busy: say.closing, isBusy }, act),
    ),
    h(
      'details',
      { class: 'another' },
      h('summary', {}, say.silent),
      h('p', { class: 'hint' }, say.aloneNote(delayBlocks)),
      h('button', { type: 'button', onclick: () => act({ do: 'close-alone' }) }, say.alone),
    ),
  ]
}

/** The end from two sides and the chain. What a closing by one side alone came to is in several transactions, and is not told here. */
function ended(state: State, lane: TwoWayLane, act: Act): Inside {
  const account = state.twoWayAccounts[lane.id]
  const closing = account?.closing ?? null
  const returned = account && closing ? lane.capacity - BigInt(account.balance + closing.fee) : null
  const isTogether = closing !== null && returned !== null && closing.values.includes(Number(returned))
  const isProven = account !== undefined && lane.balance + BigInt(account.balance) === lane.capacity
  return [
    h('h3', {}, texts.end.title),
    account
      ? h('p', { class: isProven ? 'proven' : 'fault', role: 'status' }, isProven ? say.end.proven : say.end.unproven)
      : h('p', { class: 'hint', role: 'status' }, texts.end.unreachable),
    figures([
      [say.end.yours, sat(lane.balance)],
      ...(account ? [[say.end.shops, sat(account.balance)] as const] : []),
      ...(closing && returned !== null && isTogether
        ? [[say.end.fee, sat(closing.fee)] as const, [say.end.returned, sat(returned)] as const]
        : []),
    ]),
    closing &&
      h('p', { class: 'hint' }, `${texts.end.transaction} `, h('code', { title: closing.txid }, brief(closing.txid))),
    state.money !== null && state.money.confirmed > 0n
      ? h('details', { class: 'another' }, h('summary', {}, texts.end.another), offerCard(state, act))
      : null,
  ]
}

function away({ advice }: TwoWayLane): Inside {
  return h('p', { class: 'hint away' }, say.away(advice))
}
