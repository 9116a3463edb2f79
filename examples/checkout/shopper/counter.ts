import type { Article, Goods, Invoiced, Tide } from '../api.ts'
import { h, type Inside, type Piece } from '../page/tree.ts'
import { count, sat, texts, timeOf } from '../texts.ts'
import type { Act } from './actions.ts'
import {
  hindranceOf,
  isBilled,
  isRunning,
  isTwoWay,
  laneOf,
  type Purchase,
  purchaseOf,
  type State,
  songLimits,
} from './model.ts'
import { twoWayTexts } from './twoWayTexts.ts'

/** What the shop has, each with the one button that pays for it. */
export function counter(state: State, act: Act): Piece {
  const articles = state.shop?.articles ?? []
  const cards = articles.map((article) =>
    h(
      'li',
      { key: article.id, class: `good good-${article.id}` },
      h(
        'div',
        { class: 'good-head' },
        h('h3', {}, texts.articles[article.id].title),
        h('p', { class: 'price' }, texts.price(article, texts.perPart[article.id])),
      ),
      h('p', { class: 'about' }, texts.articles[article.id].about),
      bodyOf(state, article, act),
    ),
  )
  return h(
    'section',
    { class: 'counter', 'aria-labelledby': 'counter-title' },
    h('h2', { id: 'counter-title', class: 'over' }, texts.counter),
    h('ul', { class: 'goods' }, cards),
  )
}

function bodyOf(state: State, article: Article, act: Act): Inside {
  switch (article.id) {
    case 'story':
      return story(state, article, act)
    case 'song':
      return song(state, article, act)
    case 'leaves':
      return leaves(state, article, act)
    case 'chart':
      return chart(state, article, act)
    default:
      return tide(state, article, act)
  }
}

function story(state: State, article: Article, act: Act): Inside {
  const bought = purchaseOf(state, 'story')
  const goods = bought?.goods[0]
  if (goods?.kind === 'story') return [storyText(goods), receiptLine(bought)]
  const price = sat(article.price)
  if (isBilled(bought)) return bill(state, article, bought, act)
  return [
    buyButton(state, article, {
      label: texts.articles.story.buy(price),
      run: () => act({ do: 'buy', article: 'story' }),
    }),
    standing(bought),
    billOffer(state, article, bought, act),
  ]
}

/** Over a lane that pays both ways, the shop can ask by an invoice too. */
function billOffer(state: State, article: Article, bought: Purchase | null, act: Act): Inside {
  const lane = laneOf(state)
  const isOver = lane !== null && isTwoWay(lane) && hindranceOf(state, BigInt(article.price), article.over) === null
  if (!isOver || isRunning(bought)) return null
  const say = twoWayTexts.invoice
  const isBusy = state.doing === 'asking-invoice'
  return h(
    'details',
    { class: 'another' },
    h('summary', {}, say.title),
    h('p', { class: 'hint' }, say.about),
    h(
      'button',
      {
        type: 'button',
        'aria-disabled': isBusy ? 'true' : null,
        onclick: isBusy ? null : () => act({ do: 'show-invoice', article: 'story' }),
      },
      isBusy ? say.asking : say.show,
    ),
  )
}

/** An invoice that waits: this wallet can pay it, or any other one that has a way to the shop. */
function bill(state: State, article: Article, bought: Purchase & { readonly invoice: Invoiced }, act: Act): Inside {
  const say = twoWayTexts.invoice
  const { invoice, expiresAt } = bought.invoice
  return [
    h(
      'div',
      { class: 'address' },
      h('span', { class: 'label' }, say.text),
      h('code', {}, invoice),
      h('button', { class: 'quiet', type: 'button', onclick: () => act({ do: 'copy', text: invoice }) }, say.copy),
    ),
    h('p', { class: 'hint', role: 'status' }, say.until(timeOf(expiresAt))),
    buyButton(state, article, {
      label: say.pay(sat(article.price)),
      run: () => act({ do: 'go-on', article: 'story' }),
    }),
  ]
}

function storyText(goods: Extract<Goods, { kind: 'story' }>): Piece {
  return h(
    'div',
    { class: 'story', tabindex: -1 },
    goods.paragraphs.map((text) => h('p', {}, text)),
  )
}

