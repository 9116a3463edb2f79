import { describe, expect, it } from 'vitest'
import { pictureOf } from '../../../examples/checkout/lanes/picture.ts'
import { documentOf } from '../../../examples/checkout/page/frame.ts'
import { h, toHtml } from '../../../examples/checkout/page/tree.ts'
import { csvOf } from '../../../examples/checkout/server/books.ts'
import { articles, goodsOf, tideAt } from '../../../examples/checkout/server/goods.ts'
import { shopperView } from '../../../examples/checkout/shopper/view.ts'
import { sat, spanOf } from '../../../examples/checkout/texts.ts'
import { books, lanesStates, shopperStates } from '../../browser/states.ts'

const nothing = () => undefined

describe('pages as text', () => {
  it('escapes what stands in them, and writes no handler and no key', () => {
    const piece = h('p', { title: '"<&>"', key: 1, onclick: nothing, hidden: false, open: true }, '<b>', null, false, [
      'x',
      1,
    ])
    expect(toHtml(piece)).toBe('<p title="&quot;&lt;&amp;&gt;&quot;" open="">&lt;b&gt;x1</p>')
  })

  it('hold no script and no style of their own, in any state', () => {
    const assets = { script: '/assets/a.js', style: '/assets/a.css', icon: '/assets/a.svg' }
    for (const state of Object.values(shopperStates)) {
      const html = documentOf({
        page: 'shop',
        network: 'regtest',
        isDemo: true,
        assets,
        content: shopperView(state, nothing),
      })
      expect(html).not.toMatch(/<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:|https?:/)
    }
  })
})

describe('words', () => {
  it('says sums and spans in the roughest unit that is honest', () => {
    expect([sat(1_234n), sat(0)]).toEqual(['1,234 sat', '0 sat'])
    expect([6, 60, 600, 7_200, 604_800].map(spanOf)).toEqual([
      '6 seconds',
      '60 seconds',
      '10 minutes',
      '2 hours',
      '7 days',
    ])
  })
})

describe('goods', () => {
  it('every part of every article that is paid part by part can be handed over, and nothing else', () => {
    for (const { id, parts } of articles.filter(({ id }) => id !== 'tide')) {
      expect(Array.from({ length: parts }, (_, part) => goodsOf(id, part)).every(Boolean)).toBe(true)
      expect([goodsOf(id, parts), goodsOf(id, -1), goodsOf(id, 0.5)]).toEqual([null, null, null])
    }
    expect(goodsOf('tide', 0)).toBeNull()
  })

  it('the next high water is ahead, and higher than the water now', () => {
    for (let hour = 0; hour < 48; hour++) {
      const tide = tideAt(Date.UTC(2026, 4, 3, hour))
      expect(tide.nextHighAt).toBeGreaterThan(tide.at)
      expect(tideAt(tide.nextHighAt).metres).toBeGreaterThanOrEqual(tide.metres - 0.01)
    }
  })
})

describe('the ledger', () => {
  it('is a table of one row a payment, over lanes of both kinds, the newest first', () => {
    const lane = books.ledger[0]?.channel ?? ''
    const at = Math.max(...books.ledger.map((entry) => entry.at)) + 1
    const sale = { at, paymentId: '0x01', article: 'chart', part: 0, channel: lane, number: 7, paid: 2_500 } as const
    const [deposit, stray] = [
      { ...sale, isByInvoice: false, back: 1_500 },
      { ...sale, at: at + 1, article: null, isByInvoice: true, back: 0 },
    ]
    const rows = csvOf(books.ledger, [deposit, stray]).split('\r\n')
    expect(rows[0]).toBe('time,payment,article,part,channel,update,price_sat,kind,back_sat')
    expect(rows).toHaveLength(books.ledger.length + 4)
    expect(rows[1]?.split(',').slice(1)).toEqual(['0x01', '', '', lane, '7', '2500', 'invoice', '0'])
    expect(rows[2]?.split(',').slice(2)).toEqual(['chart', '1', lane, '7', '2500', 'two-way', '1500'])
    expect(rows[3]?.split(',')).toHaveLength(9)
    expect(rows[3]?.split(',').slice(7)).toEqual(['one-way', '0'])
  })
})

describe('the picture of a window', () => {
  const detail = lanesStates.drawn?.detail
  if (!detail || detail === 'gone') throw new Error('There is a window to draw.')
  const picture = pictureOf(detail)

  it('draws every transaction once, after all that it waits for, and no two on top of one another', () => {
    expect(picture.bars.map(({ index }) => index).sort((one, other) => one - other)).toEqual(
      detail.transactions.map((_, at) => at),
    )
    for (const { from, to } of picture.waits) expect(from.end).toBeLessThanOrEqual(to.begin)
    for (const one of picture.bars)
      for (const other of picture.bars)
        if (one !== other && one.row === other.row) expect(one.end <= other.begin || other.end <= one.begin).toBe(true)
  })

  it('marks the longest chain, from the start to the very end', () => {
    const critical = picture.bars.filter(({ isCritical }) => isCritical).sort((one, other) => one.begin - other.begin)
    expect([critical[0]?.begin, critical.at(-1)?.end]).toEqual([0, picture.gas])
    expect(critical).toHaveLength(picture.criticalLength)
    for (const [at, bar] of critical.slice(1).entries()) expect(bar.begin).toBe(critical[at]?.end)
  })
})
