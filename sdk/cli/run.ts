import { readFileSync } from 'node:fs'
import {
  type Answer,
  type Command,
  commonOptions,
  exitCodes,
  isSdkError,
  type Option,
  readAsked,
  usage,
} from './command.ts'
import { batchCommands } from './table/batch.ts'
import { channelCommands } from './table/channel.ts'
import { verifyCommands } from './table/verify.ts'
import { walletCommands } from './table/wallet.ts'
import { openTerminal } from './terminal.ts'

const commands: readonly Command[] = [...walletCommands, ...batchCommands, ...channelCommands, ...verifyCommands]

/** What one run printed, and how it ended. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs one command line. Never throws: whatever happens is an exit code and a text. docs/cli.md. */
export async function run(args: readonly string[]): Promise<Outcome> {
  const isJson = args.includes('--json')
  const [first = '', second = ''] = args
  if (args.length === 0 || first === '--help' || first === 'help') return printed(0, overview())
  if (first === '--version') return printed(0, version())
  const command = commands.find(({ name }) => name === `${first} ${second}`)
  if (!command) {
    const group = commands.filter(({ name }) => name.startsWith(`${first} `))
    if (group.length > 0 && (second === '' || second === '--help')) return printed(0, overview(group))
    return written(usage(`there is no command '${`${first} ${second}`.trim()}'`), isJson)
  }
  const asked = readAsked(command, args.slice(2))
  if ('end' in asked) return written(asked, isJson, command)
  if (asked.flag('help')) return printed(0, helpOf(command))
  try {
    return written(await command.run(asked, openTerminal()), isJson, command)
  } catch (error) {
    return failed(error, isJson)
  }
}

function written(answer: Answer, isJson: boolean, command?: Command): Outcome {
  const code = exitCodes[answer.end]
  switch (answer.end) {
    case 'ok':
      return printed(code, isJson ? json({ ok: true, ...answer.facts }) : answer.lines.join('\n'))
    case 'refused': {
      const { code: name, reason, notes = [] } = answer
      if (isJson) return printed(code, json({ ok: false, code: name, reason, notes, retryable: false }))
      return { code, stdout: '', stderr: `refused: ${[reason, ...notes].join('\n')} (${name})\n` }
    }
    case 'usage': {
      if (isJson) return printed(code, json({ ok: false, code: 'cli/usage', reason: answer.reason, retryable: false }))
      const help = command ? `lanekit ${command.name} --help` : 'lanekit --help'
      return { code, stdout: '', stderr: `lanekit: ${answer.reason}. See: ${help}\n` }
    }
  }
}

/** Failures that say no for good, where others are the world's. */
const refusals = /^(?:vault\/(?!unsupported)|keys\/|units\/|batch\/|evm\/|store\/conflict|node\/nonsense)/

function failed(error: unknown, isJson: boolean): Outcome {
  if (isSdkError(error)) {
    const { code: name, message, notes, retryable } = error
    const code = refusals.test(name) ? exitCodes.refused : exitCodes.world
    if (isJson) return printed(code, json({ ok: false, code: name, reason: message, notes, retryable }))
    return { code, stdout: '', stderr: `lanekit: ${[message, ...notes].join('\n')} (${name})\n` }
  }
  const isInvariant = error instanceof Error && error.name === 'InvariantError'
  const what = isInvariant ? error.message : String((error as Error)?.stack ?? error)
  const reason = `This is a bug of lanekit. ${what}`
  if (isJson) return printed(exitCodes.bug, json({ ok: false, code: 'cli/bug', reason, retryable: false }))
  return { code: exitCodes.bug, stdout: '', stderr: `${reason}\n` }
}

function printed(code: number, text: string): Outcome {
  return { code, stdout: `${text}\n`, stderr: '' }
}

/** One line; what JSON has no number for is text. */
function json(facts: object): string {
  return JSON.stringify(facts, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}

/** Of the package this program is in: two folders up, built or not. */
function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

function overview(some: readonly Command[] = commands): string {
  const rows = some.map(({ name, words, summary }) => [`lanekit ${name} ${words}`.trim(), summary] as const)
  return [
    'Usage: lanekit COMMAND [OPTION...]',
    '',
    ...aligned(rows),
    '',
    'Each command has --help and --json. lanekit --version tells the version.',
    `Ends with ${exitCodes.ok} when it went well, ${exitCodes.refused} when something was refused or does not hold, ` +
      `${exitCodes.usage} when called`,
    `wrongly, ${exitCodes.world} when the network, a node or the disk failed, ${exitCodes.bug} on a bug of ours.`,
  ].join('\n')
}

function helpOf({ name, words, summary, about, options }: Command): string {
  const rows = Object.entries({ ...options, ...commonOptions }).map(([option, { value, help }]: [string, Option]) => {
    return [value ? `--${option} ${value}` : `--${option}`, help] as const
  })
  return [
    `Usage: lanekit ${[name, words].join(' ').trim()} [OPTION...]`,
    '',
    `This ${summary}.`,
    ...about,
    '',
    ...aligned(rows),
  ].join('\n')
}

function aligned(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
