import type { Article, ArticleId, Goods, Tide } from '../api.ts'

/** What the shop sells and hands over. Nothing of it leaves the server before it is paid. */
export const articles: readonly Article[] = [
  { id: 'story', price: 40, parts: 1, deposit: 0, over: 'any' },
  { id: 'song', price: 1, parts: 60, deposit: 0, over: 'any' },
  { id: 'leaves', price: 1, parts: 200, deposit: 0, over: 'any' },
  { id: 'chart', price: 2_500, parts: 1, deposit: 1_500, over: 'two-way' },
  { id: 'tide', price: 5, parts: 1, deposit: 0, over: 'one-way' },
]

/** The part of an article, or nothing for one that is not for sale this way. */
export function goodsOf(article: ArticleId, part: number): Goods | null {
  const { parts } = articles.find(({ id }) => id === article) ?? { parts: 0 }
  if (!Number.isInteger(part) || part < 0 || part >= parts) return null
  switch (article) {
    case 'story':
      return { kind: 'story', ...story }
    case 'song':
      return { kind: 'second', notes: secondOf(part) }
    case 'leaves':
      return leafOf(part)
    case 'chart':
      return { kind: 'chart', lines: chart }
    default:
      return null
  }
}

/** The harbour from above: land, water, and the depth in metres at low water. */
const chart = [
  '##########################',
  '####  1   2   2  1  ######',
  '##  2   3   4   3  2  ####',
  '##  3   5   6   5  3   1 #',
  '#   4   7   9   8  6   4  ',
  '##  3   6   8   9  9  11 >',
  '##  2   4   5   6  8  12  ',
  '###   1   2  ####   7   9 ',
  '############ keeper ##  6 ',
] as const

const story = {
  title: 'The keeper who set his clock by the water',
  paragraphs: [
    'On the quay of a town too small for a lighthouse there lived a keeper whose only duty was to ring the bell at noon. He owned one clock. It lost four minutes a day, and he knew it lost four minutes a day, and every noon he rang the bell when the clock said four minutes to.',
    'What told him of the four minutes was the harbour. He had cut a notch in the third step of the landing for each hour that the tide table printed, and when the water stood in a notch he looked at the clock, and laughed at it, and wound it. The water was never late. It owed nobody anything.',
    'One winter the council sent a better clock, with a certificate. It lost nothing for a month. The keeper stopped walking down to the landing, and the weed grew over the notches. In spring the better clock stopped at ten past three one night, and at noon, by that clock, nobody rang.',
    'He went down with a knife and scraped the third step clean. The sea was in the notch for a quarter to one. He rang the bell late, and everybody set their watches by it, and for one day the whole town was wrong together, which, he used to say, is the one thing a clock alone can never do for you. After that he kept both: the clock for asking, and the water for believing.',
  ],
} as const

/** A slow tune of two voices over sixty seconds, made from a walk along one scale. */
function secondOf(second: number): readonly (readonly [number, number, number])[] {
  const scale = [0, 2, 4, 7, 9, 12, 14, 16]
  const hertz = (step: number, octave: number) => 220 * 2 ** (((scale[step % scale.length] ?? 0) + 12 * octave) / 12)
  const bar = Math.floor(second / 4)
  const walk = [0, 2, 1, 4, 3, 5, 2, 4, 1, 3, 0, 2, 6, 5, 3]
  const high = walk[(second * 3 + bar) % walk.length] ?? 0
  const next = walk[(second * 3 + bar + 1) % walk.length] ?? 0
  const low = hertz((bar * 2) % 5, -1)
  const voices: [number, number, number][] = [
    [hertz(high, 0), 0, 0.48],
    [hertz(next, 0), 0.5, 0.45],
  ]
  return second % 2 === 0 ? [[low, 0, 1.8], ...voices] : voices
}

const hourMs = 3_600_000
/** The moon's half day, and the sun's: their beat makes springs and neaps. */
const [moonHours, sunHours] = [12.4206, 12]

/** Height of the water over the chart's zero, in metres. */
function heightAt(at: number): number {
  const turn = (hours: number) => (2 * Math.PI * (at / hourMs)) / hours
  return 2.6 + 1.5 * Math.cos(turn(moonHours)) + 0.5 * Math.cos(turn(sunHours))
}

/** One day of the table, counted from the first of 2026. */
function leafOf(part: number): Goods {
  const begin = Date.UTC(2026, 0, 1 + part)
  let [high, low] = [begin, begin]
  for (let at = begin; at < begin + 12.5 * hourMs; at += 60_000) {
    if (heightAt(at) > heightAt(high)) high = at
    if (heightAt(at) < heightAt(low)) low = at
  }
  const time = (at: number) => new Date(at).toISOString().slice(11, 16)
  return { kind: 'leaf', day: part + 1, high: time(high), low: time(low), metres: Number(heightAt(high).toFixed(1)) }
}

/** The tide at a moment. */
export function tideAt(at: number): Tide {
  const rising = heightAt(at + 60_000) > heightAt(at)
  let next = at
  while (heightAt(next + 60_000) > heightAt(next)) next += 60_000
  if (next === at) {
    while (heightAt(next + 60_000) <= heightAt(next)) next += 60_000
    while (heightAt(next + 60_000) > heightAt(next)) next += 60_000
  }
  return { at, metres: heightAt(at), trend: rising ? 'rising' : 'falling', nextHighAt: next }
}
