import type { CheatStep, CheatStory, CheatSums } from '../api.ts'
import { h, type Inside, type Piece } from '../page/tree.ts'
import { sat } from '../texts.ts'
import { cheatTexts as say } from './texts.ts'

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
  const [title, text] = told(step)
  const txid = step.type === 'opened' ? step.fundingTxid : 'txid' in step ? step.txid : null
  return h(
    'li',
    { key: step.type, class: `plot-${step.type}` },
    h('h3', {}, title),
    h('p', {}, text),
    txid !== null && h('p', { class: 'hint' }, `${say.transaction} `, h('code', { title: txid }, say.txid(txid))),
  )
}

function told(step: CheatStep): readonly [title: string, text: string] {
  // Each of the texts takes the step of its own type.
  return (say.steps[step.type] as (step: CheatStep) => readonly [string, string])(step)
}

function sumsOf({ capacity, ...parts }: CheatSums): Piece[] {
  const { toShop, toCheat, stateFee, justiceFee, anchors } = parts
  const rows = Object.entries({ toShop, toCheat, stateFee, justiceFee, anchors })
  const isBalanced = rows.reduce((sum, [, value]) => sum + value, 0) === capacity
  const line = (name: keyof CheatSums, value: number): Inside =>
    h(
      'div',
      { key: name, class: name === 'capacity' ? 'total' : null },
      h('dt', {}, say.sums[name]),
      h('dd', {}, sat(value)),
    )
  return [
    h(
      'div',
      { class: 'balance plot-sums' },
      h(
        'dl',
        { class: 'sums' },
        rows.map(([name, value]) => line(name as keyof CheatSums, value)),
        line('capacity', capacity),
      ),
    ),
    h(
      'p',
      { class: `verdict ${isBalanced ? 'proven' : 'fault'}`, role: 'status' },
      isBalanced ? say.balanced : say.unbalanced,
    ),
  ]
}
