import type { WindowDetail } from '../api.ts'
import { h, type Inside, type Piece } from '../page/tree.ts'
import { brief, count, texts } from '../texts.ts'
import { type Bar, type Picture, pictureOf } from './picture.ts'
import { lanesTexts } from './texts.ts'

/** What the edge says of a window without its transactions. */
export interface WindowFigures {
  readonly window: number
  readonly at: number
  readonly transactions: number
  readonly lanes: number
  readonly criticalPathGas: number
  readonly totalGas: number
  readonly makespanGas4: number
}

export interface Lanes {
  /** The newest first; `null` before the edge has answered. */
  readonly windows: readonly WindowFigures[] | null
  readonly chosen: number | null
  /** `gone`: the edge keeps no picture of it. */
  readonly detail: WindowDetail | 'gone' | null
  readonly isStale: boolean
}

const say = lanesTexts

/** The whole of the lanes page below its head. */
export function lanesView(
  { windows, chosen, detail, isStale }: Lanes,
  choose: (window: number) => void,
): readonly Piece[] {
  return [
    h('div', { class: 'notices', 'aria-live': 'polite' }, isStale && h('p', { class: 'notice' }, say.unreachable)),
    h('div', { class: 'head' }, h('h1', {}, say.title), h('p', { class: 'lead' }, say.lead)),
    ...body(windows, { chosen, detail }, choose),
  ]
}

function body(
  windows: Lanes['windows'],
  { chosen, detail }: Pick<Lanes, 'chosen' | 'detail'>,
  choose: (window: number) => void,
): Piece[] {
  if (!windows) return [h('p', { class: 'working', role: 'status' }, h('span', { class: 'spinner' }), texts.loading)]
  if (windows.length === 0) return [h('p', { class: 'hint' }, say.none)]
  const figures = windows.find(({ window }) => window === chosen) ?? windows[0]
  return [
    picker(windows, figures?.window ?? null, choose),
    ...(figures ? [tiles(figures)] : []),
    ...(detail === 'gone' ? [h('p', { class: 'hint' }, say.gone)] : detail ? drawn(detail) : []),
  ]
}

function picker(windows: readonly WindowFigures[], chosen: number | null, choose: (window: number) => void): Piece {
  return h(
    'label',
    { class: 'field picker' },
    h('span', { class: 'label' }, say.windows),
    h(
      'select',
      { onchange: (event) => choose(Number((event.target as HTMLSelectElement).value)) },
      windows.map(({ window, transactions, lanes }) =>
        h(
          'option',
          { key: window, value: window, selected: window === chosen },
          say.option(window, transactions, lanes),
        ),
      ),
    ),
  )
}

function tiles({ transactions, lanes, criticalPathGas, totalGas, makespanGas4 }: WindowFigures): Piece {
  const ideal = makespanGas4 > 0 ? totalGas / makespanGas4 : 1
  const rows: readonly (readonly [string, string])[] = [
    [say.figures.transactions, count(transactions)],
    [say.figures.lanes, count(lanes)],
    [say.figures.critical, say.gas(criticalPathGas)],
    [say.figures.ideal, say.times(ideal)],
  ]
  return h(
    'dl',
    { class: 'tiles part' },
    rows.map(([name, value]) => h('div', { key: name }, h('dt', {}, name), h('dd', {}, value))),
  )
}

function drawn(detail: WindowDetail): Piece[] {
  const picture = pictureOf(detail)
  return [
    h(
      'div',
      {
        class: 'picture',
        role: 'region',
        tabindex: 0,
        'aria-label': say.picture(detail.window),
        key: `picture ${detail.window}`,
      },
      svg(detail, picture),
    ),
    legend(),
    ...(picture.lanesLeftOut > 0 ? [h('p', { class: 'hint' }, say.more(picture.lanesLeftOut))] : []),
    h(
      'section',
      { class: 'part', 'aria-labelledby': 'why' },
      h('h2', { id: 'why', class: 'over' }, say.table),
      whyTable(detail),
    ),
  ]
}