function song(state: State, article: Article, act: Act): Inside {
  const bought = purchaseOf(state, 'song')
  const runs = isRunning(bought)
  const paid = bought ? bought.price * BigInt(bought.paid) : 0n
  const limit = bought && runs ? bought.price * BigInt(bought.parts) : state.songLimit
  const isAtLimit = bought?.state === 'done' && bought.paid === bought.parts
  const label = bought ? texts.again : texts.articles.song.buy
  const meter = texts.songMeter(bought?.paid ?? 0, sat(paid), sat(limit))
  return [
    limits(state, article, runs, act),
    buyButton(state, article, {
      label: bought?.state === 'paused' ? texts.goOn : label,
      run: () => act({ do: bought?.state === 'paused' ? 'go-on' : 'buy', article: 'song' }),
      stop: runs ? () => act({ do: 'stop', article: 'song' }) : null,
    }),
    bought !== null &&
      h(
        'div',
        { class: 'meter' },
        h('progress', { max: String(limit), value: String(paid), 'aria-label': meter }),
        h('p', { class: 'figures' }, isAtLimit ? `${meter}. ${texts.songAtLimit}` : meter),
        // Said aloud by steps of ten, or a listener would hear numbers instead of the song.
        h('p', { class: 'visually-hidden', role: 'status' }, bought.paid > 0 && bought.paid % 10 === 0 ? meter : ''),
      ),
    standing(bought),
  ]
}

function limits(state: State, article: Article, isDisabled: boolean, act: Act): Piece {
  return h(
    'fieldset',
    { class: 'choice', disabled: isDisabled },
    h('legend', {}, texts.limit),
    songLimits.map((limit) => {
      const value = limit * BigInt(article.price)
      return h(
        'label',
        {},
        h('input', {
          type: 'radio',
          name: 'limit',
          value: String(value),
          checked: state.songLimit === value,
          onchange: () => act({ do: 'limit', limit: value }),
        }),
        h('span', {}, sat(value)),
      )
    }),
  )
}

function leaves(state: State, article: Article, act: Act): Inside {
  const bought = purchaseOf(state, 'leaves')
  const { parts } = article
  const total = sat(article.price * parts)
  const runs = isRunning(bought)
  const isDone = bought?.state === 'done'
  const label =
    bought?.state === 'paused' || bought?.state === 'refused' ? texts.goOn : texts.articles.leaves.buy(total)
  const run = () => act(bought && !isDone ? { do: 'go-on', article: 'leaves' } : { do: 'buy', article: 'leaves' })
  return [
    !isDone &&
      buyButton(state, article, { label, run, stop: runs ? () => act({ do: 'stop', article: 'leaves' }) : null }),
    bought !== null &&
      h(
        'div',
        { class: 'meter' },
        h('progress', { max: parts, value: bought.paid, 'aria-label': texts.leavesMeter(bought.paid, parts) }),
        h(
          'p',
          { class: 'figures', role: isDone ? 'status' : null },
          isDone ? texts.leavesDone(parts) : texts.leavesMeter(bought.paid, parts),
        ),
      ),
    bought !== null && leafTable(bought),
    standing(bought),
  ]
}

/** The newest leaves; a table of two hundred rows would bury the page. */
function leafTable({ goods }: Purchase): Inside {
  const rows = goods.flatMap((one) => (one.kind === 'leaf' ? [one] : [])).slice(-leavesShownMax)
  if (rows.length === 0) return null
  const { day, high, low, metres } = texts.leafHead
  return h(
    'table',
    { class: 'figures' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        [day, high, low, metres].map((text) => h('th', { scope: 'col' }, text)),
      ),
    ),
    h(
      'tbody',
      {},
      rows.map((leaf) =>
        h(
          'tr',
          { key: leaf.day },
          h('th', { scope: 'row' }, texts.leafRow(leaf.day)),
          [leaf.high, leaf.low, texts.metres(leaf.metres)].map((text) => h('td', {}, text)),
        ),
      ),
    ),
  )
}

const leavesShownMax = 5

