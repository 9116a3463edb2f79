import { h, type Inside, type Piece } from '../page/tree.ts'
import { sat, spanOf, texts } from '../texts.ts'
import type { Act } from './actions.ts'
import { type Cost, capacities, isTwoWay, laneOf, type State, type Trouble } from './model.ts'
import { twoWayTexts } from './twoWayTexts.ts'

const passwordLengthMin = 8

/** The card of a person who has no wallet here. */
export function noneCard({ wallet }: State, act: Act): Inside {
  const say = texts.wallet.none
  const lost = wallet.step === 'none' ? texts.wallet.lost[wallet.lost] : null
  return [
    lost !== null && h('p', { class: 'fault', role: 'status' }, lost),
    h('h3', {}, say.title),
    h('p', {}, say.lead),
    h(
      'form',
      { onsubmit: (event) => submit(event, act), class: 'stack' },
      accountField(),
      passwordField('new-password', say.password, { hint: say.hint, name: 'password' }),
      passwordField('new-password', say.again, { name: 'again' }),
      h(
        'details',
        {},
        h('summary', {}, say.haveWords),
        h(
          'div',
          { class: 'field' },
          h('label', { for: 'field-words' }, say.words),
          h('textarea', {
            id: 'field-words',
            name: 'words',
            rows: 3,
            autocomplete: 'off',
            autocapitalize: 'none',
            spellcheck: 'false',
            'aria-describedby': 'hint-words',
          }),
          h('small', { id: 'hint-words' }, say.wordsHint),
        ),
      ),
      h('button', { class: 'primary', type: 'submit' }, say.create),
    ),
  ]
}

function submit(event: Event, act: Act): void {
  event.preventDefault()
  const form = event.target as HTMLFormElement
  const again = form.elements.namedItem('again') as HTMLInputElement
  const fields = new FormData(form)
  const password = String(fields.get('password') ?? '')
  const differs = password !== String(fields.get('again') ?? '')
  again.setCustomValidity(differs ? texts.wallet.none.differ : '')
  again.oninput = () => again.setCustomValidity('')
  if (!form.reportValidity()) return
  const words = String(fields.get('words') ?? '').trim()
  act({ do: 'create', password, words: words || null })
}

/** For password managers, which keep a password under a name. */
function accountField(): Piece {
  return h('input', { type: 'text', name: 'account', autocomplete: 'username', value: texts.shopName, hidden: true })
}

function passwordField(
  autocomplete: 'new-password' | 'current-password',
  label: string,
  { hint = null, name }: { readonly hint?: string | null; readonly name: string },
): Piece {
  const [id, hintId] = [`field-${name}`, `hint-${name}`]
  return h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    h('input', {
      type: 'password',
      id,
      name,
      required: true,
      minlength: autocomplete === 'new-password' ? passwordLengthMin : null,
      autocomplete,
      'aria-describedby': hint === null ? null : hintId,
    }),
    hint !== null && h('small', { id: hintId }, hint),
  )
}

export function lockedCard(act: Act): Inside {
  const say = texts.wallet.locked
  const unlock = (event: Event) => {
    event.preventDefault()
    const fields = new FormData(event.target as HTMLFormElement)
    act({ do: 'unlock', password: String(fields.get('password') ?? '') })
  }
  return [
    h('h3', {}, say.title),
    h('p', {}, say.lead),
    h(
      'form',
      { onsubmit: unlock, class: 'stack' },
      accountField(),
      passwordField('current-password', texts.wallet.none.password, { name: 'password' }),
      h('button', { class: 'primary', type: 'submit' }, say.unlock),
    ),
  ]
}

export function workingCard(text: string): Inside {
  return h('p', { class: 'working', role: 'status' }, h('span', { class: 'spinner' }), text)
}

export function wordsCard(words: readonly string[], act: Act): Inside {
  const say = texts.wallet.words
  return [
    h('h3', {}, say.title),
    h('p', {}, say.lead),
    h(
      'ol',
      { class: 'words', 'aria-label': say.list },
      words.map((word) => h('li', {}, word)),
    ),
    h('button', { class: 'primary', type: 'button', onclick: () => act({ do: 'words-written' }) }, say.done),
  ]
}

