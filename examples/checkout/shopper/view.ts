import { h, type Inside, type Piece } from '../page/tree.ts'
import { brief, count, sat, spanOf, texts, timeOf, troubleText } from '../texts.ts'
import type { Act } from './actions.ts'
import { counter } from './counter.ts'
import { endCard, laneCard, phaseOf, progressCard } from './laneCard.ts'
import { cardOf, isTwoWay, laneOf, type Purchase, type State, skewMsMax } from './model.ts'
import { twoWayCard } from './twoWayCard.ts'
import { lockedCard, moneyCard, noneCard, offerCard, wordsCard, workingCard } from './walletCard.ts'

/** The whole of the shopper's page below its head. */
export function shopperView(state: State, act: Act): readonly Piece[] {
  return [
    h('div', { class: 'notices', 'aria-live': 'polite' }, notices(state, act)),
    h(
      'div',
      { class: 'shop' },
      h('div', { class: 'intro' }, h('h1', {}, texts.intro.title), h('p', { class: 'lead' }, texts.intro.lead)),
      h(
        'section',
        { class: 'purse', 'aria-labelledby': 'purse-title' },
        h(
          'div',
          { class: 'purse-head' },
          h('h2', { id: 'purse-title', class: 'over' }, laneOf(state) ? texts.lane.heading : texts.wallet.heading),
          phaseOf(state),
        ),
        h('div', { class: 'card', key: cardOf(state) }, card(state, act)),
        state.isPersistent === false &&
          state.wallet.step === 'ready' &&
          h('p', { class: 'hint aside' }, texts.notices.volatile),
        laneOf(state)?.phase === 'open' && state.shop?.isDemo !== false ? trial(state, act) : null,
      ),
      counter(state, act),
      shelf(state),
    ),
  ]
}

function card(state: State, act: Act): Inside {
  const { wallet } = state
  const any = laneOf(state)
  const lane = any && !isTwoWay(any) ? any : null
  switch (cardOf(state)) {
    case 'none':
      return noneCard(state, act)
    case 'locked':
      return lockedCard(act)
    case 'working':
      return workingCard(wallet.step === 'working' ? texts.wallet.working[wallet.at] : '')
    case 'words':
      return wordsCard(wallet.step === 'words' ? wallet.words : [], act)
    case 'money':
      return moneyCard(state, act)
    case 'offer':
      return offerCard(state, act)
    case 'progress':
      return lane && progressCard(state, lane)
    case 'lane':
      return lane && laneCard(state, lane, act)
    case 'two-way':
      return any && isTwoWay(any) && twoWayCard(state, any, act)
    case 'end':
      return lane && endCard(state, lane, act)
    default:
      return workingCard(texts.wallet.loading)
  }
}

function notices(state: State, act: Act): Inside {
  const say = texts.notices
  const { trouble, skewMs } = state
  const way = skewMs > 0 ? 'ahead of' : 'behind'
  return [
    trouble !== null && troubleNotice(trouble, act),
    state.isUnplugged && notice('unplugged', say.unplugged),
    state.isOffline && !state.isUnplugged && notice('offline', say.offline),
    state.edge === 'down' && notice('edge', say.edge),
    Math.abs(skewMs) > skewMsMax && notice('skew', say.skew(spanOf(Math.abs(skewMs) / 1000), way)),
  ]
}

function notice(key: string, text: string): Piece {
  return h('p', { key, class: `notice notice-${key}` }, text)
}

function troubleNotice(trouble: NonNullable<State['trouble']>, act: Act): Piece {
  const [what, next] = troubleText(trouble)
  return h(
    'div',
    { key: 'trouble', class: 'notice notice-trouble', role: 'alert' },
    h('p', {}, h('strong', {}, what), ' ', next),
    h('button', { type: 'button', class: 'quiet', onclick: () => act({ do: 'dismiss' }) }, texts.notices.dismiss),
  )
}

function shelf(state: State): Piece {
  const say = texts.shelf
  const paid = state.purchases.filter(({ paid }) => paid > 0)
  const heads = [say.what, say.price, say.number, say.when]
  return h(
    'section',
    { class: 'shelf', 'aria-labelledby': 'shelf-title' },
    h('h2', { id: 'shelf-title', class: 'over' }, say.title),
    paid.length === 0
      ? h('p', { class: 'hint' }, say.empty)
      : h(
          'div',
          { class: 'scroll', role: 'region', 'aria-labelledby': 'shelf-title', tabindex: 0 },
          h(
            'table',
            { class: 'figures' },
            h(
              'thead',
              {},
              h(
                'tr',
                {},
                heads.map((text) => h('th', { scope: 'col' }, text)),
              ),
            ),
            h('tbody', {}, paid.slice(0, shelfShownMax).map(shelfRow)),
          ),
        ),
  )
}

const shelfShownMax = 20

function shelfRow(bought: Purchase): Piece {
  const { article, parts, paid, price, receipt } = bought
  const title = texts.articles[article].title
  const more = parts > 1 ? h('small', {}, texts.shelf.parts(paid, parts)) : null
  return h(
    'tr',
    { key: bought.id },
    h('th', { scope: 'row' }, title, ' ', more),
    h('td', {}, sat(price * BigInt(paid))),
    h(
      'td',
      { title: receipt?.paymentId ?? '' },
      receipt ? count(receipt.number) : '—',
      receipt && h('span', { class: 'wide' }, ` · ${brief(receipt.paymentId)}`),
    ),
    h('td', {}, timeOf(receipt?.at ?? bought.at)),
  )
}

/** The buttons that harm the page on purpose. */
function trial(state: State, act: Act): Piece {
  const say = texts.trial
  const { isUnplugged, doing } = state
  const isKilling = doing === 'killing' || state.edge === 'down'
  return h(
    'details',
    { class: 'trial' },
    h('summary', {}, say.title),
    h('p', { class: 'hint' }, say.lead),
    h(
      'div',
      { class: 'row' },
      h(
        'button',
        {
          type: 'button',
          'aria-disabled': isKilling ? 'true' : null,
          onclick: isKilling ? null : () => act({ do: 'kill' }),
        },
        isKilling ? say.killing : say.kill,
      ),
      h(
        'button',
        {
          type: 'button',
          'aria-pressed': isUnplugged ? 'true' : 'false',
          onclick: () => act({ do: isUnplugged ? 'plug' : 'unplug' }),
        },
        isUnplugged ? say.plug : say.unplug,
      ),
    ),
  )
}