/** What is lent: bought with a deposit, shown, and brought back. */
function chart(state: State, article: Article, act: Act): Inside {
  const bought = purchaseOf(state, 'chart')
  const goods = bought?.goods[0]
  const deposit = sat(article.deposit)
  if (goods?.kind === 'chart' && bought && !bought.isReturned) {
    const isBusy = state.doing === 'bringing-back'
    return [
      h('pre', { class: 'chart', role: 'img', 'aria-label': texts.chartOf }, goods.lines.join('\n')),
      h(
        'div',
        { class: 'row' },
        h(
          'button',
          {
            type: 'button',
            'aria-disabled': isBusy ? 'true' : null,
            onclick: isBusy ? null : () => act({ do: 'bring-back', article: 'chart' }),
          },
          isBusy ? texts.bringingBack : texts.bringBack(deposit),
        ),
      ),
      receiptLine(bought),
    ]
  }
  return [
    buyButton(state, article, {
      label: texts.articles.chart.buy(sat(article.price)),
      run: () => act({ do: 'buy', article: 'chart' }),
    }),
    bought?.isReturned ? h('p', { class: 'hint', role: 'status' }, texts.broughtBack(deposit)) : standing(bought),
  ]
}

function tide(state: State, article: Article, act: Act): Inside {
  const { tide } = state
  const isAsking = tide === 'asking'
  return [
    buyButton(state, article, {
      label: isAsking ? texts.paying : texts.articles.tide.buy(sat(article.price)),
      run: () => act({ do: 'buy', article: 'tide' }),
      isBusy: isAsking,
    }),
    h('div', { class: 'answer', role: 'status' }, tide && tide !== 'asking' && tideText(tide)),
  ]
}

function tideText({ tide, price }: { readonly tide: Tide; readonly price: bigint }): Inside {
  return [
    h('p', { class: 'big' }, texts.tideNow(texts.metres(tide.metres), tide.trend)),
    h('p', { class: 'hint' }, `${texts.tideNext(timeOf(tide.nextHighAt))}. ${texts.paidWith(sat(price))}.`),
  ]
}

/**
 * A button that pays, or stops paying: one and the same, so that focus stays on it. When it cannot pay, it stays in reach
 * and says why, so that nobody has to guess.
 */
function buyButton(
  state: State,
  article: Article,
  button: {
    readonly label: string
    readonly run: () => void
    readonly isBusy?: boolean
    readonly stop?: (() => void) | null
  },
): Piece {
  const { label, run, isBusy = false, stop = null } = button
  const hindrance = stop ? null : hindranceOf(state, BigInt(article.price), article.over)
  const isHindered = hindrance !== null || isBusy
  const note = `why-${article.id}`
  return h(
    'div',
    { class: 'row' },
    h(
      'button',
      {
        type: 'button',
        class: stop ? null : 'primary',
        'aria-disabled': isHindered ? 'true' : null,
        'aria-describedby': hindrance ? note : null,
        onclick: stop ?? (isHindered ? null : run),
      },
      stop ? texts.stop : label,
    ),
    hindrance !== null && h('p', { id: note, class: 'hint' }, texts.hindrances[hindrance]),
  )
}

/** What an unfinished purchase waits for, or why it was refused. */
function standing(bought: Purchase | null): Inside {
  if (!bought) return null
  const told = () => {
    if (bought.state === 'paying' && bought.parts === 1) return [h('span', { class: 'spinner' }), texts.paying]
    if (bought.state === 'waiting') return [h('span', { class: 'spinner' }), texts.waiting]
    if (bought.state !== 'refused') return null
    const code = bought.fault ?? ''
    return `${texts.refusedPart} ${texts.nextRefusal[code] ?? texts.refusedElse(code)}`
  }
  return h('p', { class: bought.state === 'refused' ? 'fault' : 'hint', role: 'status' }, told())
}

function receiptLine(bought: Purchase | null): Inside {
  const receipt = bought?.receipt
  if (!receipt) return null
  return h(
    'p',
    { class: 'hint', role: 'status' },
    `${texts.paidWith(sat(receipt.price))}, ${texts.shelf.number.toLowerCase()} ${count(receipt.number)}, ${timeOf(receipt.at)}.`,
  )
}
