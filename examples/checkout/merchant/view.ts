import type { Balance, Books, Entry, TillChannel, TwoWayAccount, TwoWaySale } from '../api.ts'
import { h, type Inside, type Piece } from '../page/tree.ts'
import { twoWayTexts } from '../shopper/twoWayTexts.ts'
import { brief, count, sat, texts, timeOf } from '../texts.ts'
import { merchantTexts } from './texts.ts'

/** What the merchant's page knows. */
export interface Till {
  readonly books: Books | null
  /** The till did not answer last time. */
  readonly isStale: boolean
  /** Channels that the merchant has asked to settle and that have not moved yet. */
  readonly settling: readonly string[]
  readonly isWithdrawing: boolean
}

export const firstTill: Till = { books: null, isStale: false, settling: [], isWithdrawing: false }

/** What the merchant can do. */
export interface Deeds {
  readonly settle: (channel: string) => void
  readonly withdraw: () => void
}

const say = merchantTexts

/** The whole of the merchant's page below its head. */
export function merchantView(till: Till, deeds: Deeds): readonly Piece[] {
  const { books, isStale } = till
  return [
    h('div', { class: 'notices', 'aria-live': 'polite' }, [
      isStale && h('p', { class: 'notice', key: 'stale' }, say.stale),
      ...(books?.neglected ?? []).map((text) =>
        h('p', { class: 'notice notice-trouble', key: text }, `${say.neglected}: ${text}`),
      ),
    ]),
    h('div', { class: 'head' }, h('h1', {}, say.title), h('p', { class: 'lead' }, say.lead)),
    ...(books
      ? content(books, till, deeds)
      : [h('p', { class: 'working', role: 'status' }, h('span', { class: 'spinner' }), texts.loading)]),
  ]
}

function content(books: Books, { settling, isWithdrawing }: Till, { settle, withdraw }: Deeds): Piece[] {
  const { balance } = books
  return [
    h(
      'dl',
      { class: 'tiles', 'aria-label': say.income },
      [
        [say.sold, balance.sold],
        [say.claims, balance.claims],
        [say.settled, balance.settled],
        [say.credit, balance.credit],
      ].map(([name, value]) =>
        h('div', { key: String(name) }, h('dt', {}, String(name)), h('dd', {}, sat(Number(value)))),
      ),
    ),
    h(
      'section',
      { class: 'part', 'aria-labelledby': 'channels' },
      h(
        'div',
        { class: 'part-head' },
        h('h2', { id: 'channels', class: 'over' }, say.channels),
        h('p', { class: 'hint figures' }, say.height(books.height)),
      ),
      channelTable(books, settling, settle),
    ),
    h(
      'section',
      { class: 'part', 'aria-labelledby': 'two-way' },
      h('h2', { id: 'two-way', class: 'over' }, say.twoWay),
      twoWayTable(books.twoWay),
      books.invitations > 0 && invitations(books.invitations, isWithdrawing, withdraw),
      books.twoWay.length > 0 && sales(books),
    ),
    h(
      'section',
      { class: 'part', 'aria-labelledby': 'balance' },
      h('h2', { id: 'balance', class: 'over' }, say.balance),
      sides(balance),
    ),
    h(
      'section',
      { class: 'part', 'aria-labelledby': 'ledger' },
      h(
        'div',
        { class: 'part-head' },
        h('h2', { id: 'ledger', class: 'over' }, say.ledger),
        h('a', { class: 'button', href: '/merchant/ledger.csv', download: 'ledger.csv' }, say.csv),
      ),
      ledger(books.ledger, books.entries),
    ),
  ]
}

function channelTable(
  { channels, height }: Books,
  settling: readonly string[],
  settle: (channel: string) => void,
): Inside {
  if (channels.length === 0) return h('p', { class: 'hint' }, say.none)
  const { channel, phase, received, spent, payments, deadline, action } = say.columns
  return table(
    'channels',
    [channel, phase, received, spent, payments, deadline, action],
    channels.map((one) => channelRow(one, { height, isAsked: settling.includes(one.id), settle })),
  )
}

