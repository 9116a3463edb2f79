import type { CheatStep, CheatStory, CheatSums } from '../../examples/checkout/api.ts'
import { cheatTexts, stepText, sumRows, txidOf } from '../../examples/checkout/cheat/texts.ts'
import { sat } from '../../examples/checkout/texts.ts'
import { InvariantError, SdkError } from '../../sdk/errors.ts'

const pollMs = 300

/**
 * Has the checkout's cheat played (examples/checkout/server/cheat.ts), and tells each step as it comes. Throws when the cheat gains
 * anything, or a satoshi of its lane is not accounted for.
 */
export async function walkCheat(url: string, tell: (line: string) => void): Promise<CheatSums> {
  const ask = async (method: 'GET' | 'POST') => {
    const response = await fetch(`${url}/demo/cheat`, { method })
    return (await response.json()) as CheatStory
  }
  tell(`\n${cheatTexts.lead}\n`)
  let story = await ask('POST')
  let told = 0
  for (;;) {
    for (const step of story.steps.slice(told)) tell(linesOf(step))
    told = story.steps.length
    if (!story.isPlaying) break
    await new Promise((resolve) => setTimeout(resolve, pollMs))
    story = await ask('GET')
  }
  if (story.trouble !== null) throw new SdkError('node/unreachable', story.trouble)
  const last = story.steps.at(-1)
  if (last?.type !== 'ended') throw new InvariantError('A story that is over has an end.')
  const { type: _, ...sums } = last
  const whole = sumRows(sums).reduce((total, [, sum]) => total + sum, 0)
  if (sums.toCheat > 0 || whole !== sums.capacity)
    throw new InvariantError('The cheat has gained by it, or coins are missing.')
  return sums
}

function linesOf(step: CheatStep): string {
  const [title, text] = stepText(step)
  const txid = txidOf(step)
  const lines = [`  ${title}`, `    ${text}`, ...(txid === null ? [] : [`    ${cheatTexts.transaction} ${txid}`])]
  if (step.type === 'ended') {
    const rows = [...sumRows(step), [cheatTexts.sums.capacity, step.capacity] as const]
    lines.push(...rows.map(([name, sum]) => `    ${name.padEnd(34)}${sat(sum).padStart(12)}`))
  }
  return lines.join('\n')
}