const [width, left, rowHeight, barHeight, top] = [1_000, 70, 20, 13, 8]

function svg(detail: WindowDetail, picture: Picture): Piece {
  const scale = (width - left - 10) / picture.gas
  const x = (gas: number) => left + gas * scale
  const y = (row: number) => top + row * rowHeight
  const height = y(picture.rows) + top
  const label = { id: 'picture-title' }
  return h(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': 'picture-title picture-desc' },
    h('title', label, say.picture(detail.window)),
    h('desc', { id: 'picture-desc' }, say.describe(detail.transactions.length, detail.lanes, picture.criticalLength)),
    picture.lanes.map(({ lane, row }) => [
      h('line', { class: 'row-line', x1: 0, x2: width, y1: y(row) - 3, y2: y(row) - 3 }),
      h('text', { x: 4, y: y(row) + barHeight - 2 }, say.row(lane)),
    ]),
    picture.waits.map(({ from, to }) =>
      h('path', { class: 'wait', d: curve(x(from.end), y(from.row), x(to.begin), y(to.row)) }),
    ),
    picture.bars.map((bar) =>
      rect(detail, bar, { x: x(bar.begin), y: y(bar.row), width: Math.max(3, x(bar.end) - x(bar.begin) - 2) }),
    ),
  )
}

function rect(
  detail: WindowDetail,
  { index, isCritical }: Bar,
  at: { readonly x: number; readonly y: number; readonly width: number },
): Piece {
  const reason = detail.transactions[index]?.waits[0]?.reason ?? `${count(index)} ${say.free}`
  return h('rect', { class: isCritical ? 'critical' : 'tx', ...at, height: barHeight, rx: 3 }, h('title', {}, reason))
}

/** From the end of a bar to the begin of another, below or above it. */
function curve(x1: number, row1: number, x2: number, row2: number): string {
  const [y1, y2] = [row1 + barHeight / 2, row2 + barHeight / 2]
  const bend = Math.max(8, (x2 - x1) / 2)
  return `M${round(x1 - 2)} ${round(y1)}C${round(x1 + bend)} ${round(y1)} ${round(x2 - bend)} ${round(y2)} ${round(x2)} ${round(y2)}`
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function legend(): Piece {
  const swatch = (kind: string) =>
    h(
      'svg',
      { viewBox: '0 0 28 16', 'aria-hidden': 'true' },
      kind === 'wait'
        ? h('line', { class: kind, x1: 1, x2: 27, y1: 8, y2: 8 })
        : h('rect', { class: kind, x: 1, y: 2, width: 26, height: 12, rx: 3 }),
    )
  const rows: readonly (readonly [string, string])[] = [
    ['tx', say.legend.ordinary],
    ['critical', say.legend.critical],
    ['wait', say.legend.wait],
  ]
  return h(
    'ul',
    { class: 'legend' },
    rows.map(([kind, text]) => h('li', { key: kind }, swatch(kind), text)),
  )
}

/** The picture in words: every transaction, and why it waits. */
function whyTable({ transactions }: WindowDetail): Inside {
  const { index, lane, sender, gas, why } = say.columns
  return h(
    'div',
    { class: 'scroll tall', role: 'region', 'aria-labelledby': 'why', tabindex: 0 },
    h(
      'table',
      { class: 'figures' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          [index, lane, sender, gas, why].map((text) => h('th', { scope: 'col' }, text)),
        ),
      ),
      h(
        'tbody',
        {},
        transactions.map((one, at) =>
          h(
            'tr',
            { key: one.hash },
            h('th', { scope: 'row' }, count(at)),
            h('td', {}, count(one.lane)),
            h('td', {}, h('code', { title: one.sender }, brief(one.sender))),
            h('td', {}, count(one.gas)),
            h('td', {}, reasonOf(one.waits)),
          ),
        ),
      ),
    ),
  )
}

function reasonOf(waits: WindowDetail['transactions'][number]['waits']): string {
  const [first, ...others] = waits
  if (!first) return say.free
  return others.length === 0 ? first.reason : `${first.reason} ${say.more2(others.length)}`
}