function channelRow(
  one: TillChannel,
  {
    height,
    isAsked,
    settle,
  }: { readonly height: number; readonly isAsked: boolean; readonly settle: (channel: string) => void },
): Piece {
  const { id, phase, received, spent, number, closesAt } = one
  const mayNot = phase !== 'open' || number === 0 || isAsked
  return h(
    'tr',
    { key: id },
    h('th', { scope: 'row' }, h('code', { title: id }, brief(id))),
    h('td', {}, h('span', { class: `phase phase-${phase}` }, say.phases[phase])),
    h('td', { class: 'number' }, sat(received)),
    h('td', { class: 'number' }, sat(spent)),
    h('td', { class: 'number' }, count(number)),
    h('td', {}, phase === 'open' ? say.deadline(closesAt - height, closesAt) : '—'),
    h(
      'td',
      {},
      phase === 'open'
        ? h(
            'button',
            {
              type: 'button',
              'aria-label': say.settleOf(brief(id)),
              'aria-disabled': mayNot ? 'true' : null,
              onclick: mayNot ? null : () => settle(id),
            },
            say.settle,
          )
        : '—',
    ),
  )
}

function twoWayTable(lanes: readonly TwoWayAccount[]): Inside {
  const [open] = lanes.filter(({ phase }) => phase !== 'closed' && phase !== 'declined')
  if (lanes.length === 0) return h('p', { class: 'hint' }, say.twoWayNone)
  const { channel, phase, progress, shop, shopper, updates } = say.twoWayColumns
  return [
    h('p', { class: 'hint' }, say.twoWayNote),
    table('two-way', [channel, phase, progress, shop, shopper, updates], lanes.map(twoWayRow)),
    open !== undefined && h('p', { class: 'hint' }, say.twoWayAway(open.advice)),
  ]
}

function twoWayRow({ channel, phase, words, progress, capacity, balance, updates }: TwoWayAccount): Piece {
  return h(
    'tr',
    { key: channel },
    h('th', { scope: 'row' }, h('code', { title: channel }, brief(channel))),
    h('td', {}, h('span', { class: `phase phase-${phase}`, title: words }, twoWayTexts.phases[phase])),
    h('td', {}, progress ? blocksOf(progress) : '—'),
    h('td', { class: 'number' }, sat(balance)),
    h('td', { class: 'number' }, sat(capacity - balance)),
    h('td', { class: 'number' }, count(updates)),
  )
}

/** Invitations that nobody has answered, each a box that the merchant's wallet reads. */
function invitations(waiting: number, isWithdrawing: boolean, withdraw: () => void): Piece {
  return h(
    'div',
    { class: 'row' },
    h('p', { class: 'hint' }, say.invitations(waiting)),
    h(
      'button',
      {
        type: 'button',
        'aria-disabled': isWithdrawing ? 'true' : null,
        onclick: isWithdrawing ? null : withdraw,
      },
      isWithdrawing ? say.withdrawing : say.withdraw,
    ),
  )
}

/** What was sold over lanes that pay both ways, one by one. */
function sales({ twoWaySales, twoWaySold: { sales, paid, back } }: Books): Inside {
  const title = h('h3', { id: 'sales' }, say.sales)
  if (sales === 0) return [title, h('p', { class: 'hint' }, say.salesNone)]
  const { at, what, channel, number, paid: sum, back: returned } = say.salesColumns
  return [
    title,
    h('p', { class: 'hint' }, say.salesNote(sales, sat(paid), back > 0 ? sat(back) : null)),
    twoWaySales.length < sales && h('p', { class: 'hint' }, say.salesNewest(twoWaySales.length)),
    table('sales', [at, what, channel, number, sum, returned], twoWaySales.map(saleRow)),
  ]
}

