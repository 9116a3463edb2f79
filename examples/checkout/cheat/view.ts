import type { CheatStep, CheatStory, CheatSums } from '../api.ts'
import { h, type Inside, type Piece } from '../page/tree.ts'
import { brief, sat } from '../texts.ts'
import { cheatTexts as say, stepText, sumRows, txidOf } from './texts.ts'

/** What the page knows. */
export interface Cheat {
  /** `null` before the shop has answered. */
  readonly story: CheatStory | null
  readonly isStale: boolean
}

/** The whole of the cheat's page below its head. */
export function cheatView({ story, isStale }: Cheat, play: () => void): readonly Piece[] {
  const isPlaying = story?.isPlaying === true
  const steps = story?.steps ?? []
  const mayNot = isPlaying || story === null
  return [
    h('div', { class: 'notices', 'aria-live': 'polite' }, [
      isStale && h('p', { class: 'notice', key: 'stale' }, say.unreachable),
      story !== null &&
        story.trouble !== null &&
        h('p', { class: 'notice notice-trouble', key: 'trouble' }, `${say.trouble} ${story.trouble}`),
    ]),
    h(
      'div',
      { class: 'head' },
      h('h1', {}, say.title),
      h('p', { class: 'lead' }, say.lead),
      h('p', { class: 'hint' }, say.how),
    ),
    h(
      'div',
      { class: 'row' },
      h(
        'button',
        { type: 'button', class: 'primary', 'aria-disabled': mayNot ? 'true' : null, onclick: mayNot ? null : play },
        steps.length > 0 && !isPlaying ? say.again : say.play,
      ),
    ),
    h(
      'section',
      { class: 'part', 'aria-labelledby': 'story' },
      h('h2', { id: 'story', class: 'over' }, say.story),
      h('ol', { class: 'plot' }, steps.map(stepOf)),
      h(
        'p',
        { class: isPlaying ? 'working' : 'hint', role: 'status' },
        isPlaying && [h('span', { class: 'spinner' }), say.playing],
      ),
      ...steps.flatMap((step) => (step.type === 'ended' ? sumsOf(step) : [])),
    ),
  ]
}

function stepOf(step: CheatStep): Piece {
  const [title, text] = stepText(step)
  const txid = txidOf(step)
  return h(
    'li',
    { key: step.type },
    h('h3', {}, title),
    h('p', {}, text),
    txid !== null && h('p', { class: 'hint' }, `${say.transaction} `, h('code', { title: txid }, brief(txid))),
  )
}

function sumsOf(sums: CheatSums): Piece[] {
  const rows = sumRows(sums)
  const isBalanced = rows.reduce((total, [, sum]) => total + sum, 0) === sums.capacity
  const line = ([name, sum]: readonly [string, number], kind: string | null = null): Inside =>
    h('div', { key: name, class: kind }, h('dt', {}, name), h('dd', {}, sat(sum)))
  return [
    h(
      'div',
      { class: 'balance plot-sums' },
      h(
        'dl',
        { class: 'sums' },
        rows.map((row) => line(row)),
        line([say.sums.capacity, sums.capacity], 'total'),
      ),
    ),
    h(
      'p',
      { class: `verdict ${isBalanced ? 'proven' : 'fault'}`, role: 'status' },
      isBalanced ? say.balanced : say.unbalanced,
    ),
  ]
}
