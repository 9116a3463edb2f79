import { h, type Inside } from '../page/tree.ts'
import { brief, sat, spanOf, texts } from '../texts.ts'
import type { Act } from './actions.ts'
import { closeButton, pauseButton } from './laneControls.ts'
import { isProven, isTwoWay, type Lane, laneOf, type Proof, proofOf, type State } from './model.ts'
import { twoWayTexts } from './twoWayTexts.ts'
import { figures, offerCard } from './walletCard.ts'

/** Below so many blocks the deadline is said aloud. */
const soonBlocks = 12

export function progressCard(state: State, lane: Lane): Inside {
  const say = texts.progress
  const { confirmations, confirmationsMin, phase } = lane
  const left = Math.max(1, confirmationsMin - confirmations)
  const text =
    phase === 'offered'
      ? say.offered
      : confirmations === 0
        ? say.unseen
        : say.confirming(confirmations, confirmationsMin)
  return [
    h('h3', {}, say.title),
    h('progress', { max: confirmationsMin, value: confirmations, 'aria-label': say.label }),
    h('p', { role: 'status' }, text),
    h('p', { class: 'hint' }, say.wait(spanOf(left * (state.shop?.blockSeconds ?? 600)))),
  ]
}

export function laneCard(state: State, lane: Lane, act: Act): Inside {
  const say = texts.lane
  if (lane.isElsewhere)
    return [
      h('h3', {}, say.elsewhereTitle),
      h('p', { role: 'status' }, say.elsewhere),
      h('button', { class: 'primary', type: 'button', onclick: () => act({ do: 'take-back' }) }, say.takeBack),
    ]
  const payable = lane.capacity - lane.closeFee
  const credit = lane.paid - lane.spent
  return [
    h('p', { class: 'sum' }, h('strong', {}, sat(lane.remaining)), ' ', h('span', {}, say.remaining)),
    h('progress', { max: String(payable), value: String(lane.spent), 'aria-label': say.meter }),
    figures([
      [say.paid, sat(lane.paid)],
      [say.spent, sat(lane.spent)],
      [say.credit, sat(credit)],
    ]),
    credit > 0n && h('p', { class: 'hint' }, say.creditNote),
    lane.phase === 'open' ? openControls(state, lane, act) : endingNote(lane),
  ]
}

function openControls(state: State, lane: Lane, act: Act): Inside {
  const say = texts.lane
  const { doing } = state
  const credit = lane.paid - lane.spent
  const left = lane.closesAt - lane.height
  const hasCredit = credit > 0n
  const label = hasCredit ? say.closeNow : say.close
  const isBusy = doing === 'closing'
  const close = closeButton({ label, busy: say.closing, isBusy, isPrimary: hasCredit }, act)
  return [
    h(
      'p',
      { class: left <= soonBlocks ? 'fault' : 'hint' },
      left <= soonBlocks ? say.soon : say.expiry(left, spanOf(left * 600)),
    ),
    h(
      'div',
      { class: 'row' },
      pauseButton(state, act),
      hasCredit
        ? h(
            'details',
            { class: 'confirm' },
            h('summary', {}, say.close),
            h('p', {}, say.confirmClose(sat(credit))),
            close,
          )
        : close,
    ),
  ]
}

function endingNote({ phase }: Lane): Inside {
  const say = texts.lane
  return h(
    'p',
    { class: 'working', role: 'status' },
    h('span', { class: 'spinner' }),
    phase === 'refunding' ? say.refunding : say.closingNote,
  )
}

/** The end of a lane: three sums from three sides, and whether they are one. */
export function endCard(state: State, lane: Lane, act: Act): Inside {
  const say = texts.end
  const proof = proofOf(state, lane)
  if (!proof) return null
  const received = proof.received === null ? say.asking : sat(proof.received)
  return [
    h('h3', {}, say.title),
    verdict(proof),
    figures([
      [say.paid, sat(proof.paid)],
      [say.received, received],
      [say.settled, sat(proof.settled)],
      [say.goods, sat(proof.spent)],
      [say.returned, sat(proof.returned)],
    ]),
    h('p', { class: 'hint' }, `${say.transaction} `, h('code', { title: proof.txid }, brief(proof.txid))),
    state.money !== null && state.money.confirmed > 0n
      ? h('details', { class: 'another' }, h('summary', {}, say.another), offerCard(state, act))
      : null,
  ]
}

function verdict(proof: Proof): Inside {
  const say = texts.end
  const is = isProven(proof)
  if (is === null) return h('p', { class: 'hint', role: 'status' }, say.unreachable)
  return h('p', { class: is ? 'proven' : 'fault', role: 'status' }, is ? say.proven : say.unproven)
}

/** What stands in the corner of a card: the lane's phase in a word. */
export function phaseOf(state: State): Inside {
  const lane = laneOf(state)
  if (!lane || state.wallet.step !== 'ready') return null
  const word = isTwoWay(lane) ? twoWayTexts.phases[lane.phase] : texts.lane.phases[lane.phase]
  return h('span', { class: `phase phase-${lane.phase}` }, word)
}