function saleRow({ at, paymentId, article, part, channel, number, paid, isByInvoice, back }: TwoWaySale): Piece {
  return h(
    'tr',
    { key: paymentId },
    h('th', { scope: 'row' }, timeOf(at)),
    h(
      'td',
      {},
      article ? [texts.articles[article].title, ' ', partOf({ article, part })] : say.unordered,
      isByInvoice && [' ', h('small', { class: 'hint' }, say.byInvoice)],
    ),
    h('td', {}, h('code', { title: channel }, brief(channel))),
    h('td', { class: 'number' }, count(number)),
    h('td', { class: 'number' }, sat(paid)),
    h('td', { class: 'number' }, back > 0 ? sat(back) : '—'),
  )
}

function blocksOf({ have, need }: NonNullable<TwoWayAccount['progress']>): Inside {
  const text = say.twoWayProgress(have, need)
  return [h('progress', { max: need, value: have, 'aria-label': text }), ' ', text]
}

/** Both sides of the books, counted from different records. */
function sides(balance: Balance): Inside {
  const { claims, settled, lost, sold, credit, isBalanced } = balance
  const holds: readonly (readonly [string, number])[] = [
    [say.claims, claims],
    [say.settled, settled],
    ...(lost > 0 ? [[say.lost, lost] as const] : []),
  ]
  return [
    h('p', { class: 'hint' }, say.balanceNote),
    h(
      'div',
      { class: 'balance' },
      side(say.assets, holds),
      side(say.liabilities, [
        [say.sold, sold],
        [say.credit, credit],
      ]),
    ),
    h(
      'p',
      { class: `verdict ${isBalanced ? 'proven' : 'fault'}`, role: 'status' },
      isBalanced ? say.balanced : say.unbalanced,
    ),
  ]
}

function side(title: string, rows: readonly (readonly [string, number])[]): Piece {
  const total = rows.reduce((sum, [, value]) => sum + value, 0)
  return h(
    'div',
    {},
    h('h3', {}, title),
    h(
      'dl',
      { class: 'sums' },
      rows.map(([name, value]) => h('div', { key: name }, h('dt', {}, name), h('dd', {}, sat(value)))),
      h('div', { class: 'total', key: 'total' }, h('dt', {}, say.total), h('dd', {}, sat(total))),
    ),
  )
}

function ledger(entries: readonly Entry[], all: number): Inside {
  if (entries.length === 0) return h('p', { class: 'hint' }, say.ledgerNone)
  const { at, what, channel, number, price } = say.ledgerColumns
  const rows = entries.map((entry) =>
    h(
      'tr',
      { key: entry.paymentId },
      h('th', { scope: 'row' }, timeOf(entry.at)),
      h('td', {}, texts.articles[entry.article].title, ' ', partOf(entry)),
      h('td', {}, h('code', { title: entry.channel }, brief(entry.channel))),
      h('td', { class: 'number' }, count(entry.number)),
      h('td', { class: 'number' }, sat(entry.price)),
    ),
  )
  return [
    h('p', { class: 'hint' }, say.ledgerNote(entries.length, all)),
    table('ledger', [at, what, channel, number, price], rows),
  ]
}

function partOf({ article, part }: Pick<Entry, 'article' | 'part'>): Inside {
  const unit = say.part[article]
  return unit ? h('small', { class: 'hint' }, `${unit} ${count(part + 1)}`) : null
}

const numeric: ReadonlySet<string> = new Set([
  say.columns.received,
  say.columns.spent,
  say.columns.payments,
  say.ledgerColumns.number,
  say.ledgerColumns.price,
  say.twoWayColumns.shop,
  say.twoWayColumns.shopper,
  say.twoWayColumns.updates,
  say.salesColumns.paid,
  say.salesColumns.back,
])

function table(label: string, heads: readonly string[], rows: readonly Piece[]): Piece {
  return h(
    'div',
    { class: 'scroll', role: 'region', 'aria-labelledby': label, tabindex: 0 },
    h(
      'table',
      { class: label === 'channels' ? 'actions' : null },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          heads.map((text) => h('th', { scope: 'col', class: numeric.has(text) ? 'number' : null }, text)),
        ),
      ),
      h('tbody', {}, rows),
    ),
  )
}