export function moneyCard(state: State, act: Act): Inside {
  const say = texts.wallet.money
  const { address, money, doing, shop } = state
  const isComing = money !== null && money.pending > 0n
  return [
    h('h3', {}, say.title),
    shop?.isDemo !== false &&
      h(
        'div',
        { class: 'stack' },
        h(
          'button',
          {
            class: 'primary',
            type: 'button',
            'aria-disabled': doing === 'coins' || isComing ? 'true' : null,
            onclick: doing === 'coins' || isComing ? null : () => act({ do: 'coins' }),
          },
          doing === 'coins' ? say.getting : say.get,
        ),
        h('p', { class: 'hint' }, say.note),
      ),
    h(
      'div',
      { role: 'status' },
      isComing && [
        h('p', { class: 'working' }, h('span', { class: 'spinner' }), say.pending(sat(money.pending))),
        h('p', { class: 'hint' }, say.wait),
      ],
    ),
    address !== null &&
      h(
        'div',
        { class: 'address' },
        h('span', { class: 'label' }, say.address),
        h('code', {}, address),
        h('button', { class: 'quiet', type: 'button', onclick: () => act({ do: 'copy', text: address }) }, say.copy),
      ),
  ]
}

/** What a lane would cost, and the button that opens it. */
export function offerCard(state: State, act: Act): Inside {
  const say = texts.offer
  const { cost, capacity, money, doing } = state
  const lane = laneOf(state)
  const known = cost && 'payable' in cost ? cost : null
  const refusal = cost && 'code' in cost ? cost : null
  const isBusy = doing === 'opening' || known === null
  return [
    h('h3', {}, say.title),
    lane?.phase === 'declined' &&
      h('p', { class: 'fault' }, isTwoWay(lane) ? lane.words : say.declined(lane.fault ?? '')),
    h('p', {}, say.lead),
    kindChoice(state, act),
    h(
      'fieldset',
      { class: 'choice' },
      h('legend', {}, say.capacity),
      capacities.map((value) =>
        h(
          'label',
          {},
          h('input', {
            type: 'radio',
            name: 'capacity',
            value: String(value),
            checked: capacity === value,
            onchange: () => act({ do: 'choose', capacity: value }),
          }),
          h('span', {}, sat(value)),
        ),
      ),
    ),
    h('div', { class: 'cost', 'aria-live': 'polite' }, costOf(state, known, refusal)),
    h(
      'button',
      {
        class: 'primary',
        type: 'button',
        'aria-disabled': isBusy ? 'true' : null,
        onclick: isBusy ? null : () => act({ do: 'open' }),
      },
      doing === 'opening' ? say.opening : say.open(sat(capacity)),
    ),
    money !== null && h('p', { class: 'hint' }, texts.wallet.balance(sat(money.confirmed))),
  ]
}

/** One way or both ways, with a sentence on the one that is chosen. */
function kindChoice({ over }: State, act: Act): Piece {
  const kinds = ['one-way', 'two-way'] as const
  return h(
    'fieldset',
    { class: 'choice' },
    h('legend', {}, twoWayTexts.choice),
    kinds.map((kind) =>
      h(
        'label',
        {},
        h('input', {
          type: 'radio',
          name: 'over',
          value: kind,
          checked: over === kind,
          onchange: () => act({ do: 'over', over: kind }),
        }),
        h('span', {}, twoWayTexts.kinds[kind][0]),
      ),
    ),
    h('p', { class: 'hint', role: 'status' }, twoWayTexts.kinds[over][1]),
  )
}

function costOf({ shop }: State, cost: Cost | null, refusal: Trouble | null): Inside {
  const say = texts.offer
  if (refusal) return h('p', { class: 'fault' }, refusal.code === 'insufficient' ? say.poor : refusal.detail)
  if (!cost) return h('p', { class: 'working' }, h('span', { class: 'spinner' }), say.asking)
  const blockSeconds = shop?.blockSeconds ?? 600
  const wait = say.wait(cost.confirmations, spanOf(cost.confirmations * blockSeconds))
  const fees = [[say.fundingFee, sat(cost.fundingFee)] as const]
  if (cost.over === 'two-way') {
    const span = spanOf(cost.backBlocks * blockSeconds)
    return [
      figures([
        ...fees,
        [twoWayTexts.closeFee, sat(cost.closeFee)],
        [twoWayTexts.reserve, sat(cost.reserve)],
        [say.payable, sat(cost.payable)],
      ]),
      [wait, twoWayTexts.back(cost.backBlocks, span), twoWayTexts.watch(cost.backBlocks, span)].map((text) =>
        h('p', { class: 'hint' }, text),
      ),
    ]
  }
  return [
    figures([...fees, [say.closeFee, sat(cost.closeFee)], [say.payable, sat(cost.payable)]]),
    [wait, say.back(cost.backBlocks, spanOf(cost.backBlocks * 600)), say.dust].map((text) =>
      h('p', { class: 'hint' }, text),
    ),
  ]
}

/** Names and sums, aligned. */
export function figures(rows: readonly (readonly [string, string])[]): Piece {
  return h(
    'dl',
    { class: 'sums' },
    rows.map(([name, value]) => h('div', { key: name }, h('dt', {}, name), h('dd', {}, value))),
  )
}
